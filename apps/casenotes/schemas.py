"""JSON Schemas of notes, signatures, addenda and policies, with examples."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from apps.casenotes import codes
from apps.casenotes.content import CONTENT_SCHEMA, EXAMPLES, content_hash
from apps.casenotes.documents import NOTE_ADDENDUM, NOTE_SIGNATURE
from apps.casenotes.policies import INTERVALS, KINDS, PARAMETERS, SIGNS
from apps.people.ids import record_id

_ID: Final = {"type": "string", "format": "uuid", "maxLength": 36}
_TEXT: Final = {"type": ["string", "null"]}
_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_WHOLE: Final = {"type": ["integer", "null"]}
_LIST: Final = {"type": "array", "items": {"type": "object"}}


def _server(shape: dict[str, Any], description: str = "") -> dict[str, Any]:
    told = {"description": description} if description else {}
    return {**shape, **told, "readOnly": True}


_NOTE_ID: Final = str(record_id(UUID(EXAMPLES[0]["encounter_id"]), "case_note"))
_AUTHOR: Final = {"author_id": "01931f00-0000-7c3a-9a51-0d7a8f4b2c0a", "author_name": "R. Ortega"}
_SIGNATURE_ID: Final = "01931f90-1a2b-7c3a-9a51-0d7a8f4b2c31"

CASE_NOTE: Final[dict[str, Any]] = {
    "title": "Case note",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {**_ID, "description": "UUIDv5 of case_note in the encounter's namespace"},
        "editor": {"type": ["string", "null"], "format": "uuid"},
        "edit_no": {"type": ["integer", "null"]},
        **CONTENT_SCHEMA,
        "state": _server({"enum": ["draft", "signed", "locked"]}),
        "restricted": _server({"type": "boolean"}, "its authors and supervisors alone see it"),
        "risk": _server({"type": "string"}, "by the screen; code list note_suicide_risks"),
        "completeness": _server(
            {
                "type": "object",
                "properties": {
                    "asked": {"type": "array", "items": {"type": "string"}},
                    "missing": {"type": "array", "items": {"type": "string"}},
                    "text": {"type": "string"},
                },
            },
            "the fields that its path asks for, and those that are left",
        ),
        "to_mend": _server(_LIST, "what stands in the way of the signature: {pointer, detail}"),
        "deadlines": _server(_LIST, "by when the law asks for something: {code, due_at, done_at}"),
        "report_due_at": _server(_TIME, "the earliest deadline that is open; null: none is"),
        "flags": _server({"type": "array", "items": {"type": "string"}}),
        "content_hash": _server({"type": "string"}, "of what people wrote; a signature names it"),
        "authors": _server(_LIST, "who wrote which fields: {id, name, parts}"),
        "begun_at": _server(_TIME),
        "signed_at": _server(_TIME),
        "lock_due_at": _server(_TIME, "until then a further responder may sign"),
        "locked_at": _server(_TIME),
        "signatures": _server(_LIST, "{id, at, author_id, author_name}"),
        "reviews": _server(
            _LIST, "{id, state, reasons, policy, asked_at, reviewer, decided_at, comment}"
        ),
        "addenda": _server(
            _LIST, "{id, at, author_id, author_name, text, changes}; cut: see the fact itself"
        ),
    },
    "examples": [
        {
            "id": _NOTE_ID,
            **EXAMPLES[0],
            "state": "draft",
            "restricted": False,
            "risk": "low",
            "completeness": {
                "asked": ["presenting_needs", "screen", "interventions", "narrative"],
                "missing": [],
                "text": "0 of 4 left",
            },
            "to_mend": [],
            "deadlines": [],
            "report_due_at": None,
            "flags": [],
            "content_hash": content_hash(EXAMPLES[0]),
            "authors": [
                {"id": _AUTHOR["author_id"], "name": _AUTHOR["author_name"], "parts": ["narrative"]}
            ],
            "begun_at": "2026-03-04T22:41:10.000Z",
            "signed_at": None,
            "lock_due_at": None,
            "locked_at": None,
            "signatures": [],
            "reviews": [],
            "addenda": [],
        }
    ],
}

_FACT: Final[dict[str, Any]] = {
    "id": _ID,
    "note_id": {**_ID, "description": "the note; it may come later"},
    "device_time": {"type": ["string", "null"], "format": "date-time"},
    "counter": _WHOLE,
    "editor": _ID,
    "edit_no": {"type": "integer", "minimum": 1},
    "author_id": _server({"type": "string"}),
    "author_name": _server({"type": "string"}),
    "received_at": _server(_TIME),
    "clock_offset_ms": _server(_WHOLE),
    "clock_uncertainty_ms": _server(_WHOLE),
    "flags": _server({"type": "array", "items": {"type": "string"}}),
}
_TOLD: Final = {
    "device_time": "2026-03-04T23:10:44.501Z",
    "counter": 41,
    "editor": "01931f00-0000-7c3a-9a51-0d7a8f4b2c02",
    "edit_no": 63,
    **_AUTHOR,
    "received_at": "2026-03-04T23:10:45.120Z",
    "clock_offset_ms": -310,
    "clock_uncertainty_ms": 40,
    "flags": [],
}

SIGNATURE: Final[dict[str, Any]] = {
    "title": "Signature of a note",
    "type": "object",
    "required": ["id"],
    "properties": {
        **_FACT,
        "kind": {"const": NOTE_SIGNATURE},
        "content_hash": {
            "type": "string",
            "description": "of what was on the signer's screen: see the note's",
        },
    },
    "examples": [
        {
            "id": _SIGNATURE_ID,
            "kind": NOTE_SIGNATURE,
            "note_id": _NOTE_ID,
            "content_hash": content_hash(EXAMPLES[0]),
            **_TOLD,
        }
    ],
}

ADDENDUM: Final[dict[str, Any]] = {
    "title": "Addendum to a note",
    "type": "object",
    "required": ["id"],
    "properties": {
        **_FACT,
        "kind": {"const": NOTE_ADDENDUM},
        "text": {"type": "string"},
        "changes": {
            "type": ["object", "null"],
            "description": "fields of the note as they were typed after it was signed",
        },
        "quarantined": {
            "type": ["string", "null"],
            "format": "uuid",
            "description": "the refused edit (quarantine) that it is made from, which it settles",
        },
        "recorded_by": _server(_TEXT, "the supervisor who had it made; null: its author"),
    },
    "examples": [
        {
            "id": "01931f95-1a2b-7c3a-9a51-0d7a8f4b2c32",
            "kind": NOTE_ADDENDUM,
            "note_id": _NOTE_ID,
            "text": "The day center called at 19:30: he has a mat for tonight.",
            "changes": None,
            "quarantined": None,
            "recorded_by": None,
            **_TOLD,
        }
    ],
}

# A kind of `reference`: clients see the properties of all kinds side by side.
_CODE: Final = {"type": "string", "maxLength": 40}
_WORDS: Final = {"type": "string"}
_TO_CONFIRM: Final = {
    "type": ["string", "null"],
    "description": "by whom it is still to be confirmed: show it; null: it is confirmed",
}
_NUMBER: Final = {"type": ["number", "null"]}
_RULE_EXAMPLE: Final = {
    "code": "new_responder",
    "kind": "co_signature",
    "label": "The author is new",
    "sign": "new_responder",
    "days": 90,
    "to_confirm": None,
}
_INTERVAL_EXAMPLE: Final = {
    "code": "child_report",
    "label": "Report at the first opportunity, at the latest within 48 hours",
    "citation": "RCW 26.44.030 (1)(g)",
    "within_hours": 48,
    "age": None,
    "to_confirm": None,
}
_ACT_EXAMPLE: Final = {
    "code": "high",
    "label": codes.RISKS["high"],
    "color": "red",
    "done_by": ["warm_handoff", "dcr_requested", "stayed"],
    "words": "Stay with the person until somebody qualified has taken over.",
    "citation": "Standing order 7 of the medical director",
    "to_confirm": None,
}


def _items(example: dict[str, Any], **properties: dict[str, Any]) -> dict[str, Any]:
    """A list of objects, each with all of these but for the parameters of a rule's sign."""
    required = [name for name in properties if name not in PARAMETERS.values()]
    item = {"type": "object", "required": required, "properties": properties}
    return {"type": "array", "items": item, "examples": [[example]]}


