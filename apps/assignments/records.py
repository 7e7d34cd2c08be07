"""An assignment with everything that its state and its documents are made of, read under its lock.

Whoever changes an assignment locks its row first (`lock`, `of_incident`) and reads the rest
afterwards, in statements of their own:

1. A tap and an update of the call come at the same moment; the update has the row.
2. The tap waits for the row, then gets it as it is now, but whatever is joined to it comes from
   the snapshot in which the waiting began: the old address would be published over the new one,
   and a call that went to another unit would not be found at all, as the old unit does not fit.
3. So a row is locked alone. Its incident, unit, facts and alerts are read once it is held.

An incident is locked before its assignments: whoever makes or moves an assignment holds the
incident's row, so that two of them cannot give one call to one unit twice.

The handoff is the incident's, and stands in the document of each unit that has it:

1. Two units tap at the same moment. Each would read the other's facts without that tap, and both
   would show a handoff that lacks one of the two.
2. So whoever tells something of a unit's part holds the incident's row and the rows of all its
   assignments (`lock_with_others`), and shows all of them anew where the handoff has changed.
3. Whoever tells nothing and only shows one anew (an alarm, an answer) holds its row alone (`lock`):
   a tap of another unit holds that row too, so what is read of the others is what stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from apps.assignments import timeline
from apps.assignments.codes import ALERTING, DEATHS, NOT_HERE_YET
from apps.assignments.models import Alert, Assignment, AssignmentQuerySet, Fact, FactSource
from apps.assignments.timeline import Limits, Timeline, derive
from apps.changes import scopes
from apps.changes.services import lock_key
from apps.dispatch.models import Incident, IncidentLink, IncidentUnit

# The class of advisory locks of assignments that something may be early for.
_ARRIVAL_LOCK: Final = 7311

# What is derived or moved: compared with what was read, so that only a change is written.
STORED = (
    "incident_id", "revision_base", "unit_id", "former_units", "entry_kind", "state", "closing",
    "acknowledged_revision",
    "alarm_from", "alarm_level", "alarm_raised_at", "alarm_due_at", "closed_at", "leaves_at",
    "left_at", "flags", "check_in_level", "check_in_reached_at", "check_in_next_at",
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """What a fact's document showed when the record was read: published again where it differs."""

    scopes: frozenset[str]
    flags: tuple[str, ...]
    answer: object


@dataclass(frozen=True)
class IncidentRecord:
    """An incident with the units on it, and what CAD says of its relation to others. `records`: of
    all its assignments, as far as they were read or made."""

    incident: Incident
    units: Sequence[IncidentUnit]
    links: Sequence[IncidentLink]
    records: list[Record] = field(default_factory=list, repr=False, compare=False)


