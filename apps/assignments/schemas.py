"""JSON Schemas (2020-12) of the documents, for those who write a client. Only `id` is required: a
tombstone is valid under each of them. `readOnly` marks what the server alone writes."""

from __future__ import annotations

from typing import Any, Final

from apps.assignments import codes
from apps.assignments.documents import ASSIGNMENT_EVENT, AT_WHOM
from apps.assignments.models import AlertKind
from apps.sync.registry import served

_ID: Final[dict[str, Any]] = {"type": "string", "format": "uuid", "maxLength": 36}
_TEXT: Final = {"type": "string"}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_COUNT: Final = {"type": ["integer", "null"]}
_FLAG: Final = {"type": ["boolean", "null"]}
_MAYBE_OBJECT: Final = {"type": ["object", "null"]}
_OBJECTS: Final = {"type": "array", "items": {"type": "object"}}
_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
_MAYBE_ID: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "uuid"}

_ANSWER: Final[dict[str, dict[str, Any]]] = {
    "state": {"enum": ["open", "acknowledged", "stopped"]},
    "acknowledged_by": _TEXT,
    "acknowledged_at": _TIME,
    "stopped_at": _TIME,
}


ASSIGNMENT: Final[dict[str, Any]] = {
    "title": "A call given to a CARE unit",
    "description": "Hazards first. Show `cautions` and `withheld` before anything else.",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": _ID,
        **served(
            {
                "cautions": {
                    **_OBJECTS,
                    "description": "{severity, kind, text, source, since, origin}, the worst "
                    "first; origin: from which other call, in words, else empty",
                },
                "withheld": {**_TEXT, "description": "words in place of what was taken out"},
                "call_revision": {
                    **_COUNT,
                    "description": "grows with each material update; `acknowledged` names it",
                },
                "needs_ack": _FLAG,
                "state": {"enum": list(codes.STATES)},
                "incident_id": _ID,
                "cad_number": _MAYBE_TEXT,
                "waiting_number": {
                    **_MAYBE_OBJECT,
                    "description": "a CAD event number that is not settled; null: none",
                    "properties": {
                        "number": _TEXT,
                        "why": {
                            "enum": ["to_confirm", "not_told"],
                            "description": "waits for a desk to confirm it; or taken, and CAD has "
                            "told nothing of it",
                        },
                        "by": {**_TEXT, "description": "who gave it, where it waits for a desk"},
                        "at": _TIME,
                    },
                },
                "incident_status": _TEXT,
                "entry_kind": {"enum": list(codes.ENTRY_KINDS)},
                "address": _TEXT,
                "location": _MAYBE_OBJECT,
                "premise": _TEXT,
                "beat": _TEXT,
                "call_types": {
                    "type": "object",
                    "properties": {"initial": _TEXT, "final": _TEXT, "common": _TEXT},
                },
                "priority": {**_COUNT, "description": "EIDO common priority, 0 to 10, 10 highest"},
                "priority_text": _TEXT,
                "how_received": _TEXT,
                "requested_by": _TEXT,
                "narrative": {**_OBJECTS, "description": "{at, text, author}, oldest first"},
                "alternates": _OBJECTS,
                "revisions": {**_OBJECTS, "description": "{revision, at, changed}"},
                "evaluation": {
                    "type": "object",
                    "description": "what the dispatch rules say; they never speak of safety",
                    "properties": {"verdict": _TEXT, "text": _TEXT},
                },
                "override": {**_MAYBE_OBJECT, "description": "{reason, by, at}"},
                "given": {"type": "object", "description": "{source, by, at}"},
                "unit": {"type": "object", "properties": {"id": _ID, "call_sign": _TEXT}},
                "former_units": _TEXTS,
                "units": {
                    **_OBJECTS,
                    "description": "all units on the incident: {call_sign, agency, status, times, "
                    "on_call}; agency is care, spd, sfd or other",
                },
                "closing": _MAYBE_OBJECT,
                "acknowledged_revision": _COUNT,
                "times": {
                    "type": "object",
                    "description": "milestone: {at, source, confirmed, flags}",
                },
                "durations": {"type": "object", "description": "seconds"},
                "flags": {**_OBJECTS, "description": "{code, fact, text}"},
                "handoff": {
                    "type": "object",
                    "description": "police, fire and CARE at the scene, by unit, never by person",
                },
                "alarm": {
                    **_MAYBE_OBJECT,
                    "description": "null: no acknowledgement is awaited",
                    "properties": {
                        "level": {"type": "integer", "minimum": 0, "maximum": 3},
                        "at": {"enum": [None, *AT_WHOM]},
                        "awaited_since": _TIME,
                        "raised_at": _TIME,
                        "due_at": _TIME,
                    },
                },
                "check_in": {
                    **_MAYBE_OBJECT,
                    "description": "null: nobody of the unit is on scene",
                    "properties": {
                        "every_s": {"type": "number"},
                        "due_at": _TIME,
                        "last_at": {**_TIME, "description": "the crew's last contact"},
                        "level": {"type": "integer", "minimum": 0, "maximum": 3},
                        "prompt": {
                            "type": "object",
                            "description": "how a tablet asks: {sound, bright, haptic}",
                        },
                        "reached_at": {**_TIME, "description": "when this level was reached"},
                    },
                },
                "alerts": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"id": _ID, **_ANSWER}},
                },
                "links": {**_OBJECTS, "description": "{kind, cad_number}"},
                "occurred_at": _TIME,
                "received_at": _TIME,
                "closed_at": _TIME,
                "leaves_at": {**_TIME, "description": "when it leaves the unit's tablets"},
                "as_of": {**_TIME, "description": "when the server wrote this document"},
                "cut": {"type": "integer", "description": "notes left out or shortened for size"},
            }
        ),
    },
    "examples": [
        {
            "cautions": [
                {
                    "severity": "high",
                    "kind": "premise",
                    "text": "Dog in the yard.",
                    "source": "CAD",
                    "since": None,
                    "origin": "",
                }
            ],
            "withheld": "",
            "call_revision": 1,
            "needs_ack": True,
            "state": "assigned",
            "id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
            "incident_id": "01931f6e-7f40-7c3a-9a51-0d7a8f4b2c10",
            "cad_number": "26000012345",
            "waiting_number": None,
            "incident_status": "active",
            "entry_kind": "dual_911",
            "address": "3RD AV / PIKE ST",
            "location": {"lat": 47.6097, "lon": -122.3381},
            "call_types": {
                "initial": "DOWN - CHECK FOR DOWN PERSON",
                "final": "",
                "common": "WELFARE",
            },
            "priority": 8,
            "evaluation": {"verdict": "eligible", "text": "eligible: person down, beat K3, 14:20"},
            "override": None,
            "unit": {"id": "01931f6e-0000-7c3a-9a51-0d7a8f4b2c01", "call_sign": "CARE21"},
            "units": [
                {
                    "call_sign": "3K2",
                    "agency": "spd",
                    "status": "EnRoute",
                    "times": {"EnRoute": "2026-03-04T22:21:10Z"},
                    "on_call": True,
                }
            ],
            "alarm": {
                "level": 0,
                "at": None,
                "awaited_since": "2026-03-04T22:20:31.120Z",
                "raised_at": None,
                "due_at": "2026-03-04T22:21:01.120Z",
            },
            "alerts": [],
            "as_of": "2026-03-04T22:20:31.120Z",
        }
    ],
}

