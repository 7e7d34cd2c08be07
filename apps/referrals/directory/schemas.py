"""JSON Schemas (2020-12) of the directory's documents, for those who write a client: the kind
`service` of `reference`, and what the field tells about services. Only `id` is required: a
tombstone is valid under each. `readOnly` marks what the server alone writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.referrals.directory import codes

_TEXT: Final = {"type": "string"}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
_NUMBER: Final = {"type": ["number", "null"]}
_WHOLE: Final = {"type": ["integer", "null"]}
_SHORT: Final = {"type": ["string", "null"], "maxLength": 200}
_NOTE: Final = {"type": ["string", "null"], "maxLength": 8000}
_FLAG: Final = {"type": ["boolean", "null"]}
_TIME: Final = {"type": ["string", "null"], "format": "date-time", "maxLength": 40}
_ID: Final[dict[str, Any]] = {"type": "string", "format": "uuid", "maxLength": 36}
_MAYBE_ID: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "uuid"}


def _list_of(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "properties": properties}}


def _code(known: Mapping[str, str], description: str = "") -> dict[str, Any]:
    """A code of ours. Any other is kept, and flagged: an app may be older or newer."""
    shape: dict[str, Any] = {"type": ["string", "null"], "maxLength": 40, "examples": list(known)}
    return {**shape, "description": description} if description else shape


_PHONES: Final = _list_of(number=_TEXT, label=_TEXT)

# A kind of `reference`: clients see the properties of all kinds side by side.
SERVICE: Final[dict[str, Any]] = {
    "name": _TEXT,
    "organization_id": _TEXT,
    "organization": _TEXT,
    "partner_id": {**_MAYBE_TEXT, "format": "uuid"},
    "used_for": {**_TEXT, "examples": list(codes.USES)},
    "reach": {**_TEXT, "examples": list(codes.REACHES)},
    "status": {**_TEXT, "examples": list(codes.STATUSES)},
    "description": _TEXT,
    "alert": _TEXT,
    "eligibility": _TEXT,
    "minimum_age": _NUMBER,
    "maximum_age": _NUMBER,
    "criteria": {**_TEXTS, "examples": [list(codes.CRITERIA)]},
    "conditions": _list_of(
        code=_TEXT, about=_TEXT, only={"type": "array"}, least=_NUMBER, most=_NUMBER
    ),
    "steps": {**_TEXTS, "examples": [list(codes.STEPS)]},
    "application": _TEXT,
    "wait": _TEXT,
    "fees": _TEXT,
    "interpretation": _TEXT,
    "languages": _TEXTS,
    "phones": _PHONES,
    "assured_on": _MAYBE_TEXT,
    "assured_by": _TEXT,
    "hours_from": _TEXT,
    "hours_until": _TEXT,
    "places": _list_of(
        id=_TEXT,
        name=_TEXT,
        address=_TEXT,
        lat=_NUMBER,
        lon=_NUMBER,
        transport=_TEXT,
        accessibility=_TEXT,
        languages=_TEXTS,
        phones=_PHONES,
        hours=_TEXT,
        open={"type": ["array", "null"], "items": _TEXTS},
    ),
    "capacity": {
        "type": ["object", "null"],
        "properties": {
            "status": {**_TEXT, "examples": list(codes.CAPACITY_STATUSES)},
            "counted": {**_TEXT, "examples": list(codes.CAPACITY_UNITS)},
            "total": _WHOLE,
            "free": _WHOLE,
            "waiting": _WHOLE,
            "set_at": _TEXT,
            "valid_until": _TEXT,
        },
    },
}

# What every fact about a service has.
_FACT: Final[dict[str, Any]] = {
    "id": {**_ID, "description": "a UUIDv7 that the client makes"},
    "service_id": {**_MAYBE_ID, "description": "the service of the directory (`reference`)"},
    "assignment_id": {**_MAYBE_ID, "description": "null: outside any assignment"},
    "device_time": {**_TIME, "description": "the device's own clock at the tap, uncorrected"},
    "counter": {**_WHOLE, "description": "orders the facts of one device"},
    "author_id": {**_MAYBE_ID, "description": "who typed it; the server says who it was"},
    "note": _NOTE,
    **{
        name: {**shape, "readOnly": True}
        for name, shape in {
            "author_name": _TEXT,
            "unit_id": _MAYBE_ID,
            "unit": _MAYBE_TEXT,
            "received_at": _TIME,
            "clock_offset_ms": _WHOLE,
            "clock_uncertainty_ms": _WHOLE,
            "flags": {
                "type": "array",
                "items": {"type": "string"},
                "examples": [sorted(codes.FLAGS)],
            },
            "order": {**_WHOLE, "description": "the server's order, over all devices"},
        }.items()
    },
}
# What is told for somebody on a call.
_FOR_SOMEBODY: Final[dict[str, Any]] = {
    "encounter_id": {
        **_MAYBE_ID,
        "description": "for whom; left out: the first encounter of the assignment",
    },
    "corrects": {**_MAYBE_ID, "description": "the fact that this one stands for, whole"},
    "withdrawn": {**_FLAG, "description": "a correction: it did not happen, or will not"},
}
_CALL: Final[dict[str, Any]] = {
    "called_at": {**_TIME, "description": "by the device's clock; left out: at the tap"},
    "answered_by": {**_SHORT, "description": "who answered: name or role"},
}
_ASSIGNMENT: Final = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"
_SERVICE: Final = "5f0f3c52-6a0e-5b0f-8a3a-0c0f6d1f0a01"
_EDITOR: Final = "01931f00-0000-7c3a-9a51-0d7a8f4b2c02"


def _kind(kind: str, title: str, own: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": title,
        "type": "object",
        "required": ["id"],
        "properties": {"kind": {"const": kind}, **_FACT, **own},
        "examples": [
            {
                "id": "01931f90-1a2b-7c3a-9a51-0d7a8f4b2c61",
                "kind": kind,
                "service_id": _SERVICE,
                "assignment_id": _ASSIGNMENT,
                **example,
                "device_time": "2026-03-04T22:40:10.120Z",
                "counter": 50,
                "editor": _EDITOR,
                "edit_no": 50,
            }
        ],
    }


REPORT: Final = _kind(
    "directory_report",
    "Something in the directory that is wrong",
    {
        "about": _code(codes.REPORT_ABOUT),
        "location_id": {**_MAYBE_ID, "description": "at which of its places"},
        "found": {**_NOTE, "description": "what is right instead"},
        "outcome": {
            **_code(codes.OUTCOMES, "what came of it; null: nobody has seen to it yet"),
            "readOnly": True,
        },
    },
    {"about": "hours", "found": "Closes at 4 pm, says the sign on the door"},
)
BED_CALL: Final = _kind(
    "bed_call",
    "A call for a bed, or a place",
    {
        **_FOR_SOMEBODY,
        **_CALL,
        "answer": _code(codes.BED_ANSWERS),
        "held_until": {**_TIME, "description": "until when the bed is held"},
    },
    {"answered_by": "Night desk", "answer": "held", "held_until": "2026-03-04T23:30:00.000Z"},
)
ARRIVAL: Final = _kind(
    "arrival_notice",
    "Somebody is on the way to a facility",
    {
        **_FOR_SOMEBODY,
        "expected_at": {**_TIME, "description": "when, about, by the device's clock"},
    },
    {"expected_at": "2026-03-04T23:05:00.000Z"},
)
HANDOVER: Final = _kind(
    "handover_call",
    "A handover with 988 or a mobile crisis team, in either direction",
    {
        **_FOR_SOMEBODY,
        **_CALL,
        "direction": _code(codes.DIRECTIONS),
        "answer": _code(codes.HANDOVER_ANSWERS),
        "their_number": {**_SHORT, "description": "under which they keep it"},
    },
    {"direction": "to_them", "answered_by": "Counsellor on duty", "answer": "taken_over"},
)
FACTS: Final[Mapping[str, dict[str, Any]]] = {
    "directory_report": REPORT,
    "bed_call": BED_CALL,
    "arrival_notice": ARRIVAL,
    "handover_call": HANDOVER,
}