@dataclass(eq=False)
class Record:
    """One assignment (with unit and giver), its call, facts in the server's order, and alerts.

    `repeated`: the fact that somebody is about to add, if it is here already. `fresh`: there was no
    such assignment. `had_met`, `had_died`: contact had been made, somebody had died, as the facts
    told that were read. `waiting`: corrections of what is not among the facts: see `on_the_call`.
    """

    assignment: Assignment
    call: IncidentRecord
    facts: list[Fact] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    repeated: Fact | None = None
    waiting: list[Fact] = field(init=False, default_factory=list)
    _waits: set[UUID] = field(init=False)
    _moved_at: int = field(init=False)
    timeline: Timeline = field(init=False)
    stored: dict[str, Any] = field(init=False)
    shown: dict[UUID, Shown] = field(init=False)
    fresh: bool = field(init=False)
    had_met: bool = field(init=False)
    had_died: bool = field(init=False)

    def __post_init__(self) -> None:
        self.call.records.append(self)
        self.take(())
        self.derive()
        self.fresh = self.assignment._state.adding
        self.had_met = self.timeline.met
        self.had_died = self.died
        self.stored = {name: getattr(self.assignment, name) for name in STORED}
        self.stored["former_units"] = list(self.assignment.former_units)
        self.shown = {fact.id: self.show(fact) for fact in (*self.facts, *self.waiting)}

    @property
    def incident(self) -> Incident:
        return self.call.incident

    @property
    def call_revision(self) -> int:
        """The call's revision as this assignment counts it: also through merges it only grows."""
        return self.assignment.revision_base + self.incident.call_revision

    @property
    def is_open(self) -> bool:
        return self.timeline.closing is None

    @property
    def died(self) -> bool:
        """Whether it is closed with a disposition that says that somebody died."""
        closing = self.timeline.closing
        return closing is not None and closing.disposition in DEATHS

    def take(self, fresh: Iterable[Fact]) -> None:
        """Adds facts to those that are here. A correction that waited for one of them has it."""
        self.facts, self.waiting = on_the_call([*self.facts, *self.waiting, *fresh])
        self._waits = {fact.pk for fact in self.waiting}
        moved = (fact.order for fact in self.facts if fact.event == "reassigned")
        self._moved_at = max(moved, default=0)

    def derive(self) -> None:
        """Derives the timeline anew, from all facts."""
        self.timeline = self.with_further(())

    def with_further(self, facts: Iterable[Fact]) -> Timeline:
        """The timeline as it would be with these facts too, told after all that are here."""
        last = max((fact.order for fact in self.facts), default=0)
        return derive(
            [
                *(told(fact, fact.order) for fact in self.facts),
                *(told(fact, last + place) for place, fact in enumerate(facts, 1)),
            ],
            call_revision=self.call_revision,
            limits=limits(),
        )

    def changed(self) -> list[str]:
        """The stored columns that differ from what was read."""
        return [name for name in STORED if getattr(self.assignment, name) != self.stored[name]]

    def alert_of(self, fact: Fact) -> Alert | None:
        return next((alert for alert in self.alerts if alert.fact_id == fact.id), None)

    def flags_of(self, fact: Fact) -> tuple[str, ...]:
        """As `flags_of`."""
        found = flags_of(fact, self.timeline)
        return (*found, "target_missing") if fact.pk in self._waits else found

    def scopes(self) -> frozenset[str]:
        """Who sees the assignment: its unit until it has left the tablets, its team, the desk."""
        return assignment_scopes(self.assignment)

    def scopes_of(self, fact: Fact) -> frozenset[str]:
        """Who sees a fact of it."""
        if fact.pk in self._waits:
            return waiting_scopes(self.assignment, fact)
        return fact_scopes(self.assignment, fact, moved_at=self._moved_at)

    def show(self, fact: Fact) -> Shown:
        alert = self.alert_of(fact)
        answer = alert and (alert.acknowledged_at, alert.stopped_at)
        return Shown(self.scopes_of(fact), self.flags_of(fact), answer)


def flags_of(fact: Fact, timeline: Timeline) -> tuple[str, ...]:
    """The flags of its arrival, but that it came early, and those that the timeline gives."""
    arrived = [flag for flag in fact.flags if flag != NOT_HERE_YET]
    return tuple(dict.fromkeys([*arrived, *timeline.flags_of(fact.id)]))


def assignment_scopes(assignment: Assignment) -> frozenset[str]:
    """The scopes of an assignment's document."""
    unit = assignment.unit
    found = {scopes.agency()}
    if unit.team_id:
        found.add(scopes.team(unit.team_id))
    if assignment.left_at is None:
        found.add(scopes.unit(unit.pk))
    return frozenset(found)


def fact_scopes(assignment: Assignment, fact: Fact, *, moved_at: int) -> frozenset[str]:
    """The scopes of a fact: those of its assignment, and its author's where they need it.

    An author keeps what they told until the call has left the tablets or went to another unit
    (`moved_at`, the order of that fact): a late tap of the former unit is shown to who made it.
    A call for help stays with whoever called, so that they see who answered.
    """
    found = assignment_scopes(assignment)
    left = assignment.left_at is not None and fact.received_at <= assignment.left_at
    theirs = fact.order > moved_at or fact.event in ALERTING
    if fact.author_id and fact.source == FactSource.TABLET and theirs and not left:
        found |= {scopes.responder(fact.author_id)}
    return found


def waiting_scopes(assignment: Assignment, fact: Fact) -> frozenset[str]:
    """The scopes of a correction that waits: as private as the report may be that it corrects."""
    team = orphan_team(fact) or assignment.unit.team_id
    left = assignment.left_at is not None and fact.received_at <= assignment.left_at
    return private_scopes(fact, team, stays=not left)


