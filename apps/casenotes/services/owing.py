"""What the law asks for and nobody has done yet, as a list of its own."""

from __future__ import annotations

from datetime import datetime

from apps.casenotes.models import OwedReport
from apps.casenotes.records import NoteRecord
from apps.notify.services import stop


def owe_report(record: NoteRecord, *, now: datetime) -> bool:
    """Brings what a note owes by law to what stands in it, with what was added. Idempotent; under
    the note's lock. Whether that has changed. Nobody is reminded any more of what is done."""
    due_at = record.report_due_at
    row = OwedReport.objects.filter(pk=record.note.pk).first()
    if (row.due_at if row else None) == due_at:
        return False
    if row is None:
        OwedReport.objects.create(note=record.note, due_at=due_at, since=now)
        return True
    if row.due_at is None:
        row.since = now
    row.due_at = due_at
    row.save(update_fields=["due_at", "since"])
    if due_at is None:
        stop(subject_id=record.note.pk, now=now)
    return True