FACT: Final[dict[str, Any]] = {
    "title": "Something that happened on an assignment",
    "description": "Append-only: one tap, one document, never changed. Mistakes are `corrected`.",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {**_ID, "description": "a UUIDv7 that the client makes"},
        "kind": {"const": ASSIGNMENT_EVENT},
        "assignment_id": {
            **_MAYBE_ID,
            "description": "null: a call for help outside any assignment",
        },
        "event": {"type": "string", "examples": sorted(codes.EVENTS)},
        "device_time": {**_TIME, "description": "the device's own clock, uncorrected"},
        "counter": {**_COUNT, "description": "orders the facts of one device"},
        "data": {"type": "object", "description": "details of the event; keys differ by event"},
        "author_id": {
            **_MAYBE_ID,
            "description": "who typed it. A client names the person who was signed in then; the "
            "server says who it was",
        },
        **served(
            {
                "author_name": _TEXT,
                "unit_id": _MAYBE_ID,
                "unit": _MAYBE_TEXT,
                "source": {"enum": list(codes.SOURCES)},
                "received_at": _TIME,
                "clock_offset_ms": _COUNT,
                "clock_uncertainty_ms": _COUNT,
                "flags": {**_TEXTS, "examples": [sorted(codes.FLAGS)]},
                "order": {**_COUNT, "description": "the server's order, over all devices"},
                "alert": {
                    **_MAYBE_OBJECT,
                    "description": "emergency, assist, scene_unsafe: who has answered",
                    "properties": {"id": _ID, **_ANSWER},
                },
            }
        ),
    },
    "examples": [
        {
            "id": "01931f70-1a2b-7c3a-9a51-0d7a8f4b2c20",
            "kind": ASSIGNMENT_EVENT,
            "assignment_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
            "event": "acknowledged",
            "device_time": "2026-03-04T22:20:44.501Z",
            "counter": 17,
            "data": {"call_revision": 1},
            "editor": "01931f00-0000-7c3a-9a51-0d7a8f4b2c02",
            "edit_no": 1,
        },
        {
            "id": "01931f71-1a2b-7c3a-9a51-0d7a8f4b2c21",
            "kind": ASSIGNMENT_EVENT,
            "assignment_id": None,
            "event": "emergency",
            "device_time": "2026-03-04T22:31:02.007Z",
            "counter": 18,
            "data": {"position": {"lat": 47.6097, "lon": -122.3381, "accuracy_m": 12}},
            "author_name": "R. Ortega",
            "source": "tablet",
            "alert": {
                "id": "01931f71-1a2c-7c3a-9a51-0d7a8f4b2c22",
                "state": "acknowledged",
                "acknowledged_by": "Dispatch 2",
                "acknowledged_at": "2026-03-04T22:31:04.311Z",
                "stopped_at": None,
            },
        },
    ],
}