POLICY: Final[dict[str, Any]] = {
    "version": {"type": "string"},
    "holds_from": {"type": "string"},
    "holds_until": {"type": ["string", "null"]},
    "citation": {"type": "string"},
    "confirmed_at": {"type": ["string", "null"]},
    "confirmation": {"type": ["string", "null"]},
    "rules": _items(
        _RULE_EXAMPLE,
        code=_CODE,
        kind={"type": "string", "examples": list(KINDS)},
        label=_WORDS,
        sign={"type": "string", "examples": list(SIGNS)},
        risks={"type": "array", "items": _CODE},
        days=_NUMBER,
        percent=_NUMBER,
        to_confirm=_TO_CONFIRM,
    ),
    "intervals": _items(
        _INTERVAL_EXAMPLE,
        code={"type": "string", "examples": list(INTERVALS)},
        label=_WORDS,
        citation=_WORDS,
        within_hours={**_NUMBER, "description": "from when it began; 0: at once"},
        age={"type": ["integer", "null"], "description": "in years"},
        to_confirm=_TO_CONFIRM,
    ),
    "acts": _items(
        _ACT_EXAMPLE,
        code={**_CODE, "description": "the risk: code list note_suicide_risks"},
        label=_WORDS,
        color={"type": ["string", "null"]},
        words=_WORDS,
        citation=_WORDS,
        done_by={
            "type": "array",
            "items": _CODE,
            "description": "interventions of which one is told before the note is signed",
        },
        to_confirm=_TO_CONFIRM,
    ),
}
