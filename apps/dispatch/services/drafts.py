"""Incidents while a message is being worked into them: read under their locks, written at the end.

One message may touch several (a merge touches two). Each is a `Draft`; `write` stores them, audits
and publishes all of them together, in as few statements as there are tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from apps.accounts.models import Team
from apps.audit.services import Act, Actor, record_all
from apps.changes import scopes
from apps.changes.services import Document, Event, publish
from apps.dispatch.calls import Call, UnitOnCall, UnitStatus
from apps.dispatch.merging import Known, nothing_yet, placed
from apps.dispatch.models import (
    STARTED_BY_RESPONDER,
    Agency,
    EntryKind,
    Incident,
    IncidentLink,
    IncidentStatus,
    IncidentUnit,
    Source,
    Unit,
)
from apps.dispatch.services import rulebook
from apps.dispatch.stored import columns_of, details_of, known_of, withheld_in
from apps.dispatch.unitstates import SENT, UnitState, merge_unit

Key = tuple[str, str]  # agency id, CAD event number
COLLECTION = "incidents"
# Parts of `details` for merging the next message: they say nothing of the call.
_FOR_MERGING = ("told", "told_at", "sent_to")


# Each is given the call, with documents for all of the others: 2,000 of them in one message kept a
# thread and the incident's locks for minutes.
MOST_OF_OURS = 50


@dataclass
class Draft:
    """An incident, what is known of it, and the units on it. `events` are published by name;
    `opened`: a responder began it; `sent`: when CARE units were sent to it, as far as that is
    news."""

    incident: Incident
    known: Known
    units: dict[Key, IncidentUnit] = field(default_factory=dict)
    created: bool = False
    opened: bool = False
    visible: bool = False
    dirty: set[str] = field(default_factory=set)
    new_units: list[IncidentUnit] = field(default_factory=list)
    changed_units: dict[UUID, IncidentUnit] = field(default_factory=dict)
    units_changed: bool = False
    new_links: list[IncidentLink] = field(default_factory=list)
    gone_links: list[IncidentLink] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    sent: list[datetime] = field(default_factory=list)
    before: Call = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.known.call

    @property
    def merged(self) -> bool:
        return self.incident.status == IncidentStatus.MERGED

    @property
    def changed(self) -> bool:
        """Whether there is anything to tell others."""
        return bool(self.visible or self.units_changed or self.new_links or self.gone_links)

    def set(self, **columns: Any) -> None:
        """Sets columns of the incident; what is the same already is not written."""
        for name, value in columns.items():
            if self.created or getattr(self.incident, name) != value:
                setattr(self.incident, name, value)
                self.dirty.add(name)
                self.visible = True

    def know(self, known: Known) -> None:
        """Takes over what is known now. When something was told last is stored, not shown."""
        self.known = known
        columns = columns_of(known)
        self.set(**columns)
        old = {} if self.created else self.incident.details
        new = details_of(known, old.get("revisions", ()))
        if new != old:
            self.incident.details = new
            self.dirty.add("details")
            shown = [
                {name: part for name, part in one.items() if name not in _FOR_MERGING}
                for one in (old, new)
            ]
            self.visible |= shown[0] != shown[1]
        self.set(withheld_count=withheld_in(new, columns))

    def revise(self, changed: Sequence[str], *, now: datetime) -> None:
        """A material update: the crew must acknowledge the call anew."""
        if self.created or not changed:
            return
        self.set(call_revision=self.incident.call_revision + 1)
        revision = {
            "revision": self.incident.call_revision,
            "at": _iso(now),
            "changed": list(changed),
        }
        details = self.incident.details
        self.incident.details = {**details, "revisions": [*details["revisions"], revision]}
        self.dirty.add("details")

    def is_full_for(self, unit: Unit) -> bool:
        """Whether a CARE unit is one too many. Others do no work here, and are never too many."""
        ours = sum(row.agency == Agency.CARE for row in self.units.values())
        return (
            unit.agency == Agency.CARE
            and ours >= MOST_OF_OURS
            and (unit.agency, unit.call_sign) not in self.units
        )

    def put(self, unit: Unit, told: UnitOnCall, *, at: datetime, source: Source) -> bool:
        """Takes in what is told of a unit. False where a unit that is only queued is left out."""
        key = (unit.agency, unit.call_sign)
        row = self.units.get(key)
        if row is None:
            if not told.active:
                return False
            row = self.attach(unit, source=source, at=at)
        before = state_of(row)
        after = merge_unit(before, told, at=at)
        if after != before:
            self.set_unit(row, after)
        if unit.agency == Agency.CARE and after.detached_at is None:
            news = after.times.items() - before.times.items()
            self.sent += [time for status, time in news if status in SENT]
        return True

    def inherit(self, row: IncidentUnit, *, at: datetime) -> None:
        """A unit that comes from an incident that was merged into this one.

        One that is here already keeps what is known of it and adds what was told of it there. Taken
        off here, it comes back where it was sent there later.
        """
        here = self.units.get((row.agency, row.call_sign))
        if here is not None:
            before, there = state_of(here), state_of(row)
            told = sorted(there.times.items(), key=lambda item: item[1])
            statuses = tuple(UnitStatus(status=status, at=time) for status, time in told)
            last = max(there.times.values(), default=row.attached_at)
            after = merge_unit(before, UnitOnCall(statuses=statuses), at=last)
            if after.detached_at and last > after.detached_at:
                after = replace(after, detached_at=None)
            if after != before:
                self.set_unit(here, after)
            return
        copy = IncidentUnit(
            incident=self.incident,
            unit=row.unit,
            call_sign=row.call_sign,
            agency=row.agency,
            source=row.source,
            status=row.status,
            times=row.times,
            told_at=row.told_at,
            attached_at=at,
        )
        self._add(copy)

    def attach(self, unit: Unit, *, source: Source, at: datetime) -> IncidentUnit:
        """A unit on the incident of which nothing more is known; back on it if it had left."""
        row = self.units.get((unit.agency, unit.call_sign))
        if row is None:
            row = IncidentUnit(
                incident=self.incident,
                unit=unit,
                call_sign=unit.call_sign,
                agency=unit.agency,
                source=source,
                attached_at=at,
            )
            self._add(row)
        elif row.detached_at is not None:
            self.set_unit(row, replace(state_of(row), detached_at=None))
        return row

    def set_unit(self, row: IncidentUnit, state: UnitState) -> None:
        """Writes a unit's state into its row. When it was told last is stored, not shown."""
        shown = (row.status, row.times, row.detached_at)
        row.status = state.status[:40]
        row.times = {name: _iso(time) for name, time in state.times.items()}
        row.told_at = state.told_at
        row.detached_at = state.detached_at
        if row not in self.new_units:
            self.changed_units[row.pk] = row
        self.units_changed |= shown != (row.status, row.times, row.detached_at)

    def _add(self, row: IncidentUnit) -> None:
        self.units[(row.agency, row.call_sign)] = row
        self.new_units.append(row)
        self.units_changed = True

    def transition(self, status: IncidentStatus, *, at: datetime) -> None:
        """Moves to another status, with its event. To the present one: nothing."""
        if status == self.incident.status and not self.created:
            return
        was = self.incident.status
        self.set(status=status, closed_at=None if status == IncidentStatus.ACTIVE else at)
        if status != IncidentStatus.MERGED:
            self.set(merged_into=None)
        if status != was:
            self.events.append(_EVENTS[status])

    def settle(self, *, now: datetime) -> None:
        """Derives what depends on the rest: kind of entry, evaluation, how often the crew checks
        in, the time of change."""
        incident = self.incident
        if not self.changed:
            return
        if incident.entry_kind not in STARTED_BY_RESPONDER:
            self.set(entry_kind=entry_kind(self.known.call, self.units.values()))
        if incident.cad_number is not None and not self.merged:
            self._evaluate()
            minutes = rulebook.current().check_in_minutes(
                incident.final_call_type, incident.initial_call_type
            )
            self.set(check_in_minutes=minutes)
        incident.updated_at = now
        self.dirty.add("updated_at")

    def _evaluate(self) -> None:
        """What the rules say of the call as it was known while it could be given.

        It is judged anew with every change until a CARE unit is sent or the call ends; one that
        opens again without a unit of ours is judged again. What becomes known later stands beside
        it, under `now`. So a dispatch is not made wrong by what the crew found, nor a call that
        nobody was sent to made right by how it was closed. What a responder began was given by
        nobody, and is judged by all that is known.
        """
        incident, book = self.incident, rulebook.current()
        told = book.evaluate(placed(self.known), incident.occurred_at)
        sent = [row for row in self.units.values() if row.agency == Agency.CARE]
        sent_before = [row for row in sent if row not in self.new_units]
        ended = incident.status != IncidentStatus.ACTIVE
        if incident.entry_kind in STARTED_BY_RESPONDER or not (sent or ended):
            stands = told.as_json()
        elif incident.evaluation and not self.created and (sent_before or ended):
            stands = {name: part for name, part in incident.evaluation.items() if name != "now"}
        else:
            stands = book.evaluate(self._without_end(), incident.occurred_at).as_json()
        if told.verdict != stands["verdict"]:
            stands["now"] = {"verdict": told.verdict, "text": told.text}
        self.set(verdict=stands["verdict"], evaluation=stands)

    def _without_end(self) -> Call:
        """The call without a final type that came with the very message by which a unit was sent or
        the call ended: dispatch knew the initial one."""
        call, before = placed(self.known), self.before
        if not call.initial_call_type or call.final_call_type == before.final_call_type:
            return call
        known = replace(
            call, final_call_type=before.final_call_type, common_type=before.common_type
        )
        return rulebook.current().classified(known)

    def event_names(self) -> list[str]:
        """In the order in which others should hear of it. An end alone is no update beside it."""
        if self.created:
            return ["incident.opened" if self.opened else "incident.received", *self.events]
        more = not self.events or self.units_changed or "call_revision" in self.dirty
        return [*(["incident.updated"] if more else []), *self.events]

    def scopes(self, every_team: Sequence[UUID]) -> frozenset[str]:
        """Who may see it: the desk, the teams of its CARE units (all teams where there are none),
        and the crews of the CARE units that are on it."""
        ours = [row for row in self.units.values() if row.agency == Agency.CARE and row.unit]
        teams = {row.unit.team_id for row in ours if row.unit and row.unit.team_id}
        on_it = {row.unit_id for row in ours if row.detached_at is None and row.unit_id}
        return frozenset(
            {scopes.agency()}
            | {scopes.team(team) for team in teams or every_team}
            | {scopes.unit(unit) for unit in on_it}
        )


