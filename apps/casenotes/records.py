"""A note with everything that its document is made of, read under the document's lock.

Whoever changes a note takes the lock of its document first (`lock_notes`), and what it needs of the
encounter's before that: whoever follows an assignment holds the assignment's row, then what orders
arrivals there (`lock_arrivals`), its encounters' documents, its notes'. Who pushes a note never
locks an assignment's row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.assignments.models import Assignment
from apps.assignments.records import lock_arrivals
from apps.casenotes.content import Deadline, RecordFacts, completeness, deadlines
from apps.casenotes.known import known_of
from apps.casenotes.models import (
    Addendum,
    CaseNote,
    CaseNoteQuerySet,
    NoteAuthor,
    NotePolicy,
    NoteState,
    Review,
    ReviewState,
    Signature,
)
from apps.casenotes.policies import Policies, Version
from apps.changes import scopes
from apps.people.access import audience, may_write
from apps.people.models import Encounter, EncounterQuerySet
from apps.sync import documents
from apps.sync.registry import Refused

CASE_NOTES: Final = CaseNoteQuerySet.COLLECTION


@dataclass
class NoteRecord:
    """One note. `content` is what stands in it: the draft, or what was signed. `assignment` None:
    it is not here yet. The lists are in the order in which things came. `policies` are all
    versions; `judged_by` is the one that was in force when the note was signed, of a draft the one
    of now."""

    note: CaseNote
    content: Mapping[str, Any]
    authors: list[NoteAuthor]
    signatures: list[Signature]
    addenda: list[Addendum]
    reviews: list[Review]
    assignment: Assignment | None
    facts: RecordFacts
    policies: Policies
    judged_by: Version

    @property
    def author_ids(self) -> list[UUID]:
        return [one.author_id for one in self.authors]

    @property
    def wrote(self) -> list[dict[str, Any]]:
        """Who wrote which fields: {id, name, parts}. Of a signed note as it was signed."""
        if not self.is_draft:
            signed: list[dict[str, Any]] = self.signatures[0].authors
            return signed
        return [
            {"id": str(one.author_id), "name": one.author.display_name, "parts": one.parts}
            for one in self.authors
        ]

    @property
    def is_draft(self) -> bool:
        return self.note.state == NoteState.DRAFT

    @property
    def last_review(self) -> Review | None:
        return self.reviews[-1] if self.reviews else None

    @property
    def is_returned(self) -> bool:
        """A reviewer has asked for something, and nobody has answered yet."""
        return self.last_review is not None and self.last_review.state == ReviewState.RETURNED

    def count(self) -> None:
        """Puts into a draft's row how much its path asks for, and how much of it is left."""
        progress = completeness(self.content, self.facts, self.judged_by.policy)
        self.note.asked, self.note.missing = len(progress.asked), len(progress.missing)

    @property
    def as_added(self) -> Mapping[str, Any]:
        """What stands in it with what was added since: each field as somebody typed it last, an
        object field by field."""
        if self.is_draft:
            return self.content
        found = dict(self.content)
        for one in self.addenda:
            for name, value in (one.changes or {}).items():
                found[name] = _laid_over(found.get(name), value)
        return found

    @property
    def deadlines(self) -> tuple[Deadline, ...]:
        """By when the law asks for something. An addendum may set one, and may say that it is
        done."""
        return deadlines(self.as_added, self.policies)

    @property
    def report_due_at(self) -> datetime | None:
        """The earliest deadline that is open."""
        return min((one.due_at for one in self.deadlines if one.done_at is None), default=None)

    def owing(self) -> list[UUID]:
        """Whose turn it is: the authors', until they have signed, when it was returned, and while
        the law asks for something that is not done."""
        turn = self.is_draft or self.is_returned or self.report_due_at is not None
        return self.author_ids if turn else []

    def scopes(self) -> frozenset[str]:
        """Who sees the note and what is told of it.

        As all that is recorded on an assignment. One with a mandated report in it is its authors'
        and their supervisors' alone: the unit's scope would show it to whoever joins the crew.
        """
        owing = self.owing() if self.assignment else self.author_ids
        found = audience(self.note.assignment_id, author_ids=owing)
        if not self.note.restricted:
            return found
        on_tablets = self.assignment is None or self.assignment.left_at is None
        authors = {scopes.responder(id) for id in self.author_ids} if on_tablets else set()
        return frozenset({one for one in found if not one.startswith("unit:")} | authors)


def _laid_over(before: Any, value: Any) -> Any:
    """A field as it was added over what stood there."""
    if isinstance(before, Mapping) and isinstance(value, Mapping):
        return {**before, **value}
    return value


def lock_notes(ids: Iterable[UUID]) -> None:
    """Makes everybody else who writes one of these notes, or an encounter of their assignments,
    wait."""
    wanted = set(ids)
    # What a note is of never changes, so it may be read before.
    assignments = set(
        CaseNote.objects.filter(pk__in=wanted).values_list("assignment_id", flat=True)
    )
    lock_assignments_notes(assignments, wanted)


def lock_assignments_notes(assignment_ids: Collection[UUID], note_ids: Iterable[UUID]) -> None:
    """Likewise for the encounters of these assignments and for these notes."""
    lock_arrivals(assignment_ids)
    encounters = Encounter.objects.filter(assignment_id__in=assignment_ids)
    documents.lock(EncounterQuerySet.COLLECTION, list(encounters.values_list("pk", flat=True)))
    documents.lock(CASE_NOTES, note_ids)


def read(note: CaseNote, *, now: datetime) -> NoteRecord:
    """The record of a note as it stands."""
    signatures = list(note.signatures.select_related("author").order_by("received_at", "pk"))
    content = note.content if note.state == NoteState.DRAFT else signatures[0].content
    assignment = Assignment.objects.filter(pk=note.assignment_id).first()
    reviews = note.reviews.select_related("reviewer", "policy")
    policies = NotePolicy.objects.held()
    return NoteRecord(
        note=note,
        content=content,
        authors=list(note.authors.select_related("author").order_by("first_at", "pk")),
        signatures=signatures,
        addenda=addenda_of(note),
        reviews=list(reviews.order_by("asked_at", "pk")),
        assignment=assignment,
        facts=known_of(assignment, [note.encounter_id], now=now),
        policies=policies,
        judged_by=policies.at(note.signed_at or now),
    )


def text_of(note: CaseNote) -> Mapping[str, Any]:
    """What stands in a note: the draft, or what was signed."""
    content: Mapping[str, Any] | None = note.content
    if content is not None:
        return content
    signed: Mapping[str, Any] = note.signatures.earliest("received_at", "pk").content
    return signed


def addenda_of(note: CaseNote) -> list[Addendum]:
    """What was added to a note, in the order in which it was taken. One that was here before its
    note was taken from anybody, as nobody could say yet whose note it would be: a stranger's is not
    among them, and stays theirs and their team's."""
    added = Addendum.objects.of(note.pk).select_related("author", "recorded_by")
    return [one for one in added if is_of_the_crew(one, note)]


def is_of_the_crew(addendum: Addendum, note: CaseNote) -> bool:
    """Whether an addendum is the note's: see `addenda_of`."""
    if addendum.received_at > note.begun_at:
        return True  # that was asked when it came
    try:
        may_write(note.assignment_id, addendum.author)
    except Refused:
        return False
    return True


def locked(note_id: UUID, *, now: datetime) -> NoteRecord | None:
    """The record of a note whose document's lock is held, its row locked as well; None where there
    is no such note."""
    row = CaseNote.objects.select_for_update(no_key=True).filter(pk=note_id).first()
    return read(row, now=now) if row else None
