"""Follow-ups with everything that their state is made of, read under their locks.

How one stands depends on what was told of all follow-ups of its person. So whoever tells of one,
makes one, or says who somebody is (a merge, an encounter's person) takes the locks of the whole
circle first, in one order: the person's records, the encounters that name nobody, the follow-ups.
Everybody who has waited sees what the one before has committed.

Who is in the circle is read before it is locked:

1. An attempt reads that a follow-up is of Ada. Meanwhile Ada is merged into Alba.
2. The attempt waits for Ada's lock, and gets it; but the circle is Ada's and Alba's now.
3. So the circle is read again once it is locked. Where it has grown, the locks are let go (the
   savepoint is rolled back, nothing was written in it) and taken anew, in the one order.

An encounter that names nobody is locked under a name of its own, not as a document: its document's
lock is taken by whoever has a call's, before those of other rooms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Role
from apps.assignments.records import facts_of, limits, told
from apps.assignments.timeline import Timeline, corrected_time, derive
from apps.core import clock
from apps.core.problems import BUSY, ProblemError
from apps.followups import access
from apps.followups.agreeing import Basis, Said, basis_of
from apps.followups.models import (
    FollowUp,
    FollowUpAgreement,
    FollowUpEvent,
)
from apps.followups.models.followups import FOLLOW_UPS
from apps.followups.reminding import HOURS, Opens
from apps.followups.standing import RETRY_AFTER, Begun, Case, Standing, stand_all
from apps.followups.tellings import Told, believable
from apps.followups.watching import line_of, opens_of
from apps.people.documents import PERSONS
from apps.people.models import Encounter, Match, Person
from apps.people.services.persons import families_of
from apps.sync import documents as shared

# Under this name an encounter's circle is locked where nobody is confirmed in it.
_UNNAMED: Final = "follow_up_circles"
_UNASKED: Final = Basis("unasked")
# Whoever finds the circle changed that often waits for somebody who merges persons all day.
_MOST_TURNS: Final = 5
# An encounter is opened when contact is made, or (offline) later; at most so long before it.
_BEFORE: Final = timedelta(hours=6)


# What is derived: compared with what was read, so that only a change is written.
STORED: Final = (
    "state", "outcome", "ended_at", "due_from", "due_until", "occasion", "tries", "owner_id",
    "acknowledged_at", "acknowledged_by_id", "paused_at", "paused_for", "paused_until", "level",
    "leaves_at", "kept_for", "next_at", "flags",
)  # fmt: skip


@dataclass
class FollowUpRecord:
    """One follow-up, how it stands, and what was told of it, in the server's order. `person`: whom
    its encounter names, confirmed or not. `units`: those of its team, `opens` its hours.
    `basis`: on what it rests."""

    row: FollowUp
    events: list[FollowUpEvent]
    standing: Standing
    person: UUID | None
    units: frozenset[UUID]
    opens: Opens
    basis: Basis
    most_tries: int
    stored: dict[str, Any] = field(init=False)
    seen_by: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        fresh = self.row._state.adding
        self.stored = {name: getattr(self.row, name) for name in STORED}
        self.stored["kept_for"] = list(self.row.kept_for)
        self.seen_by = frozenset() if fresh else self.scopes()

    def changed(self) -> list[str]:
        """The stored columns that differ from what was read."""
        return [name for name in STORED if getattr(self.row, name) != self.stored[name]]

    def turned(self) -> bool:
        """Whether it has ended, or goes on again, or stands still since it was read."""
        return any(getattr(self.row, name) != self.stored[name] for name in ("state", "ended_at"))

    def scopes(self) -> frozenset[str]:
        """Who may see it now: `access.scopes_of`."""
        return access.scopes_of(self.row, self.units)

    def flags_of(self, event: FollowUpEvent) -> list[str]:
        """The flags of an event: of its arrival, and whether it came after the end."""
        late = {"too_late"} if event.pk in self.standing.late else set()
        return sorted({*event.flags, *late})


@dataclass
class Circle:
    """Whom and what a few follow-ups are connected with. `families`: the persons' records, each
    with the one that goes on. `unnamed`: encounters that name nobody for certain."""

    encounters: dict[UUID, Encounter] = field(default_factory=dict)
    families: dict[UUID, UUID] = field(default_factory=dict)
    unnamed: frozenset[UUID] = frozenset()
    follow_ups: frozenset[UUID] = frozenset()

    def covers(self, other: Circle) -> bool:
        """Whether whoever has locked this one has locked that one."""
        return (
            other.families.keys() <= self.families.keys()
            and other.unnamed <= self.unnamed
            and other.follow_ups <= self.follow_ups
        )

    def key(self, encounter_id: UUID) -> UUID:
        """Equal for encounters with the same person."""
        row = self.encounters.get(encounter_id)
        if row is None or row.person_id is None or row.match != Match.CONFIRMED:
            return encounter_id
        return self.families.get(row.person_id, row.person_id)


def lock(
    *,
    follow_ups: Iterable[UUID] = (),
    encounters: Iterable[UUID] = (),
    persons: Iterable[UUID] = (),
) -> Circle:
    """Takes the locks of everything that is connected with these, to the end of the transaction,
    and returns what that is. Take it once a transaction, for all of them. BUSY where it keeps
    changing."""
    named = set(follow_ups), set(encounters), set(persons)
    for _ in range(_MOST_TURNS):
        circle = circle_of(*named)
        turn = transaction.savepoint()
        shared.lock(PERSONS, circle.families)
        shared.lock(_UNNAMED, circle.unnamed)
        shared.lock(FOLLOW_UPS, circle.follow_ups | named[0])
        again = circle_of(*named)
        if circle.covers(again):
            transaction.savepoint_commit(turn)
            return again
        transaction.savepoint_rollback(turn)
    raise ProblemError(BUSY, headers={"Retry-After": "1"})


def circle_of(
    follow_ups: Iterable[UUID], encounters: Iterable[UUID], persons: Iterable[UUID]
) -> Circle:
    """What is connected with these, as far as it is here."""
    rows = FollowUp.objects.filter(pk__in=list(follow_ups))
    begun = {*encounters, *rows.values_list("encounter_id", flat=True)}
    known = {row.pk: row for row in Encounter.objects.filter(pk__in=begun).defer("content")}
    named = {row.person_id for row in known.values() if row.person_id}
    families = families_of({*named, *persons})
    with_them = Encounter.objects.with_person(families).filter(match=Match.CONFIRMED)
    known |= {row.pk: row for row in with_them.defer("content")}
    circle = Circle(known, {**{one: one for one in (*named, *persons)}, **families})
    circle.unnamed = frozenset(id for id in begun | known.keys() if circle.key(id) == id)
    found = FollowUp.objects.of_encounters(begun | known.keys())
    circle.follow_ups = frozenset(found.values_list("pk", flat=True))
    return circle


def records_of(ids: Iterable[UUID], *, now: datetime) -> dict[UUID, FollowUpRecord]:
    """These follow-ups as they stand at `now`, in a few statements however many they are."""
    wanted = set(ids)
    found = read(circle_of(wanted, (), ()), now=now)
    return {id: found[id] for id in found.keys() & wanted}


def read(
    circle: Circle, *, now: datetime, fresh: Sequence[FollowUp] = ()
) -> dict[UUID, FollowUpRecord]:
    """All follow-ups of a circle as they stand at `now`. `fresh`: rows that are not stored yet, or
    not as they are here."""
    rows = {row.pk: row for row in _rows(circle.follow_ups)}
    rows |= {row.pk: row for row in fresh}
    events: dict[UUID, list[FollowUpEvent]] = {pk: [] for pk in rows}
    for event in FollowUpEvent.objects.of(rows).select_related("author"):
        events[event.follow_up_id].append(event)
    met = _met(circle, rows.values())
    bases = _bases(circle, now)
    joined = _joined(circle)
    teams = {row.team_id for row in rows.values()}
    units, opens = access.units_of(teams), opens_of(teams)
    groups: dict[UUID, list[Case]] = {}
    for row in rows.values():
        key = circle.key(row.encounter_id)
        groups.setdefault(key, []).append(
            _case(row, events[row.pk], circle, met, bases.get(key, _UNASKED))
        )
    standings: dict[UUID, Standing] = {}
    for cases in groups.values():
        standings |= stand_all(cases, joined=joined, now=now)
    return {
        pk: FollowUpRecord(
            row=row,
            events=events[pk],
            standing=standings[pk],
            person=_person(circle, row),
            units=units[row.team_id],
            opens=opens[row.team_id],
            basis=bases.get(circle.key(row.encounter_id), _UNASKED),
            most_tries=begun_of(row).most_tries,
        )
        for pk, row in rows.items()
    }


def told_of(event: FollowUpEvent) -> Told:
    """A stored event as the rules read it."""
    author = event.author
    return Told(
        id=event.pk,
        event=event.event,
        at=happened_at(event),
        author=event.author_id,
        order=event.order,
        device=event.device,
        counter=event.counter,
        supervises=author is not None and author.role == Role.SUPERVISOR,
        content=event.content if isinstance(event.content, Mapping) else {},
    )


def happened_at(event: FollowUpEvent) -> datetime:
    """When it happened: by the device's clock, corrected, where that can be believed; nothing is
    told before it happens."""
    return _by_its_clock(event.at or event.device_time, event)


def _by_its_clock(at: datetime | None, told: FollowUpEvent | FollowUpAgreement) -> datetime:
    at = corrected_time(at, told.clock_offset_ms)
    if at is None or not believable(at, told.received_at):
        return told.received_at
    return min(at, told.received_at)


def begun_of(row: FollowUp) -> Begun:
    """What it began with, by its plan or by hand."""
    line = line_of(row)
    begun = Begun(made_at=row.created_at, first_from=row.first_from, first_until=row.first_until)
    if not line:
        return replace(begun, retry_after=clock.days(RETRY_AFTER.total_seconds()))
    retry = clock.days(line["retry_hours"] * HOURS)
    return replace(begun, most_tries=line["tries"], retry_after=retry)


def _rows(ids: Iterable[UUID]) -> list[FollowUp]:
    rows = FollowUp.objects.filter(pk__in=list(ids))
    return list(rows.select_related("plan", "owner", "acknowledged_by", "created_by"))


def _case(
    row: FollowUp,
    events: Sequence[FollowUpEvent],
    circle: Circle,
    met: Mapping[UUID, Mapping[UUID, datetime]],
    basis: Basis,
) -> Case:
    key = circle.key(row.encounter_id)
    own = circle.encounters.get(row.encounter_id)
    return Case(
        id=row.pk,
        person=own.person_id if own and own.match == Match.CONFIRMED else None,
        purpose=row.purpose,
        begun=begun_of(row),
        told=tuple(told_of(event) for event in events if _counts(row, event)),
        met=tuple(at for other, at in met.get(key, {}).items() if other != row.encounter_id),
        basis=_how(basis),
        held_since=basis.held_since,
        over_at=basis.over_at,
    )


def _counts(row: FollowUp, event: FollowUpEvent) -> bool:
    """What came before its follow-up could not be judged when it came: it counts where its author
    is of the team, or made the follow-up."""
    author = event.author
    if author is None or event.received_at >= row.created_at:
        return True
    return author.team_id == row.team_id or author.pk == row.created_by_id


def _person(circle: Circle, row: FollowUp) -> UUID | None:
    encounter = circle.encounters.get(row.encounter_id)
    return encounter.person_id if encounter else None


def _joined(circle: Circle) -> dict[UUID, datetime]:
    """When each record that is merged into another one was."""
    rows = Person.objects.filter(pk__in=circle.families).values_list("pk", "merged_at")
    return {pk: at for pk, at in rows if at is not None}


def _met(circle: Circle, rows: Iterable[FollowUp]) -> dict[UUID, dict[UUID, datetime]]:
    """For each person the encounters in which they were met, with the time, as far as it may
    concern one of these follow-ups."""
    earliest = min((min(row.first_from, row.due_from) for row in rows), default=None)
    if earliest is None:
        return {}
    on: dict[UUID, list[Encounter]] = {}
    for encounter in circle.encounters.values():
        named = circle.key(encounter.pk) != encounter.pk
        if named and encounter.opened_at >= earliest - _BEFORE:
            on.setdefault(encounter.assignment_id, []).append(encounter)
    if not on:
        return {}
    facts: dict[UUID | None, list[Any]] = {}
    for fact in facts_of(on):
        facts.setdefault(fact.assignment_id, []).append(told(fact, fact.order))
    found: dict[UUID, dict[UUID, datetime]] = {}
    for assignment_id, encounters in on.items():
        at = contact_at(derive(facts.get(assignment_id, ()), limits=limits()))
        for encounter in encounters if at else ():
            assert at is not None
            found.setdefault(circle.key(encounter.pk), {})[encounter.pk] = at
    return found


def contact_at(timeline: Timeline) -> datetime | None:
    """When somebody was first met, in whatever part of the call. None: nobody was."""
    moments = [
        one.times["contact"]
        for one in (timeline.current, *timeline.earlier)
        if "contact" in one.times
    ]
    return min((one.at or one.chosen.received_at for one in moments), default=None)


def _bases(circle: Circle, now: datetime) -> dict[UUID, Basis]:
    """On what it rests now that a person is followed up, by person; nothing where nobody was
    asked."""
    rows = FollowUpAgreement.objects.filter(encounter_id__in=[*circle.encounters, *circle.unnamed])
    said: dict[UUID, list[Said]] = {}
    for row in rows.defer("content", "unread"):
        said.setdefault(circle.key(row.encounter_id), []).append(as_said(row))
    return {key: basis_of(words, now) for key, words in said.items()}


def as_said(row: FollowUpAgreement) -> Said:
    """A stored word as the rules read it. A clock that is slow puts no refusal before the agreement
    that it takes back."""
    said_at = _by_its_clock(row.said_at, row)
    return Said(row.encounter_id, row.basis, said_at, row.received_at, row.ends_on)


def _how(basis: Basis) -> Literal["holds", "none", "over"]:
    if basis.holds:
        return "holds"
    return "none" if basis.over_at is None else "over"