def orphan_scopes(fact: Fact) -> frozenset[str]:
    """The scopes of a fact without an assignment, or whose assignment is not here yet."""
    found = {scopes.agency()}
    if fact.author_id:
        found.add(scopes.responder(fact.author_id))
    if team := orphan_team(fact):
        found.add(scopes.team(team))
    return frozenset(found)


def private_scopes(fact: Fact, team: UUID | None, *, stays: bool = True) -> frozenset[str]:
    """The scopes of what a responder tells of themselves: its author's, as long as it `stays` on
    tablets, and those of the supervisors of their team. Never the unit's, and never the agency's
    desk."""
    found = {scopes.team(team)} if team else set()
    if fact.author_id and fact.source == FactSource.TABLET and stays:
        found.add(scopes.responder(fact.author_id))
    return frozenset(found)


def orphan_team(fact: Fact) -> UUID | None:
    """The team of the unit that it speaks for, else of its author."""
    if fact.unit is not None and fact.unit.team_id:
        return fact.unit.team_id
    return fact.author.team_id if fact.author else None


def limits() -> Limits:
    """The timeline's limits as the settings have them. Real seconds: people tap, clocks drift."""
    return Limits(
        undo=timedelta(seconds=settings.MISTAP_SECONDS),
        clock=timedelta(seconds=settings.CLOCK_SUSPECT_SECONDS),
    )


def told(fact: Fact, order: int) -> timeline.Fact:
    """A stored fact as the timeline reads it."""
    return timeline.Fact(
        id=fact.id,
        assignment_id=fact.assignment_id,
        event=fact.event,
        device_time=fact.device_time,
        counter=fact.counter,
        device=fact.device,
        clock_offset_ms=fact.clock_offset_ms,
        clock_uncertainty_ms=fact.clock_uncertainty_ms,
        received_at=fact.received_at,
        order=order,
        author_id=fact.author_id,
        unit=fact.unit.call_sign if fact.unit else None,
        source=fact.source,
        data=fact.data if isinstance(fact.data, Mapping) else {},
    )


def lock_incident(incident_id: UUID) -> Incident:
    """The incident, its row locked against whoever gives or moves its assignments."""
    return Incident.objects.select_for_update(no_key=True).get(pk=incident_id)


def lock(assignment_id: UUID) -> Record | None:
    """The assignment's record, its row alone locked, for whoever tells nothing of it; None where
    there is no such assignment."""
    assignment = _rows().filter(pk=assignment_id).first()
    if assignment is None:
        return None
    call = incident_record(Incident.objects.get(pk=assignment.incident_id))
    return _with_others(assignment, call)


def lock_with_others(assignment_id: UUID, *, fact_id: UUID | None = None) -> Record | None:
    """The assignment's record, for whoever tells something of it: the incident's row is locked, and
    those of all its assignments. None where there is no such assignment.

    `fact_id`: a fact that somebody is about to add; the record's `repeated` if it is here already,
    whatever assignment it belongs to.
    """
    while (incident := _incidents_of([assignment_id]).first()) is not None:
        for record in of_incident(incident_record(incident), fact_id=fact_id):
            if record.assignment.pk == assignment_id:
                return record
        # It went to another incident while this one was waited for.
    return None


def lock_all(ids: Iterable[UUID]) -> None:
    """The incidents of these assignments and all that have them, each in the order of their ids."""
    incidents = list(_incidents_of(ids).order_by("pk").values_list("pk", flat=True))
    list(_rows().filter(incident__in=incidents).order_by("pk").values_list("pk"))


def lock_arrivals(ids: Iterable[UUID]) -> None:
    """Orders what comes to an assignment against the assignment's own coming: whoever is second
    sees what the first has committed. For what may be early, and for whoever makes or follows it.

    Whoever writes what is recorded on an assignment (an encounter, a note, a dose) shows the rest
    anew by reactions, each from another side: so all take this lock before the locks of documents.
    Only the incident's row and those of its assignments are locked before it.
    """
    with connection.cursor() as cursor:
        for key in sorted({lock_key(id) for id in ids}):
            cursor.execute("select pg_advisory_xact_lock(%s, %s)", [_ARRIVAL_LOCK, key])