ALERT: Final[dict[str, Any]] = {
    "title": "What the supervisors and the dispatch desk must answer",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": _ID,
        **served(
            {
                "kind": {"enum": AlertKind.values},
                "level": {"type": "integer", "description": "2: supervisors; 3: dispatch desk too"},
                **_ANSWER,
                "raised_at": _TIME,
                "tapped_at": {
                    **_TIME,
                    "description": "by the tablet's clock less its measured offset; null: not "
                    "tapped, or not known",
                },
                "late_s": {
                    **_COUNT,
                    "description": "so many seconds after the tap it came; null: at once, or the "
                    "tablet's clock is in doubt",
                },
                "unit": _MAYBE_TEXT,
                "author_name": _TEXT,
                "note": _TEXT,
                "position": {**_MAYBE_OBJECT, "description": "where the tablet was"},
                "cautions": _OBJECTS,
                "address": _TEXT,
                "location": _MAYBE_OBJECT,
                "cad_number": _MAYBE_TEXT,
                "call_type": _TEXT,
                "assignment_id": _MAYBE_ID,
                "fact_id": _MAYBE_ID,
                "counted": {
                    **_MAYBE_OBJECT,
                    "description": "overdose_spike: {overdoses, metres, hours}; "
                    "referral: {minutes}; check_in: {minutes, no_signal_s}; "
                    "harm: {reports}, null for one",
                },
                "signal": {
                    **_MAYBE_OBJECT,
                    "description": "check_in: {lost_since, position, place}; null: the crew's "
                    "tablets were in contact, and nobody answered",
                },
            }
        ),
    },
    "examples": [
        {
            "kind": "emergency",
            "level": 3,
            "state": "open",
            "acknowledged_by": "",
            "acknowledged_at": None,
            "stopped_at": None,
            "id": "01931f71-1a2c-7c3a-9a51-0d7a8f4b2c22",
            "raised_at": "2026-03-04T22:31:02.410Z",
            "tapped_at": "2026-03-04T21:51:02.007Z",
            "late_s": 2400,
            "unit": "CARE21",
            "author_name": "R. Ortega",
            "position": {"lat": 47.6097, "lon": -122.3381, "accuracy_m": 12},
            "address": "3RD AV / PIKE ST",
            "assignment_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
        }
    ],
}
