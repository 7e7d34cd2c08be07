"""JSON Schemas of notes, signatures and addenda, with examples."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from apps.casenotes.content import CONTENT_SCHEMA, EXAMPLES, content_hash
from apps.casenotes.documents import NOTE_ADDENDUM, NOTE_SIGNATURE
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
        "flags": _server({"type": "array", "items": {"type": "string"}}),
        "content_hash": _server({"type": "string"}, "of what people wrote; a signature names it"),
        "authors": _server(_LIST, "who wrote which fields: {id, name, parts}"),
        "begun_at": _server(_TIME),
        "signed_at": _server(_TIME),
        "lock_due_at": _server(_TIME, "until then a further responder may sign"),
        "locked_at": _server(_TIME),
        "signatures": _server(_LIST, "{id, at, author_id, author_name}"),
        "reviews": _server(_LIST, "{id, state, reasons, asked_at, reviewer, decided_at, comment}"),
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