_EVENTS = {
    IncidentStatus.ACTIVE: "incident.reopened",
    IncidentStatus.CANCELLED: "incident.cancelled",
    IncidentStatus.CLOSED: "incident.closed",
    IncidentStatus.MERGED: "incident.merged",
}


def lock(where: Q) -> list[Draft]:
    """Existing incidents with their units, locked in one order."""
    incidents = list(Incident.objects.select_for_update(no_key=True).filter(where).order_by("pk"))
    if not incidents:
        return []
    drafts = {row.pk: Draft(incident=row, known=known_of(row)) for row in incidents}
    # A statement of its own: what was committed while this one waited for the lock is seen.
    for row in IncidentUnit.objects.filter(incident__in=drafts).select_related("unit"):
        drafts[row.incident_id].units[(row.agency, row.call_sign)] = row
    return list(drafts.values())


def begin(call: Call, *, now: datetime) -> Draft:
    """A new incident of which only the number is known."""
    incident = Incident(
        agency_id=call.agency_id,
        cad_number=call.cad_number,
        entry_kind=EntryKind.DUAL_911,
        occurred_at=call.received_at or call.updated_at or now,
        received_at=now,
    )
    return Draft(incident=incident, known=nothing_yet(call), created=True)


def write(drafts: Sequence[Draft], *, by: Actor, now: datetime) -> bool:
    """Stores, audits and publishes what changed. False where nothing did."""
    for draft in drafts:
        draft.settle(now=now)
    Incident.objects.bulk_create([d.incident for d in drafts if d.created])
    for draft in drafts:
        if draft.dirty and not draft.created:
            draft.incident.save(update_fields=sorted(draft.dirty))
    IncidentUnit.objects.bulk_create([row for d in drafts for row in d.new_units])
    changed = [row for draft in drafts for row in draft.changed_units.values()]
    if changed:
        IncidentUnit.objects.bulk_update(changed, ["status", "times", "told_at", "detached_at"])
    IncidentLink.objects.bulk_create([row for d in drafts for row in d.new_links])
    if gone := [row.pk for draft in drafts for row in draft.gone_links]:
        IncidentLink.objects.filter(pk__in=gone).delete()
    told = [draft for draft in drafts if draft.changed]
    if told:
        announce(told, by=by, now=now)
    return bool(told)


