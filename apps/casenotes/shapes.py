"""Shapes and examples of the endpoints' requests and answers."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from apps.casenotes import schemas

_ASSIGNMENT: Final = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"
A_NOTE: Final[dict[str, Any]] = {
    "note": schemas.CASE_NOTE["examples"][0],
    "timeline": {"state": "closed", "times": {}, "flags": []},
    "parts": {"doses": []},
}
A_DEBT: Final = {
    "owed": "record",
    "id": schemas.CASE_NOTE["examples"][0]["encounter_id"],
    "assignment_id": _ASSIGNMENT,
    "ordinal": 1,
    "cad_number": "26000012345",
    "unit": "CARE21",
    "closing": "cleared",
    "cleared_at": "2026-03-04T23:02:10.120000Z",
    "due_at": None,
    "hours": 14.2,
    "note_id": None,
    "drafts": [{"id": schemas.CASE_NOTE["examples"][0]["id"], "missing": 2, "asked": 5}],
}
A_REPORT: Final = {
    **A_DEBT,
    "owed": "report",
    "closing": None,
    "cleared_at": None,
    "due_at": "2026-03-06T22:30:00.000000Z",
    "hours": -33.5,
    "note_id": schemas.CASE_NOTE["examples"][0]["id"],
    "drafts": [],
}
AN_ADDENDUM: Final[dict[str, Any]] = {
    **schemas.ADDENDUM["examples"][0],
    "text": "",
    "changes": {"narrative": "Asleep in the doorway; his dog beside him."},
    "quarantined": "01931fa0-1a2b-7c3a-9a51-0d7a8f4b2c40",
    "recorded_by": "S. Lind",
}
A_HANDOVER: Final[dict[str, Any]] = {
    "as_of": "2026-03-04T22:58:00.000Z",
    "cautions": [
        {
            "severity": "high",
            "kind": "weapon",
            "text": "Caller saw a knife.",
            "source": "caller",
            "since": "2026-03-04T22:20:02.000Z",
            "origin": "",
        }
    ],
    "withheld": None,
    "call": {
        "cad_number": "26000012345",
        "call_type": "DOWN - CHECK FOR DOWN PERSON",
        "address": "3RD AVE / PIKE ST",
        "unit": "CARE21",
        "times": {"on_scene": "2026-03-04T22:29:40.120Z", "contact": "2026-03-04T22:31:02.000Z"},
    },
    "person": {"match": "possible", "aliases": ["Red"], "approximate_age": 50},
    "fire": {"fire_department": "Called", "called_at": "2026-03-04T22:32:10.000Z"},
    "parts": {
        "refusal": {"refused": ["Transport"], "capacity": "Yes", "witness": "Police officer"},
        "note": {
            "state": "draft",
            "risk": "low",
            "presenting_needs": ["Person down or asleep"],
            "mental_status": ["Somnolent"],
            "narrative": "Asleep in the doorway, rousable to voice.",
        },
    },
}


class NoteOut(serializers.Serializer[Any]):
    note = serializers.DictField(help_text="the document of case_notes; of a signed note its text")
    timeline = serializers.DictField(help_text="of its assignment; empty while that is not here")
    parts = serializers.DictField(help_text="what else is recorded of the same encounter, by name")


class DebtOut(serializers.Serializer[Any]):
    """One encounter of a cleared call without a signed note (`record`), or what the law asks for by
    what a note says (`report`): what that is stands in the note. Codes, times and counts, nothing
    of a person."""

    owed = serializers.ChoiceField(["record", "report"])
    id = serializers.UUIDField(help_text="the encounter's")
    assignment_id = serializers.UUIDField()
    ordinal = serializers.IntegerField(help_text="which encounter of the assignment, from 1")
    cad_number = serializers.CharField(allow_null=True)
    unit = serializers.CharField(allow_null=True, help_text="null: its assignment is not here yet")
    closing = serializers.CharField(allow_null=True, help_text="of a record")
    cleared_at = serializers.DateTimeField(allow_null=True, help_text="of a record")
    due_at = serializers.DateTimeField(
        allow_null=True, help_text="of a report: the note's earliest deadline that is open"
    )
    hours = serializers.FloatField(
        help_text="since then; of a report below 0 while there is time left"
    )
    note_id = serializers.UUIDField(allow_null=True, help_text="of a report")
    drafts = serializers.ListField(
        child=serializers.DictField(),
        help_text="of a record: notes that are begun, {id, missing, asked}",
    )


class AddendumIn(serializers.Serializer[Any]):
    text = serializers.CharField(
        max_length=20_000,
        required=False,
        allow_blank=True,
        default="",
        help_text="words to go with what was typed",
    )


class AddendumOut(serializers.Serializer[Any]):
    """An addendum as tablets get it: see the collection `facts`."""

    id = serializers.UUIDField()
    note_id = serializers.UUIDField()
    text = serializers.CharField(allow_blank=True)
    changes = serializers.DictField(allow_null=True)
    quarantined = serializers.UUIDField(allow_null=True)
    author_name = serializers.CharField()
    recorded_by = serializers.CharField(allow_null=True)
    received_at = serializers.CharField()


class HandoverOut(serializers.Serializer[Any]):
    as_of = serializers.CharField()
    cautions = serializers.ListField(
        child=serializers.DictField(), help_text="of the call, the worst first"
    )
    withheld = serializers.CharField(allow_null=True, help_text="in place of what was taken out")
    call = serializers.DictField(allow_null=True, help_text="null: its assignment is not here yet")
    person = serializers.DictField(
        allow_null=True, help_text="with `safety_notes` that have not expired"
    )
    fire = serializers.DictField(
        allow_null=True, help_text="whether the fire department is called, and its times"
    )
    parts = serializers.DictField(
        help_text="doses, answers, first aid, the refusal, the note, by name"
    )
