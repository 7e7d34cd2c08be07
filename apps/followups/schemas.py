"""JSON Schemas (2020-12) of follow-ups and of what is told of them. Only `id` is required: a
tombstone is valid under each. `readOnly` marks what the server alone writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.followups import codes
from apps.sync.registry import served

FOLLOW_UP_EVENT: Final = "follow_up_event"
FOLLOW_UP_AGREEMENT: Final = "follow_up_agreement"
# Nobody is found in more places than that.
MOST_PLACES: Final = 50

_ID: Final[dict[str, Any]] = {"type": "string", "format": "uuid", "maxLength": 36}
_MAYBE_ID: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "uuid", "maxLength": 36}
_TEXT: Final[dict[str, Any]] = {"type": ["string", "null"], "maxLength": 4000}
_SHORT: Final[dict[str, Any]] = {"type": ["string", "null"], "maxLength": 400}
_TIME: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "date-time", "maxLength": 40}
_WHOLE: Final[dict[str, Any]] = {"type": ["integer", "null"]}
_LIST: Final[dict[str, Any]] = {"type": ["array", "null"], "items": {"type": "object"}}
_FLAGS: Final[dict[str, Any]] = {
    "type": ["array", "null"],
    "items": {"type": "string"},
    "examples": [sorted(codes.FLAGS)],
}


def _code(known: Mapping[str, str], description: str = "") -> dict[str, Any]:
    """A code of ours. Any other is kept, and flagged: an app may be older or newer."""
    shape: dict[str, Any] = {"type": ["string", "null"], "maxLength": 40, "examples": list(known)}
    return {**shape, "description": description} if description else shape


_ASSIGNMENT: Final = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"
_ENCOUNTER: Final = "a2b0ad5c-7287-5b82-994d-bd465e497b5d"
_FOLLOW_UP: Final = "01931fa1-1a2b-7c3a-9a51-0d7a8f4b2ca1"
_EDITOR: Final = "01931f00-0000-7c3a-9a51-0d7a8f4b2c02"
_TYPED: Final[dict[str, Any]] = {
    "id": _FOLLOW_UP,
    "assignment_id": _ASSIGNMENT,
    "encounter_id": _ENCOUNTER,
    "purpose": "check_in",
    "way": "visit",
    "first_from": "2026-03-05T20:00:00.000Z",
    "first_until": "2026-03-06T06:00:00.000Z",
    "find": [
        {
            "id": "01931fa1-1a2b-7c3a-9a51-0d7a8f4b2ca2",
            "place": "Under the ramp at Royal Brougham",
            "hours": "after 16:00",
            "who": "Marcus, the man with the cart",
            "note": None,
        }
    ],
    "note": "Wants to be asked about the shelter.",
}

FOLLOW_UP: Final[dict[str, Any]] = {
    "title": "A follow-up: a person who is looked for again",
    "description": "Why, when, how, and where and when the person is found. What becomes of it is "
    "told by facts `follow_up_event`.",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {
            **_ID,
            "description": "a UUIDv7 that the client makes; of a plan's item UUIDv5 of "
            "`follow_up:<item>` in the encounter's namespace",
        },
        "assignment_id": _ID,
        "encounter_id": {**_ID, "description": "of that assignment: whom it is about"},
        "item": {
            **_SHORT,
            "maxLength": 40,
            "description": "the line of the plan that it follows from; by hand none",
        },
        "purpose": _code(codes.PURPOSES),
        "way": _code(codes.WAYS, "left out: a visit"),
        "first_from": {
            **_TIME,
            "description": "the window as it is made; afterwards events move it. By a plan: its",
        },
        "first_until": _TIME,
        "find": {
            "type": ["array", "null"],
            "maxItems": MOST_PLACES,
            "description": "where and when the person is found, and who knows them; only added to",
            "items": {
                "type": "object",
                "properties": {
                    "id": _ID,
                    "place": _TEXT,
                    "hours": _SHORT,
                    "who": _TEXT,
                    "note": _TEXT,
                },
            },
        },
        "note": _TEXT,
        **served(
            {
                "person_id": {**_MAYBE_ID, "description": "whom its encounter names"},
                "state": {"enum": ["open", "paused", "ended"]},
                "outcome": {"enum": [*codes.OUTCOMES, None]},
                "due_from": {**_TIME, "description": "the present window"},
                "due_until": _TIME,
                "rings": {
                    **_LIST,
                    "description": "{level, at}: when a tablet rings by itself, in the team's "
                    "hours: at level 1 for its owner (for everyone, where it has none), at level "
                    "2 for the team. Empty: it does not ring",
                },
                "level": {**_WHOLE, "description": "how far this occasion has risen: 0 to 3"},
                "occasion": {
                    **_WHOLE,
                    "description": "each window with its reminders is one; it only grows",
                },
                "tries": _WHOLE,
                "most_tries": _WHOLE,
                "team_id": _ID,
                "owner_id": {**_MAYBE_ID, "description": "null: whoever of the team is on duty"},
                "owner": _SHORT,
                "acknowledged_at": _TIME,
                "acknowledged_by": _SHORT,
                "paused_at": _TIME,
                "paused_for": {"enum": [*codes.PAUSES, None]},
                "paused_until": _TIME,
                "ended_at": _TIME,
                "created_at": _TIME,
                "created_by": _SHORT,
                "events": {
                    **_LIST,
                    "description": "{id, event, at, by, result, way}: what was told of it, the "
                    "last 50, in the order in which it was taken",
                },
                "flags": _FLAGS,
            }
        ),
    },
    "examples": [
        {**_TYPED, "editor": _EDITOR, "edit_no": 12},
        {
            **_TYPED,
            "person_id": None,
            "state": "open",
            "outcome": None,
            "due_from": "2026-03-05T20:00:00.000Z",
            "due_until": "2026-03-06T06:00:00.000Z",
            "rings": [
                {"level": 1, "at": "2026-03-05T20:00:00.000Z"},
                {"level": 2, "at": "2026-03-06T20:00:00.000Z"},
            ],
            "level": 0,
            "occasion": 1,
            "tries": 0,
            "most_tries": 3,
            "team_id": "01931e00-0000-7c3a-9a51-0d7a8f4b2c01",
            "owner_id": None,
            "owner": None,
            "events": [],
            "flags": [],
        },
    ],
}

# What an event may say of itself; which of it means something is the event's.
TOLD: Final[dict[str, Any]] = {
    "result": _code(codes.RESULTS, "of `attempted`"),
    "way": _code(codes.WAYS, "of `attempted`"),
    "where": {**_TEXT, "description": "of `attempted`"},
    "note": _TEXT,
    "next_from": {**_TIME, "description": "of `attempted`: when to try again; left out: the plan"},
    "next_until": _TIME,
    "until": {**_TIME, "description": "of `snoozed` and `paused`"},
    "due_from": {**_TIME, "description": "of `moved`"},
    "due_until": {**_TIME, "description": "of `moved`"},
    "reason": _code(codes.PAUSES, "of `paused`"),
    "outcome": _code(codes.OUTCOMES, "of `ended`; left out: withdrawn"),
    "to": {**_MAYBE_ID, "description": "of `taken`: somebody else of the team who takes it"},
    "event_id": {**_MAYBE_ID, "description": "of `withdrawn`: what was told by mistake"},
}

EVENT: Final[dict[str, Any]] = {
    "title": "What is told of a follow-up",
    "description": "Append-only. `withdrawn` takes back what was told by mistake.",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {**_ID, "description": "a UUIDv7 that the client makes"},
        "kind": {"const": FOLLOW_UP_EVENT},
        "follow_up_id": _ID,
        "event": _code(codes.EVENTS),
        "at": {**_TIME, "description": "when it happened; left out: when it was tapped"},
        **TOLD,
        "device_time": _TIME,
        "counter": _WHOLE,
        **served(
            {
                "author_id": _MAYBE_ID,
                "author_name": _SHORT,
                "received_at": _TIME,
                "clock_offset_ms": _WHOLE,
                "clock_uncertainty_ms": _WHOLE,
                "flags": _FLAGS,
            }
        ),
    },
    "examples": [
        {
            "id": "01931fa1-1a2b-7c3a-9a51-0d7a8f4b2ca3",
            "kind": FOLLOW_UP_EVENT,
            "follow_up_id": _FOLLOW_UP,
            "event": "attempted",
            "at": "2026-03-05T20:40:00.000Z",
            "result": "left_word",
            "way": "visit",
            "where": "Under the ramp at Royal Brougham",
            "note": "Marcus will tell them.",
            "next_from": "2026-03-06T20:00:00.000Z",
            "device_time": "2026-03-05T20:41:12.310Z",
            "counter": 71,
            "editor": _EDITOR,
            "edit_no": 71,
        }
    ],
}

AGREEMENT: Final[dict[str, Any]] = {
    "title": "Whether a person wants follow-ups, or a clinician's reason for them",
    "description": "The last word of the person holds. Without one nobody is followed up. A "
    "clinician's reason is written by a supervisor, with its last day: it opens follow-ups until "
    "then, also after a refusal that was told before it.",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {**_ID, "description": "a UUIDv7 that the client makes"},
        "kind": {"const": FOLLOW_UP_AGREEMENT},
        "assignment_id": _ID,
        "encounter_id": {**_ID, "description": "of that assignment: who was asked"},
        "basis": _code(codes.BASES),
        "said_at": {**_TIME, "description": "left out: when it was tapped"},
        "ends_on": {
            "type": ["string", "null"],
            "format": "date",
            "maxLength": 10,
            "description": "the last day of a clinician's reason, at most 90 days ahead",
        },
        "ways": {
            "type": ["array", "null"],
            "maxItems": 10,
            "items": {"type": "string", "maxLength": 40, "examples": list(codes.WAYS)},
            "description": "how they want to be reached",
        },
        "words": {**_TEXT, "description": "what they said"},
        "reason": {**_TEXT, "description": "a clinician's, in words"},
        "device_time": _TIME,
        "counter": _WHOLE,
        **served(
            {
                "author_id": _MAYBE_ID,
                "author_name": _SHORT,
                "received_at": _TIME,
                "clock_offset_ms": _WHOLE,
                "clock_uncertainty_ms": _WHOLE,
                "flags": _FLAGS,
            }
        ),
    },
    "examples": [
        {
            "id": "01931fa2-1a2b-7c3a-9a51-0d7a8f4b2cb1",
            "kind": FOLLOW_UP_AGREEMENT,
            "assignment_id": _ASSIGNMENT,
            "encounter_id": _ENCOUNTER,
            "basis": "agreed",
            "ways": ["visit"],
            "words": "Not before noon.",
            "device_time": "2026-03-04T21:12:40.120Z",
            "counter": 44,
            "editor": _EDITOR,
            "edit_no": 44,
        }
    ],
}

# A kind of `reference`: clients see the properties of all kinds side by side.
FOLLOW_UP_PLAN: Final = "follow_up_plan"
PLAN: Final[dict[str, Any]] = {
    "version": {"type": "string"},
    "holds_from": {"type": "string"},
    "holds_until": {"type": ["string", "null"]},
    "asks_for": {"type": "array", "items": {"type": "object"}},
}
