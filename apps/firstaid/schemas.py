"""JSON Schemas (2020-12) of the documents, for those who write a client. Only `id` is required: a
tombstone is valid under each of them. `readOnly` marks what the server alone writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.firstaid import codes
from apps.firstaid.stock import WARNINGS

_TEXT: Final = {"type": "string"}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_FLAG: Final = {"type": "boolean"}
_MAYBE_FLAG: Final = {"type": ["boolean", "null"]}
_NUMBER: Final = {"type": ["integer", "null"]}
_NOTE: Final = {"type": ["string", "null"], "maxLength": 8000}
_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_ID: Final[dict[str, Any]] = {"type": "string", "format": "uuid", "maxLength": 36}
_MAYBE_ID: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "uuid"}


def _code(known: Mapping[str, Any], description: str = "") -> dict[str, Any]:
    """A code of ours. Any other is kept, and flagged: an app may be older or newer."""
    shape: dict[str, Any] = {"type": ["string", "null"], "maxLength": 40, "examples": list(known)}
    return {**shape, "description": description} if description else shape


def _codes(known: Mapping[str, Any]) -> dict[str, Any]:
    items = {"type": "string", "maxLength": 40, "examples": list(known)}
    return {"type": ["array", "null"], "maxItems": 50, "items": items}


def _list_of(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "properties": properties}}


# What every act has.
_ACT: Final[dict[str, Any]] = {
    "id": {**_ID, "description": "a UUIDv7 that the client makes"},
    "assignment_id": {**_MAYBE_ID, "description": "null: outside any assignment"},
    "encounter_id": {
        **_MAYBE_ID,
        "description": "whom it was done for; left out: the first encounter of the assignment",
    },
    "corrects": {**_MAYBE_ID, "description": "the row that this one stands for, whole"},
    "device_time": {**_TIME, "description": "the device's own clock at the tap, uncorrected"},
    "counter": {**_NUMBER, "description": "orders the acts of one device"},
    "author_id": {
        **_MAYBE_ID,
        "description": "who typed it. A client names the person who was signed in then; the server "
        "says who it was",
    },
    "withdrawn": {**_MAYBE_FLAG, "description": "a correction: it did not happen"},
    "correction_reason": _code(codes.CORRECTION_REASONS),
    "note": _NOTE,
    **{
        name: {**shape, "readOnly": True}
        for name, shape in {
            "author_name": _TEXT,
            "unit_id": _MAYBE_ID,
            "unit": _MAYBE_TEXT,
            "source": {"enum": ["tablet", "desk", "system"]},
            "received_at": _TIME,
            "clock_offset_ms": _NUMBER,
            "clock_uncertainty_ms": _NUMBER,
            "flags": {
                "type": "array",
                "items": {"type": "string"},
                "examples": [sorted(codes.FLAGS)],
            },
            "order": {**_NUMBER, "description": "the server's order, over all devices"},
        }.items()
    },
}
_OF_CORRECTIONS: Final = frozenset({"corrects", "withdrawn", "correction_reason"})
_POSITION: Final = {
    "type": ["object", "null"],
    "description": "where the tablet was: {lat, lon, accuracy_m}",
}

DOSE: Final[dict[str, Any]] = {
    "title": "A dose of naloxone, or one that was not given",
    "description": "Append-only: one dose, one document. A bare tap is complete.",
    "type": "object",
    "required": ["id"],
    "properties": {
        **_ACT,
        "given_at": {
            **_TIME,
            "description": "by the device's clock; left out: when it was tapped or, with "
            "`before_arrival`, not known",
        },
        "drug": _code(codes.DRUGS, "RxNorm ingredient; left out: naloxone"),
        "dose": {
            "type": ["number", "null"],
            "exclusiveMinimum": 0,
            "maximum": 100000,
            "description": "of this one dose, in `dose_unit`",
        },
        "dose_unit": _code(codes.UNITS, "eMedications.06"),
        "route": _code(codes.ROUTES, "eMedications.04"),
        "given_by": _code(codes.GIVERS),
        "before_arrival": {**_MAYBE_FLAG, "description": "before CARE came"},
        "response": _code(codes.RESPONSES, "eMedications.07"),
        "breathing_before": _code(codes.BREATHING, "eVitals.15"),
        "breathing_after": _code(codes.BREATHING, "eVitals.15"),
        "complications": _codes(codes.COMPLICATIONS),
        "authorization": _code(codes.AUTHORIZATIONS, "eMedications.11"),
        "withheld": _code(codes.PERTINENT_NEGATIVES, "why it was not given"),
        "product_id": _MAYBE_ID,
        "lot_id": {**_MAYBE_ID, "description": "where it was read from the package"},
        "kit_id": {**_MAYBE_ID, "description": "where it came from; left out: the unit's kit"},
        "position": _POSITION,
    },
    "examples": [
        {
            "id": "01931f80-1a2b-7c3a-9a51-0d7a8f4b2c41",
            "assignment_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
            "device_time": "2026-03-04T22:34:10.120Z",
            "counter": 31,
            "drug": codes.NALOXONE,
            "dose": 4,
            "dose_unit": codes.MILLIGRAMS,
            "route": codes.INTRANASAL,
            "given_by": codes.CARE,
            "breathing_before": codes.GASPING,
            "editor": "01931f00-0000-7c3a-9a51-0d7a8f4b2c02",
            "edit_no": 31,
        }
    ],
}

AID: Final[dict[str, Any]] = {
    "title": "First aid: what was seen and done at one moment",
    "description": "Append-only. Measures are numbers in the units of the code list `vitals`.",
    "type": "object",
    "required": ["id"],
    "properties": {
        **_ACT,
        "done_at": {**_TIME, "description": "as `given_at` of a dose"},
        "given_by": _code(codes.GIVERS),
        "before_arrival": {**_MAYBE_FLAG, "description": "before CARE came"},
        "injuries": _codes(codes.INJURIES),
        "procedures": _codes(codes.PROCEDURES),
        "refused": {
            "type": ["array", "null"],
            "maxItems": 50,
            "items": {"type": "object"},
            "description": "{procedure, reason}: what was not done, and the pertinent negative",
        },
        "vitals": {
            "type": ["object", "null"],
            "maxProperties": 20,
            "description": "name: number",
        },
        "level": _code(codes.LEVELS, "eVitals.26"),
        "breathing": _code(codes.BREATHING, "eVitals.15"),
        "outcome": _code(codes.RESPONSES, "eProcedures.08"),
    },
    "examples": [
        {
            "id": "01931f81-1a2b-7c3a-9a51-0d7a8f4b2c42",
            "assignment_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
            "device_time": "2026-03-04T22:36:02.007Z",
            "counter": 33,
            "injuries": ["bleeding"],
            "procedures": ["447686008", "182531007"],
            "refused": [{"procedure": "61746007", "reason": codes.REFUSED}],
            "vitals": {"pulse": 96, "respiratory_rate": 14},
            "editor": "01931f00-0000-7c3a-9a51-0d7a8f4b2c02",
            "edit_no": 33,
        }
    ],
}

ANSWER: Final[dict[str, Any]] = {
    "title": "An answer to what the log asks after a dose",
    "description": "Append-only: the last answer holds.",
    "type": "object",
    "required": ["id"],
    "properties": {
        **{name: shape for name, shape in _ACT.items() if name not in _OF_CORRECTIONS},
        "kind": {"const": "overdose_answer"},
        "question": {"type": "string", "maxLength": 24, "examples": list(codes.QUESTIONS)},
        "answer": _code(
            {code: one for said in codes.ANSWERS.values() for code, one in said.items()}
        ),
        "dose_id": {**_MAYBE_ID, "description": "breathing, next_dose: after which dose"},
        "response": _code(codes.RESPONSES, "breathing: eMedications.07 of that dose"),
        "called_at": {**_TIME, "description": "fire_called: when, by the device's clock"},
        "witness": {"type": ["string", "null"], "maxLength": 200, "description": "of a refusal"},
    },
    "examples": [
        {
            "id": "01931f82-1a2b-7c3a-9a51-0d7a8f4b2c43",
            "kind": "overdose_answer",
            "assignment_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
            "dose_id": "01931f80-1a2b-7c3a-9a51-0d7a8f4b2c41",
            "question": "breathing",
            "answer": codes.BREATHING_NORMALLY,
            "response": codes.IMPROVED,
            "device_time": "2026-03-04T22:36:40.120Z",
            "counter": 34,
            "editor": "01931f00-0000-7c3a-9a51-0d7a8f4b2c02",
            "edit_no": 34,
        }
    ],
}

MOVEMENT: Final[dict[str, Any]] = {
    "title": "A movement of stock",
    "description": "Append-only. What was moved wrongly is moved back.",
    "type": "object",
    "required": ["id"],
    "properties": {
        **{name: shape for name, shape in _ACT.items() if name not in _OF_CORRECTIONS},
        "kind": {"const": "stock_movement"},
        "movement": {"type": "string", "examples": list(codes.MOVEMENTS)},
        "product_id": _MAYBE_ID,
        "lot_id": _MAYBE_ID,
        "quantity": {"type": ["integer", "null"], "minimum": 1, "description": "left out: 1"},
        "from_kit_id": {**_MAYBE_ID, "description": "left out: the unit's kit"},
        "to_kit_id": {**_MAYBE_ID, "description": "null: used up, gone"},
        "cause": _code(codes.STOCK_REASONS),
        "dose_id": {**_MAYBE_ID, "readOnly": True},
        "reverses": {**_MAYBE_ID, "readOnly": True},
    },
    "examples": [
        {
            "id": "01931f83-1a2b-7c3a-9a51-0d7a8f4b2c44",
            "kind": "stock_movement",
            "movement": "left_behind",
            "assignment_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
            "product_id": "01931f6e-0000-7c3a-9a51-0d7a8f4b2c51",
            "quantity": 1,
            "device_time": "2026-03-04T22:51:40.120Z",
            "counter": 40,
            "editor": "01931f00-0000-7c3a-9a51-0d7a8f4b2c02",
            "edit_no": 40,
        }
    ],
}

# Kinds of `reference`: clients see the properties of all of them side by side.
KIT: Final[dict[str, Any]] = {
    "label": _TEXT,
    "team_id": _MAYBE_TEXT,
    "unit_id": _MAYBE_TEXT,
    "in_use": _FLAG,
    "stock": _list_of(product_id=_TEXT, lot_id=_MAYBE_TEXT, quantity={"type": "integer"}),
    "warnings": _list_of(
        kind={"type": "string", "examples": list(WARNINGS)}, product_id=_TEXT, lot_id=_MAYBE_TEXT
    ),
}
PRODUCT: Final[dict[str, Any]] = {
    "name": _TEXT,
    "used_as": _TEXT,
    "strength": _TEXT,
    "drug": _TEXT,
    "dose": {"type": ["number", "null"]},
    "dose_unit": _TEXT,
    "route": _TEXT,
    "in_use": _FLAG,
    "lots": _list_of(id=_TEXT, number=_TEXT, expires_on=_TEXT, recalled=_FLAG),
}
PROTOCOL: Final[dict[str, Any]] = {
    "version": _TEXT,
    "citation": _TEXT,
    "effective_from": _TEXT,
    "effective_to": _MAYBE_TEXT,
    "recheck_seconds": {"type": "integer"},
    "questions": _list_of(
        code=_TEXT, label=_TEXT, hint=_TEXT, answers=_list_of(code=_TEXT, label=_TEXT)
    ),
}
