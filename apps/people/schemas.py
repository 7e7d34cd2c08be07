"""JSON Schemas (2020-12) of encounters and persons. Only `id` is required: a tombstone is valid
under each. `readOnly` marks what the server alone writes. Nothing here asks for immigration status:
it is never recorded, and what a tablet writes of it is taken out (`never_recorded`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from apps.people import codes
from apps.sync.registry import served

_ID: Final[dict[str, Any]] = {"type": "string", "format": "uuid", "maxLength": 36}
_MAYBE_ID: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "uuid", "maxLength": 36}
_TEXT: Final[dict[str, Any]] = {"type": ["string", "null"], "maxLength": 8000}
_SHORT: Final[dict[str, Any]] = {"type": ["string", "null"], "maxLength": 200}
_TIME: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "date-time", "maxLength": 40}
_DAY: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "date", "maxLength": 10}
_FLAG: Final[dict[str, Any]] = {"type": ["boolean", "null"]}
_FLAGS: Final[dict[str, Any]] = {
    "type": ["array", "null"],
    "items": {"type": "string"},
    "examples": [sorted(codes.FLAGS)],
}


# Names of fields that say it, without case and signs.
_NEVER: Final = ("immigration", "citizenship", "visastatus", "legalstatus")


def never_recorded(name: str) -> bool:
    """Whether a field of this name would tell immigration status, however it is spelled.

    >>> never_recorded("visaStatus"), never_recorded("housing")
    (True, False)
    """
    plain = re.sub(r"[^a-z]", "", name.lower())
    return any(word in plain for word in _NEVER)


def _code(known: Mapping[str, str], description: str = "") -> dict[str, Any]:
    """A code of ours. Any other is kept, and flagged: an app may be older or newer."""
    shape: dict[str, Any] = {"type": ["string", "null"], "maxLength": 40, "examples": list(known)}
    return {**shape, "description": description} if description else shape


def _list(properties: dict[str, Any], description: str) -> dict[str, Any]:
    """Items that are known by `id`, so that two people can add to the list."""
    return {
        "type": ["array", "null"],
        "maxItems": 100,
        "description": description,
        "items": {"type": "object", "properties": {"id": _ID, **properties}},
    }


ENCOUNTER: Final[dict[str, Any]] = {
    "title": "A person met, or looked for, on an assignment",
    "description": "Its id is UUIDv5 of `encounter:<ordinal>` in the namespace of the assignment's "
    "id: tablet and server open the same one.",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": _ID,
        "assignment_id": _ID,
        "ordinal": {"type": "integer", "minimum": 1, "maximum": 20},
        "person_id": {**_MAYBE_ID, "description": "null: nobody found, or nobody known yet"},
        "match": _code(codes.MATCHES, "possible until a responder has confirmed who it is"),
        "role": _code(codes.ROLES),
        "place": {**_SHORT, "description": "where they were met, where that is another place"},
        **served(
            {
                "opened_at": _TIME,
                "opened_by": {"enum": ["tablet", "timeline"]},
                "met": {
                    "enum": ["unknown", "met", "nobody_found", "not_met"],
                    "description": "what the timeline says",
                },
                "summary": {
                    "type": ["object", "null"],
                    "description": "of the assignment: {cad_number, call_type, unit, state, "
                    "closing, disposition, times, durations, police_minutes}; never typed again",
                },
                "flags": _FLAGS,
            }
        ),
    },
    "examples": [
        {
            "id": "a2b0ad5c-7287-5b82-994d-bd465e497b5d",
            "assignment_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
            "ordinal": 1,
            "person_id": "01931f72-1a2b-7c3a-9a51-0d7a8f4b2c31",
            "match": "possible",
            "role": "Patient",
            "editor": "01931f00-0000-7c3a-9a51-0d7a8f4b2c02",
            "edit_no": 3,
        },
        {
            "id": "a2b0ad5c-7287-5b82-994d-bd465e497b5d",
            "assignment_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
            "ordinal": 1,
            "opened_at": "2026-03-04T22:41:10.020Z",
            "opened_by": "timeline",
            "met": "met",
            "summary": {
                "cad_number": "26000012345",
                "call_type": "DOWN - CHECK FOR DOWN PERSON",
                "unit": "CARE21",
                "state": "contact",
                "closing": None,
                "disposition": None,
                "times": {"on_scene": "2026-03-04T22:35:02Z"},
                "durations": {},
                "police_minutes": None,
            },
            "flags": [],
        },
    ],
}

PERSON: Final[dict[str, Any]] = {
    "title": "Somebody whom responders have met",
    "description": "They may be nameless. Show `safety_notes` first, with their source and age.",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {**_ID, "description": "a UUIDv7 that the client makes"},
        "safety_notes": _list(
            {
                "text": _TEXT,
                "source": _code(codes.SAFETY_SOURCES),
                "seen_on": _DAY,
                "expires_on": {
                    **_DAY,
                    "description": "its last day; without one: 180 days after `seen_on`",
                },
            },
            "what to beware of; one that is over, or that was ended, is not shown as what holds",
        ),
        "given_name": _SHORT,
        "family_name": _SHORT,
        "aliases": {"type": ["array", "null"], "items": {"type": "string", "maxLength": 200}},
        "description": {**_TEXT, "description": "the man with the grey dog at 3rd and Pike"},
        "birth_year": {"type": ["integer", "null"], "minimum": 1890, "maximum": 2100},
        "birth_date": _DAY,
        "approximate_age": {"type": ["integer", "null"], "minimum": 0, "maximum": 120},
        "sex": _code(codes.SEXES),
        "housing": _code(codes.HOUSING),
        "language": {**_SHORT, "description": "BCP 47 tag, or its name"},
        "interpreter": {**_FLAG, "description": "whether one is needed"},
        "helps": {**_TEXT, "description": "what helps"},
        "harms": {**_TEXT, "description": "what makes it worse"},
        "own_words": {**_TEXT, "description": "what they want us to know, in their own words"},
        "care_plan": _TEXT,
        "animals": _TEXT,
        "contacts": _list(
            {
                "kind": _code(codes.CONTACT_KINDS),
                "value": _SHORT,
                "safe": {**_FLAG, "description": "false: never use it, somebody else may see it"},
                "preferred": _FLAG,
                "note": _SHORT,
            },
            "how they may be reached",
        ),
        "found_at": _list(
            {"place": _SHORT, "when": _SHORT, "note": _SHORT}, "where and when to be found"
        ),
        "contested": {**_TEXT, "description": "what they say is wrong in this record"},
        **served(
            {
                "safety_reviews": {
                    "type": ["array", "null"],
                    "items": {"type": "object"},
                    "description": "{note, verdict, by, at, until}: what a supervisor said of a "
                    "safety note as it stands: `stands`, or `ended`. `until`: its last day then",
                },
                "merged_into": {**_MAYBE_ID, "description": "the same person: go on there"},
                "possible_matches": {
                    "type": ["array", "null"],
                    "items": {"type": "object"},
                    "description": "{person_id, name, aliases, birth_year, score}: who it may be; "
                    "only a responder says that it is",
                },
                "flags": _FLAGS,
            }
        ),
    },
    "examples": [
        {
            "id": "01931f72-1a2b-7c3a-9a51-0d7a8f4b2c31",
            "aliases": ["Red"],
            "description": "man with a grey dog at 3rd and Pike",
            "approximate_age": 45,
            "language": "en",
            "helps": "Talk about the dog first.",
            "harms": "Uniforms close up.",
            "animals": "grey dog, friendly",
            "found_at": [
                {
                    "id": "01931f72-1a2c-7c3a-9a51-0d7a8f4b2c32",
                    "place": "steps of the library",
                    "when": "mornings",
                }
            ],
            "editor": "01931f00-0000-7c3a-9a51-0d7a8f4b2c02",
            "edit_no": 4,
        }
    ],
}

# Photographs of people are off unless the city turns them on (`PERSON_PHOTOS`).
_PHOTOS: Final[dict[str, Any]] = {
    "type": ["array", "null"],
    "maxItems": 20,
    "items": {"type": "string", "maxLength": 64},
    "description": "the SHA-256 under which each was sent as media",
}


@cache
def person(*, photos: bool) -> dict[str, Any]:
    """The schema of a person, with photographs or without."""
    if not photos:
        return PERSON
    return {**PERSON, "properties": {**PERSON["properties"], "photos": _PHOTOS}}
