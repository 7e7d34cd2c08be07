"""Who may hold what in the field: a record is visible while a call leads there.

Worked out from who crews which unit (as the office said), and from the rows of the rooms: which
unit has a call and whether it has left the tablets, whom an encounter is with, who wrote a note.
Nothing that the feed keeps is asked, and no function of a room that says who sees something.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from apps.assignments.models import Assignment, Fact, FactSource
from apps.casenotes.models import (
    Addendum,
    CaseNote,
    NoteAuthor,
    NoteState,
    OwedReport,
    Review,
    ReviewState,
    Signature,
)
from apps.changes.models import StoredDocument
from apps.dispatch.models import CrewMember
from apps.firstaid.models import FirstAidLog, NaloxoneDose, OverdoseAnswer, StockMovement
from apps.people.models import BrokenGlass, Encounter, Person
from apps.sync.models import Version
from tests.oracle.field.afterwards import Afterwards
from tests.oracle.rights import Rights, Shown, kept_aside, refused
from tests.oracle.words import is_uuid

People = frozenset[UUID]
NOBODY: People = frozenset()
_FOR_HELP = frozenset({"emergency", "assist", "scene_unsafe"})


@dataclass
class FieldRights(Rights):
    """`crew`: whose unit each person crews. `kits`: whose unit's each kit is. `late`: what came
    after its call had left may still be on its author's tablet."""

    units: frozenset[UUID] = frozenset()
    crew: dict[UUID, UUID] = field(default_factory=dict)
    kits: dict[UUID, UUID | None] = field(default_factory=dict)
    late: bool = True

    def documents(self, ids: Iterable[str]) -> list[Shown]:
        """Every document that there is of a day: of its units' calls, of what somebody began (these
        ids), and what everybody sees."""
        begun = [UUID(id) for id in list(ids) if is_uuid(id)]
        return Street(self, begun).documents()

    def on(self, *units: UUID | None) -> People:
        """Who crews one of these units now."""
        return frozenset(user for user, unit in list(self.crew.items()) if unit in units)


