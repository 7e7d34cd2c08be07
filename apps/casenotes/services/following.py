"""Notes follow their assignment: to whoever has the call, and off the tablets with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.casenotes import documents
from apps.casenotes.content import RecordFacts
from apps.casenotes.models import (
    Addendum,
    CaseNote,
    EncounterRecord,
    NoteAuthor,
    OwedReport,
    Review,
    ReviewState,
    Signature,
)
from apps.casenotes.records import CASE_NOTES, NoteRecord, lock_assignments_notes, locked
from apps.casenotes.services.settling import settle
from apps.changes.services import Document, Event, publish
from apps.people.models import Encounter
from apps.people.services import keep_for, let_go


@transaction.atomic(savepoint=False)
def follow_assignment(*, assignment_id: UUID, now: datetime) -> None:
    """Shows the notes of an assignment to whoever has it now, drafts with what the timeline tells
    now, and settles its records. Idempotent; under the assignment's lock.

    A call leaves its tablets while somebody begins a note on it:

    1. The note's writer sees a call that is there, and shows the note to the unit. This sees no
       note yet.
    2. Whoever begins a note takes the records' lock (`settle`) before they look who has the call,
       and this looks for notes once more when it has that lock. Whoever is second sees the first.
    """
    before = _show_notes(assignment_id, None, now)
    settle_and_let_go(assignment_id=assignment_id, now=now)
    _show_notes(assignment_id, before, now)


def _show_notes(assignment_id: UUID, known: set[UUID] | None, now: datetime) -> set[UUID]:
    """Shows the notes of an assignment that are not `known` (None: nothing is locked yet); their
    ids."""
    ids = CaseNote.objects.filter(assignment_id=assignment_id).values_list("pk", flat=True)
    found = set(ids) - (known or set())
    if known is None or found:
        lock_assignments_notes([assignment_id], found)
    for pk in sorted(found):
        record = locked(pk, now=now)
        assert record is not None, "notes are never deleted"
        if record.is_draft:
            record.count()
            record.note.save(update_fields=["asked", "missing"])
        show(record, whole=record.is_draft, now=now)
    return found


def settle_and_let_go(
    *, assignment_id: UUID, known: Mapping[UUID, RecordFacts] | None = None, now: datetime
) -> None:
    """Settles an assignment's records (`known` as of `settle`). What owes none leaves the tablets
    with the call. Under the encounters' locks."""
    owed = settle(assignment_id=assignment_id, known=known, now=now)
    if owed is not None:
        for encounter in Encounter.objects.of(assignment_id).exclude(kept_for=[]):
            if encounter.pk not in owed:
                _let_go(encounter, now)


def _let_go(encounter: Encounter, now: datetime) -> None:
    """Nobody owes anything of it any more but the authors of a note that was returned, or that
    tells of a report which the law asks for and nobody has made."""
    done = set(encounter.kept_for) - _asked_again(encounter)
    let_go(encounter_id=encounter.pk, author_ids=done, now=now)


def _asked_again(encounter: Encounter) -> set[UUID]:
    """The authors of its notes that a reviewer has returned and nobody has answered for, and of
    those that owe a report."""
    reviews = Review.objects.filter(note__encounter_id=encounter.pk)
    last = reviews.order_by("note", "-asked_at", "-pk").distinct("note")
    asked = {one.note_id for one in last if one.state == ReviewState.RETURNED}
    reports = OwedReport.objects.open().filter(note__encounter_id=encounter.pk)
    asked |= set(reports.values_list("pk", flat=True))
    return set(NoteAuthor.objects.filter(note__in=asked).values_list("author", flat=True))


@transaction.atomic(savepoint=False)
def follow_encounter(*, encounter_id: UUID, now: datetime) -> None:
    """Somebody has opened an encounter, or named another person in it. Of a call that is over its
    crew keeps it while it owes a record, whichever way it was told of; otherwise it leaves the
    tablets with the call. Idempotent; under the encounter's lock.

    An encounter is opened and its call closed at once: both take the records' lock (`settle`)
    before they look. Whoever is second sees what the first has committed.
    """
    encounter = Encounter.objects.filter(pk=encounter_id).first()
    if encounter is None:
        return
    owed = settle(assignment_id=encounter.assignment_id, now=now)
    if owed is None:
        return
    if encounter_id in owed:
        crew = EncounterRecord.objects.get(pk=encounter_id).owed_by
        keep_for(encounter_id=encounter_id, author_ids=crew, now=now)
    elif encounter.kept_for:
        _let_go(encounter, now)


def show(
    record: NoteRecord,
    *,
    whole: bool = True,
    fresh: Sequence[Signature | Addendum] = (),
    events: Sequence[Event] = (),
    now: datetime,
) -> None:
    """Publishes a note to whoever may see it now, and with it the facts about it. `whole` False:
    only who sees it has changed. `fresh`: facts that are new, or say something else."""
    scopes = record.scopes()
    new = {one.pk for one in fresh}
    told: list[Signature | Addendum] = [*record.signatures, *record.addenda]
    facts = [
        _fact(one, scopes) if one.pk in new else Document("facts", one.pk, scopes) for one in told
    ]
    body = documents.note_body(record) if whole else None
    note = Document(CASE_NOTES, record.note.pk, scopes, body)
    publish(documents=[note, *facts], events=events, now=now)


def _fact(row: Signature | Addendum, scopes: frozenset[str]) -> Document:
    if isinstance(row, Signature):
        return documents.signature(row, scopes)
    return documents.addendum(row, scopes)