def announce(drafts: Sequence[Draft], *, by: Actor, now: datetime) -> None:
    """Audit and publication of drafts that are stored. Merged ones are told of first, so that what
    was theirs has moved before others act on where it went."""
    acts = [
        Act(by, "create" if draft.created else "update", "incident", [draft.incident.pk])
        for draft in drafts
    ]
    record_all(acts, now=now)
    moved = [d for d in drafts if d.created or d.units_changed]
    documents = [
        Document(COLLECTION, draft.incident.pk, draft.scopes(teams))
        for draft in moved
        for teams in [_every_team() if _without_ours(draft) else ()]
    ]
    ordered = sorted(drafts, key=lambda draft: not draft.merged)
    events = [Event(name, draft.incident.pk) for draft in ordered for name in draft.event_names()]
    publish(documents=documents, events=events, now=now)


def entry_kind(call: Call, units: Iterable[IncidentUnit]) -> EntryKind:
    """How CARE comes to a call of CAD: on request, alone, or with police or fire."""
    if call.requested_by:
        return EntryKind.REQUEST_SPD if call.requested_by == "spd" else EntryKind.REQUEST_SFD
    agencies = {row.agency for row in units}
    if Agency.CARE in agencies and not agencies & {Agency.SPD, Agency.SFD}:
        return EntryKind.SOLO_911
    return EntryKind.DUAL_911


def state_of(row: IncidentUnit) -> UnitState:
    """A unit's row as a value, to merge into."""
    times = {name: datetime.fromisoformat(time) for name, time in row.times.items()}
    return UnitState(
        status=row.status, times=times, told_at=row.told_at, detached_at=row.detached_at
    )


def _without_ours(draft: Draft) -> bool:
    return not any(
        row.unit and row.agency == Agency.CARE and row.unit.team_id for row in draft.units.values()
    )


def _every_team() -> list[UUID]:
    return list(Team.objects.values_list("pk", flat=True))


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