class Street:
    """How everything stands at one moment."""

    def __init__(self, rights: FieldRights, begun: list[UUID]) -> None:
        self.rights, self.begun = rights, begun
        rows = Assignment.objects.filter(unit__in=rights.units)
        self.calls = {row.pk: row for row in rows}
        here = Q(assignment_id__in=self.calls)
        self.encounters = list(Encounter.objects.filter(here | Q(pk__in=begun)))
        self.notes = list(CaseNote.objects.filter(here | Q(pk__in=begun)))
        self.authors: dict[UUID, set[UUID]] = {}
        for one in NoteAuthor.objects.filter(note__in=self.notes):
            self.authors.setdefault(one.note_id, set()).add(one.author_id)
        returned = {
            one.note_id
            for one in Review.objects.filter(note__in=self.notes)
            .order_by("note", "-asked_at", "-pk")
            .distinct("note")
            if one.state == ReviewState.RETURNED
        }
        reports = OwedReport.objects.open().filter(pk__in=[note.pk for note in self.notes])
        self.asked = returned | set(reports.values_list("pk", flat=True))
        self.afterwards = Afterwards(self)

    def documents(self) -> list[Shown]:
        return [
            *(Shown("assignments", str(id), self.led(id)) for id in self.calls),
            *self._facts(),
            *self._encounters(),
            *self._notes(),
            *self._acts(),
            *self._persons(),
            *self._stock(),
            *self.afterwards.documents(),
            *self._of_everyone(),
            *refused(self.begun, list(self.rights.hands)),
            *kept_aside(self.begun, list(self.rights.hands)),
        ]

    def led(self, call: UUID) -> People:
        """Whom a call leads to what is known of it: its crew, as long as it is on their tablets."""
        row = self.calls[call]
        return NOBODY if row.left_at else self.rights.on(row.unit_id)

    def may_owe(self, call: UUID, encounter: UUID) -> People:
        """Who may keep what they need for a record that is owed."""
        row = self.calls[call]
        notes = [note for note in self.notes if note.encounter_id == encounter]
        asked = self.asked_again(encounter)
        if row.closed_at and notes and all(note.state != NoteState.DRAFT for note in notes):
            return asked
        served = CrewMember.objects.filter(unit__in=[row.unit_id, *row.former_units])
        served = served.filter(Q(until=None) | Q(until__gte=row.given_at))
        saves = Version.objects.filter(collection="encounters", doc_id__in=self._met_on(call))
        first = saves.exclude(author=None).values_list("author", flat=True)
        return asked.union(served.values_list("user", flat=True), first)

    def asked_again(self, encounter: UUID) -> People:
        """Those whose notes on an encounter came back to them."""
        return frozenset(
            author
            for note in self.notes
            if note.encounter_id == encounter and note.pk in self.asked
            for author in self._wrote(note)
        )

    def must_owe(self, call: UUID, encounter: Encounter) -> People:
        """Who keeps it for certain: those whose note came back, and the crew when it was cleared,
        as long as nobody has signed a note on it; of a further one where somebody is named in
        it."""
        row = self.calls[call]
        notes = [note for note in self.notes if note.encounter_id == encounter.pk]
        signed = any(note.state != NoteState.DRAFT for note in notes)
        owes = encounter.ordinal == 1 or encounter.person_id is not None
        if row.closing != "cleared" or row.closed_at is None or signed or not owes:
            return self.asked_again(encounter.pk)
        served = CrewMember.objects.filter(unit=row.unit_id, since__lte=row.closed_at)
        served = served.filter(Q(until=None) | Q(until__gt=row.closed_at))
        return frozenset(served.values_list("user", flat=True))

    def _facts(self) -> Iterable[Shown]:
        # An app tells by itself that a call has come, which a restore may have taken from here.
        ours = {user for some in self.rights.ever.values() for user in some}
        here = Q(assignment_id__in=self.calls) | Q(pk__in=self.begun) | Q(author__in=ours)
        facts = list(Fact.objects.filter(here))
        moved: dict[UUID, int] = {}
        for fact in facts:
            if fact.event == "reassigned" and fact.assignment_id:
                moved[fact.assignment_id] = max(moved.get(fact.assignment_id, 0), fact.order)
        for fact in facts:
            author = frozenset({fact.author_id} if fact.author_id else ())
            call = self.calls.get(fact.assignment_id) if fact.assignment_id else None
            if call is None:
                yield Shown("facts", str(fact.pk), author)
                continue
            left = call.left_at is not None and fact.received_at <= call.left_at
            since = fact.order > moved.get(call.pk, 0) or fact.event in _FOR_HELP
            theirs = author if fact.source == FactSource.TABLET and since and not left else NOBODY
            yield Shown("facts", str(fact.pk), self.led(call.pk) | theirs)

    def _encounters(self) -> Iterable[Shown]:
        for row in self.encounters:
            if row.assignment_id in self.calls:
                call = row.assignment_id
                owes = self.must_owe(call, row)
                yield Shown("encounters", str(row.pk), self.led(call) | owes)
                yield self.maybe("encounters", row.pk, self.may_owe(call, row.pk))
            else:  # whoever wrote of it first has it until its call is here
                saves = Version.objects.filter(collection="encounters", doc_id=row.pk)
                first = saves.exclude(author=None).order_by("at", "pk").first()
                author = frozenset({first.author_id} if first and first.author_id else ())
                yield Shown("encounters", str(row.pk), author)

    def _notes(self) -> Iterable[Shown]:
        for note in self.notes:
            people = self._readers(note)
            yield Shown("case_notes", str(note.pk), people)
            for sign in Signature.objects.filter(note=note):
                yield Shown("facts", str(sign.pk), people)
        readers = {note.pk: self._readers(note) for note in self.notes}
        for one in Addendum.objects.filter(Q(note_id__in=readers) | Q(pk__in=self.begun)):
            early = frozenset({one.author_id})  # its note is not here yet
            yield Shown("facts", str(one.pk), readers.get(one.note_id, early))

    def _readers(self, note: CaseNote) -> People:
        """Who has a note: as its encounter, those whose turn it is, and where it tells of abuse
        nobody but its authors."""
        wrote = self._wrote(note)
        call = self.calls.get(note.assignment_id)
        if call is None:
            return wrote
        turn = wrote if note.state == NoteState.DRAFT or note.pk in self.asked else NOBODY
        if not note.restricted:
            return self.led(call.pk) | turn
        return turn if call.left_at else turn | wrote

    def _wrote(self, note: CaseNote) -> People:
        return frozenset(self.authors.get(note.pk, ()))

    def _acts(self) -> Iterable[Shown]:
        here = Q(assignment_id__in=self.calls) | Q(pk__in=self.begun)
        doses = NaloxoneDose.objects.filter(here).defer("data", "unread")
        aid = FirstAidLog.objects.filter(here).defer("data", "unread")
        told = OverdoseAnswer.objects.filter(here).defer("data", "unread")
        acts = (("naloxone_doses", doses), ("first_aid_logs", aid), ("facts", told))
        for name, rows in acts:
            for row in rows:
                author = frozenset({row.author_id} if row.author_id else ())
                if row.assignment_id not in self.calls:
                    yield Shown(name, str(row.pk), author)
                    continue
                call = row.assignment_id
                met = [one for one in self.encounters if one.assignment_id == call]
                owes = NOBODY.union(*(self.must_owe(call, one) for one in met))
                yield Shown(name, str(row.pk), self.led(call) | owes)
                late = author if self.rights.late else NOBODY
                may = NOBODY.union(*(self.may_owe(call, one.pk) for one in met))
                yield self.maybe(name, row.pk, may | late)

    def _persons(self) -> Iterable[Shown]:
        """A person is seen by those whom a call leads to them, or to whoever is the same; and by
        whoever is to look for them. Before that by whoever wrote of them, for a while."""
        rows = {row.pk: row for row in Person.objects.filter(pk__in=self.begun)}
        led: dict[UUID, list[UUID]] = {}
        look: dict[UUID, People] = {}
        for row in self.encounters:
            if row.person_id and row.assignment_id in self.calls:
                led.setdefault(row.person_id, []).append(row.assignment_id)
            if row.person_id:
                theirs = self.afterwards.who_look(row.pk)
                look[row.person_id] = look.get(row.person_id, NOBODY) | theirs
        glass: dict[UUID, set[UUID]] = {}
        for one in BrokenGlass.objects.filter(person__in=rows, closed_at=None):
            glass.setdefault(one.person_id, set()).add(one.user_id)
        for row in rows.values():
            same = [other.pk for other in rows.values() if _root(other, rows) == _root(row, rows)]
            calls = {call for one in same for call in led.get(one, ())}
            people = frozenset(user for call in calls for user in self.led(call))
            if not calls:
                people = NOBODY if row.let_go_at else frozenset({row.created_by})
            people |= {user for one in same for user in glass.get(one, ())}
            people = people.union(*(look.get(one, NOBODY) for one in same))
            yield Shown("persons", str(row.pk), people)

    def _stock(self) -> Iterable[Shown]:
        kits = self.rights.kits
        ours = StockMovement.objects.filter(Q(from_kit_id__in=kits) | Q(to_kit_id__in=kits))
        for row in ours.defer("note", "unread"):
            units = {kits.get(kit) for kit in (row.from_kit_id, row.to_kit_id) if kit}
            yield Shown("facts", str(row.pk), self.rights.on(*units))

    def _of_everyone(self) -> Iterable[Shown]:
        known = StoredDocument.objects.filter(collection="reference")
        for id in known.values_list("doc_id", flat=True):
            yield Shown("reference", str(id), team=False, everyone=True)

    def _met_on(self, call: UUID) -> list[UUID]:
        return [row.pk for row in self.encounters if row.assignment_id == call]

    def maybe(self, collection: str, id: UUID, people: People) -> Shown:
        """A document that these people may have as well, and need not."""
        return Shown(collection, str(id), people, team=False, sure=False)


def _root(row: Person, rows: dict[UUID, Person]) -> UUID:
    while row.merged_into_id:
        row = rows[row.merged_into_id]
    return row.pk
