"""JSON Schemas (2020-12) of referrals, consents and what is told of them. Only `id` is required: a
tombstone is valid under each. `readOnly` marks what the server alone writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.referrals import codes, states
from apps.sync.registry import served

REFERRAL_ANSWER: Final = "referral_answer"
CONSENT_REVOCATION: Final = "consent_revocation"
DISCLOSURE: Final = "disclosure"

_ID: Final[dict[str, Any]] = {"type": "string", "format": "uuid", "maxLength": 36}
_MAYBE_ID: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "uuid", "maxLength": 36}
_TEXT: Final[dict[str, Any]] = {"type": ["string", "null"], "maxLength": 8000}
_SHORT: Final[dict[str, Any]] = {"type": ["string", "null"], "maxLength": 200}
_TIME: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "date-time", "maxLength": 40}
_FLAG: Final[dict[str, Any]] = {"type": ["boolean", "null"]}
_WHOLE: Final[dict[str, Any]] = {"type": ["integer", "null"]}
_FLAGS: Final[dict[str, Any]] = {
    "type": ["array", "null"],
    "items": {"type": "string"},
    "examples": [sorted(codes.FLAGS)],
}


def _code(known: Mapping[str, str], description: str = "") -> dict[str, Any]:
    """A code of ours. Any other is kept, and flagged: an app may be older or newer."""
    shape: dict[str, Any] = {"type": ["string", "null"], "maxLength": 40, "examples": list(known)}
    return {**shape, "description": description} if description else shape


def _codes(known: Mapping[str, str], description: str) -> dict[str, Any]:
    items = {"type": "string", "maxLength": 40, "examples": list(known)}
    return {
        "type": ["array", "null"],
        "maxItems": 50,
        "items": items,
        "description": description,
    }


def _list(properties: dict[str, Any], description: str) -> dict[str, Any]:
    """Items that are known by `id`, so that two people can add to the list."""
    return {
        "type": ["array", "null"],
        "maxItems": 100,
        "description": description,
        "items": {"type": "object", "properties": {"id": _ID, **properties}},
    }


_ASSIGNMENT: Final = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"
_ENCOUNTER: Final = "a2b0ad5c-7287-5b82-994d-bd465e497b5d"
_REFERRAL: Final = "01931fa0-1a2b-7c3a-9a51-0d7a8f4b2c71"
_TASK: Final = "01931fa0-1a2c-7c3a-9a51-0d7a8f4b2c72"
_PARTNER: Final = "01931e00-0000-7c3a-9a51-0d7a8f4b2c90"
_CONSENT: Final = "01931f9f-1a2b-7c3a-9a51-0d7a8f4b2c81"
_EDITOR: Final = "01931f00-0000-7c3a-9a51-0d7a8f4b2c02"

A_TASK: Final[dict[str, Any]] = {
    "id": _TASK,
    "partner_id": _PARTNER,
    "partner": "Pioneer Square Shelter",
    "service_id": None,
    "status": "accepted",
    "status_at": "2026-03-04T22:58:10.020Z",
    "reason_code": None,
    "reason": None,
    "case_number": "PSS-4411",
    "sent_at": "2026-03-04T22:50:02.120Z",
    "read_at": "2026-03-04T22:55:40.310Z",
    "answered_at": "2026-03-04T22:58:10.020Z",
    "awaits": "outcome",
    "step": 0,
    "due_at": "2026-03-05T10:58:10.020Z",
    "appointment_at": None,
    "appointment_place": None,
    "attended": None,
    "served": None,
    "services": [],
    "question": None,
    "reply": None,
    "duplicate_of": None,
    "flags": [],
    "answers": [
        {
            "verb": "accept",
            "way": "api",
            "by": "Kim, front desk",
            "at": "2026-03-04T22:58:10.020Z",
        }
    ],
}

REFERRAL: Final[dict[str, Any]] = {
    "title": "A referral: what somebody needs, and the partners who are asked for it",
    "description": "One partner that is asked is one item of `asked`, under an id that the client "
    "makes; the server answers with the task of that id in `tasks`.",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {**_ID, "description": "a UUIDv7 that the client makes: our stable id"},
        "assignment_id": _ID,
        "encounter_id": {**_ID, "description": "of that assignment"},
        "urgency": _code(codes.URGENCIES, "left out: within 72 hours"),
        "needs": _codes(codes.NEEDS, "what is needed: SDOH categories of FHIR, and ours"),
        "note": {**_TEXT, "description": "in the crew's words, for the partner"},
        "details": _list(
            {
                "category": _code(codes.DATA_CATEGORIES),
                "text": _TEXT,
                "source": {
                    **_SHORT,
                    "examples": ["person", "seen", "other", "partner"],
                    "description": "who told it. From a partner that is a programme under 42 CFR "
                    "Part 2, or from one that is not named, it is protected",
                },
                "source_partner_id": _MAYBE_ID,
                "part2": {**_FLAG, "description": "it comes from a Part 2 programme"},
            },
            "what a partner may need to know, each piece by its category",
        ),
        "contact_prohibited": {
            **_FLAG,
            "description": "the person must not be contacted (FHIR: contacting-subject-prohibited)",
        },
        "asked": _list(
            {
                "partner_id": _MAYBE_ID,
                "service_id": _MAYBE_ID,
                "at": _TIME,
            },
            "whom the crew asks; an item is never taken back: its task is cancelled",
        ),
        **served(
            {
                "number": {**_SHORT, "description": "for the telephone"},
                "status": {"enum": [*codes.REQUEST_STATUSES]},
                "outcome": {"enum": [*codes.OUTCOMES, None]},
                "created_at": _TIME,
                "closed_at": _TIME,
                "tasks": {
                    "type": ["array", "null"],
                    "items": {"type": "object"},
                    "description": "one for each partner that is asked, with what it answered",
                },
                "offers": {
                    "type": ["array", "null"],
                    "items": {"type": "object"},
                    "description": "{partner_id, partner}: who may be asked next. Nobody is asked "
                    "by itself; each is named by a consent that holds",
                },
                "flags": _FLAGS,
            }
        ),
    },
    "examples": [
        {
            "id": _REFERRAL,
            "assignment_id": _ASSIGNMENT,
            "encounter_id": _ENCOUNTER,
            "urgency": "tonight",
            "needs": ["homelessness"],
            "note": "Can walk. Has a dog.",
            "asked": [{"id": _TASK, "partner_id": _PARTNER, "at": "2026-03-04T22:49:51.007Z"}],
            "editor": _EDITOR,
            "edit_no": 12,
        },
        {
            "id": _REFERRAL,
            "assignment_id": _ASSIGNMENT,
            "encounter_id": _ENCOUNTER,
            "urgency": "tonight",
            "needs": ["homelessness"],
            "number": "CR-8F4B2C71",
            "status": "active",
            "outcome": None,
            "created_at": "2026-03-04T22:50:02.120Z",
            "closed_at": None,
            "tasks": [A_TASK],
            "offers": [],
            "flags": [],
        },
    ],
}

CONSENT: Final[dict[str, Any]] = {
    "title": "A consent: what a person lets CARE tell, to whom, for what and how long",
    "description": "Append-only. Whoever signs later gives another one, `form` written.",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {**_ID, "description": "a UUIDv7 that the client makes"},
        "assignment_id": _ID,
        "encounter_id": {**_ID, "description": "of that assignment"},
        "form": _code(
            codes.CONSENT_FORMS, "spoken consent opens nothing that a Part 2 programme told"
        ),
        "purpose": _code(codes.PURPOSES),
        "categories": _codes(codes.DATA_CATEGORIES, "what may be told"),
        "partner_ids": {
            "type": ["array", "null"],
            "maxItems": 50,
            "items": _ID,
            "description": "to whom, by name",
        },
        "given_at": {**_TIME, "description": "left out: when it came"},
        "expires_at": {**_TIME, "description": "without it the consent opens nothing"},
        "given_by": {**_SHORT, "description": "the person, or who may consent for them"},
        "witness": {**_SHORT, "description": "who heard it; spoken consent needs one"},
        "signature": {**_SHORT, "description": "the SHA-256 under which it was sent as media"},
        "photo": {**_SHORT, "description": "of a form that was signed on paper, likewise"},
        "language": _SHORT,
        "note": _TEXT,
        "author_id": _ID,
        **served(
            {
                "author_name": _SHORT,
                "received_at": _TIME,
                "in_force": {"type": "boolean"},
                "revoked_at": _TIME,
                "recipients": {
                    "type": ["array", "null"],
                    "items": {"type": "object"},
                    "description": "{partner_id, partner, told_at, acknowledged_at}: who was told "
                    "of the revocation, and who has said that they know",
                },
                "flags": _FLAGS,
            }
        ),
    },
    "examples": [
        {
            "id": _CONSENT,
            "assignment_id": _ASSIGNMENT,
            "encounter_id": _ENCOUNTER,
            "form": "verbal",
            "purpose": "referral",
            "categories": ["identity", "needs", "access"],
            "partner_ids": [_PARTNER],
            "given_at": "2026-03-04T22:48:10.120Z",
            "expires_at": "2026-04-03T07:00:00.000Z",
            "witness": "B. Okafor, CARE",
            "editor": _EDITOR,
            "edit_no": 11,
        }
    ],
}

# A kind of `reference`: clients see the properties of all kinds side by side.
PARTNER: Final[dict[str, Any]] = {"name": {"type": "string"}, "in_use": {"type": "boolean"}}

_FACT: Final[dict[str, Any]] = {
    "id": {**_ID, "description": "a UUIDv7 that the client makes"},
    "device_time": _TIME,
    "counter": _WHOLE,
    "editor": _ID,
    "edit_no": {"type": "integer", "minimum": 1},
    "author_id": _ID,
    **served(
        {
            "author_name": _SHORT,
            "received_at": _TIME,
            "clock_offset_ms": _WHOLE,
            "clock_uncertainty_ms": _WHOLE,
            "flags": _FLAGS,
        }
    ),
}
_TOLD: Final = {
    "device_time": "2026-03-04T23:10:44.501Z",
    "counter": 41,
    "editor": _EDITOR,
    "edit_no": 63,
}

# What may be told with a verb, by whichever way it comes.
WITH_A_VERB: Final[dict[str, Any]] = {
    "reason_code": _code(codes.REASONS),
    "reason": _TEXT,
    "text": {**_TEXT, "description": "a question, a reply, whatever words go with it"},
    "case_number": {**_SHORT, "description": "the partner's own, echoed from then on"},
    "appointment_at": _TIME,
    "appointment_place": _SHORT,
    "services": {
        "type": ["array", "null"],
        "maxItems": 20,
        "items": {"type": "string", "maxLength": 200},
        "description": "what was given",
    },
}

ANSWER: Final[dict[str, Any]] = {
    "title": "What a partner said on the telephone of a referral, or what CARE did with it",
    "description": "A telephone answer counts like any other: `said_by` names who spoke for the "
    "partner. `task_id` left out: `close` or `withdraw` the referral.",
    "type": "object",
    "required": ["id"],
    "properties": {
        **_FACT,
        "kind": {"const": REFERRAL_ANSWER},
        "referral_id": _ID,
        "task_id": _MAYBE_ID,
        "verb": {"type": "string", "maxLength": 20, "examples": [*states.RULES, "close"]},
        "said_by": {**_SHORT, "description": "the name of who said it, for the partner"},
        "said_at": {**_TIME, "description": "left out: when it was tapped"},
        "outcome": _code(codes.OUTCOMES, "with `close`"),
        **WITH_A_VERB,
        **served({"way": _SHORT, "status": _SHORT}),
    },
    "examples": [
        {
            "id": "01931fb0-1a2b-7c3a-9a51-0d7a8f4b2c73",
            "kind": REFERRAL_ANSWER,
            "referral_id": _REFERRAL,
            "task_id": _TASK,
            "verb": "accept",
            "said_by": "Kim, front desk",
            "said_at": "2026-03-04T23:10:40.000Z",
            **_TOLD,
        }
    ],
}

REVOCATION: Final[dict[str, Any]] = {
    "title": "A consent that a person has taken back",
    "type": "object",
    "required": ["id"],
    "properties": {
        **_FACT,
        "kind": {"const": CONSENT_REVOCATION},
        "consent_id": _ID,
        "note": _TEXT,
    },
    "examples": [
        {
            "id": "01931fb1-1a2b-7c3a-9a51-0d7a8f4b2c74",
            "kind": CONSENT_REVOCATION,
            "consent_id": _CONSENT,
            **_TOLD,
        }
    ],
}

DISCLOSURE_FACT: Final[dict[str, Any]] = {
    "title": "What was told to somebody outside CARE",
    "description": "Recorded after the fact: a handover never waits for it. What the record of an "
    "emergency has to name and does not is flagged, not refused (42 CFR 2.51).",
    "type": "object",
    "required": ["id"],
    "properties": {
        **_FACT,
        "kind": {"const": DISCLOSURE},
        "assignment_id": _ID,
        "encounter_id": {**_MAYBE_ID, "description": "left out: the first of the assignment"},
        "basis": _code({code: label for code, label in codes.BASES.items() if code != "consent"}),
        "recipient": {**_SHORT, "description": "to whom: Medic 10, name of the nurse"},
        "affiliation": {**_SHORT, "description": "of whom: Seattle Fire Department"},
        "at": {**_TIME, "description": "left out: when it was tapped"},
        "nature": {**_TEXT, "description": "of the emergency, threat, report or order"},
        "categories": _codes(codes.DATA_CATEGORIES, "what was told"),
        "payload_hash": {
            "type": ["string", "null"],
            "maxLength": 64,
            "description": "of what was shown or handed over, where it was a document; left out: "
            "the server takes the hash of what this document says",
        },
    },
    "examples": [
        {
            "id": "01931fb2-1a2b-7c3a-9a51-0d7a8f4b2c75",
            "kind": DISCLOSURE,
            "assignment_id": _ASSIGNMENT,
            "encounter_id": _ENCOUNTER,
            "basis": "medical_emergency",
            "recipient": "Medic 10",
            "affiliation": "Seattle Fire Department",
            "at": "2026-03-04T22:40:10.120Z",
            "nature": "Overdose, breathing again after two doses.",
            "categories": ["health", "substance_use"],
            **_TOLD,
        }
    ],
}
