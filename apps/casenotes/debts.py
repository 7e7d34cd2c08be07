"""What is owed, as lists show it: which encounter of which call, since when, and what is begun."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.assignments.models import Assignment
from apps.casenotes.models import CaseNote, EncounterRecord
from apps.people.ids import ordinal_of


def shown(rows: Sequence[EncounterRecord], *, now: datetime) -> list[dict[str, Any]]:
    """Debts with their calls and drafts, in the order given. Two statements, however many."""
    calls = Assignment.objects.select_related("incident", "unit").in_bulk(
        {row.assignment_id for row in rows}
    )
    ids = [row.pk for row in rows]
    drafts: dict[UUID, list[dict[str, Any]]] = {}
    for note in CaseNote.objects.drafts().filter(encounter_id__in=ids).order_by("begun_at"):
        told = {"id": str(note.pk), "missing": note.missing, "asked": note.asked}
        drafts.setdefault(note.encounter_id, []).append(told)
    return [
        {
            "id": str(row.pk),
            "assignment_id": str(row.assignment_id),
            "ordinal": ordinal_of(row.pk, row.assignment_id),
            "cad_number": calls[row.assignment_id].incident.cad_number,
            "unit": calls[row.assignment_id].unit.call_sign,
            "closing": row.closing,
            "cleared_at": row.cleared_at,
            "hours": hours_since(row.cleared_at, now),
            "drafts": drafts.get(row.pk, []),
        }
        for row in rows
    ]


def hours_since(at: datetime | None, now: datetime) -> float | None:
    """How long ago, to a tenth of an hour."""
    return None if at is None else round((now - at).total_seconds() / 3600, 1)
