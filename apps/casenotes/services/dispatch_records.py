"""What record each cleared assignment has, or who owes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.assignments.models import Assignment
from apps.casenotes.content import RecordFacts, against_short_path, record_kind
from apps.casenotes.known import known_of
from apps.casenotes.models import CaseNote, DispatchRecord, NoteState, Signature
from apps.changes.services import lock_key
from apps.people.access import crew_of
from apps.people.models import Encounter

# The class of advisory locks that order what settles one assignment's record.
_SETTLE_LOCK: Final = 7321
# Closings that are a record by themselves. Whoever says "cleared" met somebody, or looked.
_TELLING: Final = frozenset({"unable_to_locate", "cancelled", "declined"})


@transaction.atomic
def settle(
    *, assignment_id: UUID, facts: RecordFacts | None = None, now: datetime
) -> DispatchRecord | None:
    """Brings an assignment's record to how things stand; None while the assignment is not here.
    `facts`: what is known of it, where the caller has just read that to sign a note.

    A debt is a closed assignment with an unsigned draft, or without any signed note. The two taps
    that close a call on the timeline ("unable to locate", "cancelled", "declined") settle it by
    themselves, as an automatic record, as long as nobody has begun a note and nothing says that
    there is more to tell: contact, a dose, first aid. Nothing is signed in anybody's name for it:
    a signature is a person's act, and who closed the call, when and why is a fact of the timeline
    with its author already. A note that is begun afterwards makes it a debt again until it is
    signed.

    A signature and the closing of the call at once:

    1. The signature sees an open assignment, the closing an unsigned note. Neither is committed.
    2. Both take the lock of the assignment's record, as their last lock, before they look.
       Whoever is second sees what the first has committed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(%s, %s)", [_SETTLE_LOCK, lock_key(assignment_id)]
        )
    assignment = Assignment.objects.filter(pk=assignment_id).first()
    if assignment is None:
        return None
    known = DispatchRecord.objects.filter(pk=assignment_id).first()
    if known is None and assignment.closed_at is None:
        return None
    row = known or DispatchRecord(id=assignment_id)
    before = (row.closing, row.cleared_at, row.kind, row.owed_by)
    row.closing, row.cleared_at = assignment.closing, assignment.closed_at
    kind = _kind(assignment, facts, now)
    if kind != row.kind:
        row.kind, row.settled_at = kind, now if kind else None
    row.owed_by = crew_of(assignment) if row.cleared_at and not kind else []
    if known is None:
        row.save(force_insert=True)
    elif before != (row.closing, row.cleared_at, row.kind, row.owed_by):
        row.save()
    return row


def _kind(assignment: Assignment, facts: RecordFacts | None, now: datetime) -> str:
    """The kind of the record; "" for none yet."""
    if assignment.closed_at is None:
        return ""
    notes = list(CaseNote.objects.filter(assignment_id=assignment.pk))
    if any(note.state == NoteState.DRAFT for note in notes):
        return ""
    if notes and facts is not None:
        return _written(notes, facts)
    encounters = set(Encounter.objects.of(assignment.pk).values_list("pk", flat=True))
    encounters |= {note.encounter_id for note in notes}
    facts = known_of(assignment, encounters, now=now)
    if notes:
        return _written(notes, facts)
    told = assignment.closing in _TELLING and not against_short_path({}, facts)
    return record_kind({}, facts) if told else ""


def _written(notes: Sequence[CaseNote], facts: RecordFacts) -> str:
    """The fullest of the signed notes."""
    signed = Signature.objects.filter(note__in=notes).order_by("note", "received_at")
    kinds = {record_kind(one.content, facts) for one in signed.distinct("note")}
    return "full" if "full" in kinds else "minimal"
