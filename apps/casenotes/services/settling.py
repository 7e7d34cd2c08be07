"""What record each encounter of a cleared assignment has, or who owes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.assignments.models import Assignment
from apps.casenotes.content import RecordFacts, against_short_path, record_kind
from apps.casenotes.known import known_of, timeline_of
from apps.casenotes.models import CaseNote, EncounterRecord, NoteState, Signature
from apps.changes.services import lock_key
from apps.people.access import crew_of
from apps.people.codes import FOR_SOMEBODY_ELSE
from apps.people.ids import encounter_id
from apps.people.models import Encounter

# The class of advisory locks that order what settles one assignment's records.
_SETTLE_LOCK: Final = 7321
# Closings that are a record by themselves. Whoever says "cleared" met somebody, or looked.
_TELLING: Final = frozenset({"unable_to_locate", "cancelled", "declined"})


@transaction.atomic(savepoint=False)
def settle(
    *, assignment_id: UUID, known: Mapping[UUID, RecordFacts] | None = None, now: datetime
) -> frozenset[UUID] | None:
    """Brings the records of an assignment's encounters to how things stand. Returns the encounters
    that owe one; None while the assignment is not here, or not over. `known`: what is known of an
    encounter, where the caller has just read that to sign a note.

    Each encounter answers for itself: the note on one says nothing of another. The first owes a
    record always, as it stands for nobody found as well; a further one where a person is named in
    it whom the call was about, where somebody was cared for, or where a note is begun.

    A debt is one with an unsigned draft, or without any signed note. The two taps that close a call
    on the timeline ("unable to locate", "cancelled", "declined") settle it by themselves, as an
    automatic record, as long as nobody has begun a note and nothing says that there is more to
    tell: contact, a dose, first aid. Nothing is signed in anybody's name for it: a signature is a
    person's act, and who closed the call, when and why is a fact of the timeline with its author
    already. A note that is begun afterwards makes it a debt again until it is signed.

    A signature and the closing of the call at once:

    1. The signature sees an open assignment, the closing an unsigned note. Neither is committed.
    2. Both take the lock of the assignment's records, as their last lock, before they look.
       Whoever is second sees what the first has committed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(%s, %s)", [_SETTLE_LOCK, lock_key(assignment_id)]
        )
    assignment = Assignment.objects.filter(pk=assignment_id).first()
    if assignment is None:
        return None
    rows = EncounterRecord.objects.filter(assignment_id=assignment_id).in_bulk()
    over = assignment.closed_at is not None
    if not rows and not over:
        return None
    kinds = _kinds(assignment, known or {}, now) if over else {}
    owed = frozenset(pk for pk, kind in kinds.items() if not kind)
    crew = crew_of(assignment) if owed else []
    for pk in sorted(rows.keys() | kinds.keys()):
        row = rows.get(pk) or EncounterRecord(id=pk, assignment_id=assignment_id)
        _bring(row, assignment, kinds.get(pk), crew, now)
    return owed if over else None


def _bring(
    row: EncounterRecord, assignment: Assignment, kind: str | None, crew: list[UUID], now: datetime
) -> None:
    """Writes down what an encounter has: a kind, "" for a debt, None where it owes nothing."""
    before = (row.closing, row.cleared_at, row.kind, row.owed_by)
    row.closing = assignment.closing
    row.cleared_at = None if kind is None else assignment.closed_at
    if (kind or "") != row.kind:
        row.kind, row.settled_at = kind or "", now if kind else None
    row.owed_by = crew if kind == "" else []
    if row._state.adding or before != (row.closing, row.cleared_at, row.kind, row.owed_by):
        row.save(force_insert=row._state.adding)


def _kinds(
    assignment: Assignment, known: Mapping[UUID, RecordFacts], now: datetime
) -> dict[UUID, str]:
    """The kind of record of each encounter that has one or owes one; "" for none yet."""
    encounters = Encounter.objects.of(assignment.pk).in_bulk()
    notes: dict[UUID, list[CaseNote]] = {}
    for note in CaseNote.objects.filter(assignment_id=assignment.pk):
        notes.setdefault(note.encounter_id, []).append(note)
    first, timeline = encounter_id(assignment.pk), cache(lambda: timeline_of(assignment))
    found = {}
    for pk in {first, *encounters, *notes}:
        written = notes.get(pk, [])
        if any(note.state == NoteState.DRAFT for note in written):
            found[pk] = ""
            continue
        facts = known.get(pk) or known_of(assignment, [pk], timeline=timeline(), now=now)
        if written:
            found[pk] = _written(written, facts)
        elif pk == first or _is_met(encounters[pk], facts):
            told = assignment.closing in _TELLING and not against_short_path({}, facts)
            found[pk] = record_kind({}, facts) if told else ""
    return found


def _is_met(encounter: Encounter, facts: RecordFacts) -> bool:
    """Whether somebody whom the call was about was met, or looked for. A mother who called for her
    son is written down with him, and is asked for no record of her own."""
    if facts.doses or facts.aid:
        return True
    role = encounter.content.get("role")
    return encounter.person_id is not None and role not in FOR_SOMEBODY_ELSE


def _written(notes: Sequence[CaseNote], facts: RecordFacts) -> str:
    """The fullest of the signed notes."""
    signed = Signature.objects.filter(note__in=notes).order_by("note", "received_at")
    kinds = {record_kind(one.content, facts) for one in signed.distinct("note")}
    return "full" if "full" in kinds else "minimal"
