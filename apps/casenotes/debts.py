"""What is owed, as lists show it: a record or a report, of which encounter of which call, since
when or by when, and what is begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.assignments.models import Assignment
from apps.casenotes.models import CaseNote, EncounterRecord, OwedReport
from apps.people.ids import ordinal_of


def shown(rows: Sequence[EncounterRecord | OwedReport], *, now: datetime) -> list[dict[str, Any]]:
    """Debts with their calls and drafts, in the order given; reports come with their notes. Two
    statements, however many."""
    calls = Assignment.objects.select_related("incident", "unit").in_bulk(
        {_call_of(row) for row in rows}
    )
    ids = [row.pk for row in rows if isinstance(row, EncounterRecord)]
    drafts: dict[UUID, list[dict[str, Any]]] = {}
    for note in CaseNote.objects.drafts().filter(encounter_id__in=ids).order_by("begun_at"):
        told = {"id": str(note.pk), "missing": note.missing, "asked": note.asked}
        drafts.setdefault(note.encounter_id, []).append(told)
    return [
        {**_place(row, calls), **_record(row, drafts.get(row.pk, []), now)}
        if isinstance(row, EncounterRecord)
        else {**_place(row, calls), **_report(row, now)}
        for row in rows
    ]


def _call_of(row: EncounterRecord | OwedReport) -> UUID:
    return row.assignment_id if isinstance(row, EncounterRecord) else row.note.assignment_id


def _place(row: EncounterRecord | OwedReport, calls: Mapping[UUID, Assignment]) -> dict[str, Any]:
    """Which encounter of which call. A note may be here before its call."""
    encounter = row.pk if isinstance(row, EncounterRecord) else row.note.encounter_id
    call = calls.get(_call_of(row))
    return {
        "id": str(encounter),
        "assignment_id": str(_call_of(row)),
        "ordinal": ordinal_of(encounter, _call_of(row)),
        "cad_number": call.incident.cad_number if call else None,
        "unit": call.unit.call_sign if call else None,
    }


def _record(row: EncounterRecord, drafts: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    return {
        "owed": "record",
        "closing": row.closing,
        "cleared_at": row.cleared_at,
        "due_at": None,
        "hours": hours_since(row.cleared_at, now),
        "note_id": None,
        "drafts": drafts,
    }


def _report(row: OwedReport, now: datetime) -> dict[str, Any]:
    return {
        "owed": "report",
        "closing": None,
        "cleared_at": None,
        "due_at": row.due_at,
        "hours": hours_since(row.due_at, now),
        "note_id": str(row.pk),
        "drafts": [],
    }


def hours_since(at: datetime | None, now: datetime) -> float | None:
    """How long ago, to a tenth of an hour."""
    return None if at is None else round((now - at).total_seconds() / 3600, 1)