def incident_record(incident: Incident) -> IncidentRecord:
    """The incident with its units and links."""
    units = IncidentUnit.objects.filter(incident=incident).select_related("unit")
    links = IncidentLink.objects.filter(incident=incident)
    return IncidentRecord(
        incident, list(units.order_by("agency", "call_sign")), list(links.order_by("at", "pk"))
    )


def of_incident(call: IncidentRecord, *, fact_id: UUID | None = None) -> list[Record]:
    """The records of all assignments of an incident whose row is held, their rows locked.
    `fact_id`: as in `lock_with_others`."""
    assignments = list(_rows().filter(incident=call.incident).order_by("pk"))
    return _records(assignments, call, fact_id=fact_id) if assignments else []


def on_the_call(facts: Iterable[Fact]) -> tuple[list[Fact], list[Fact]]:
    """The facts that are part of their calls, and the corrections that wait, both in the server's
    order. A correction waits for as long as what it corrects is not part of the same call.

    It may correct a report that is private and not here yet. Until it is known that it does not, it
    is shown to no more than those who would have the report, and it says nothing of the call.
    """
    ordered = sorted(facts, key=lambda fact: fact.order)
    corrections: dict[tuple[UUID | None, UUID | None], list[Fact]] = {}
    for fact in ordered:
        if fact.event == "corrected":
            target = timeline.read(fact.event, fact.data, "corrects")
            corrections.setdefault((fact.assignment_id, target), []).append(fact)
    found = [fact for fact in ordered if fact.event != "corrected"]
    for fact in found:  # it grows: a correction may be corrected
        found += corrections.pop((fact.assignment_id, fact.pk), [])
    known = {fact.pk for fact in found}
    waiting = [fact for fact in ordered if fact.pk not in known]
    return [fact for fact in ordered if fact.pk in known], waiting


def facts_of(assignment_ids: Iterable[UUID]) -> list[Fact]:
    """The facts of these assignments, in the server's order, with who told them."""
    return on_the_call(facts_at(assignment_ids))[0]


def facts_at(assignment_ids: Iterable[UUID], *, fact_id: UUID | None = None) -> list[Fact]:
    """The same with the corrections that wait; and the one with this id, whatever it is of."""
    rows = Fact.objects.of_calls(assignment_ids)
    if fact_id:
        rows = rows | Fact.objects.filter(pk=fact_id)
    return list(rows.select_related("author", "unit").order_by("order"))


def _rows() -> AssignmentQuerySet:
    return Assignment.objects.select_for_update(no_key=True)


def _incidents_of(ids: Iterable[UUID]) -> QuerySet[Incident]:
    """The incidents of these assignments, to be locked."""
    of = Assignment.objects.filter(pk__in=set(ids)).values("incident")
    return Incident.objects.select_for_update(no_key=True).filter(pk__in=of)


def _with_others(assignment: Assignment, call: IncidentRecord) -> Record:
    """The record of one, among those of its incident."""
    others = Assignment.objects.filter(incident=call.incident).exclude(pk=assignment.pk)
    return _records([assignment, *others.order_by("pk")], call)[0]


def _records(
    assignments: Sequence[Assignment], call: IncidentRecord, *, fact_id: UUID | None = None
) -> list[Record]:
    known = {unit.unit_id: unit.unit for unit in call.units}
    for assignment in assignments:
        if (unit := known.get(assignment.unit_id)) is not None:
            assignment.unit = unit  # one statement less: it is here already
    ids = [assignment.pk for assignment in assignments]
    facts = facts_at(ids, fact_id=fact_id)
    by_time = list(Alert.objects.of_calls(ids))
    return [
        Record(
            assignment,
            call,
            [fact for fact in facts if fact.assignment_id == assignment.pk],
            [alert for alert in by_time if alert.assignment_id == assignment.pk],
            next((fact for fact in facts if fact.pk == fact_id), None),
        )
        for assignment in assignments
    ]


def look_at(assignment: Assignment) -> Record:
    """The record as it is, without a lock: to be shown, not to be changed."""
    return _with_others(assignment, incident_record(assignment.incident))
