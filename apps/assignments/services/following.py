"""What an incident's change means for its assignments. CAD decides; its word becomes facts.

Everything here is a function of the incident as it stands, never of the message that came: a
message that is repeated, late or lost changes nothing that the next one does not put right. The
facts' ids are derived from what they say, so that what was told once is not told again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from apps.assignments import codes
from apps.assignments.models import Assignment, Fact, FactSource, State
from apps.assignments.records import Record, incident_record, lock_incident, of_incident
from apps.assignments.services.cadfacts import CAD, cad_fact, derived_id
from apps.assignments.services.merging import follow_merge
from apps.assignments.services.writing import write
from apps.audit.services import Act
from apps.core.ids import uuid7
from apps.dispatch.models import (
    STARTED_BY_RESPONDER,
    Agency,
    Incident,
    IncidentStatus,
    IncidentUnit,
    Source,
)
from apps.dispatch.unitstates import MOVES, PLACES, SENT

# Nobody stands at the place yet: CAD's closing ends the assignment.
_NOT_THERE: Final = frozenset(
    {State.ASSIGNED, State.RECEIVED, State.ACKNOWLEDGED, State.EN_ROUTE, State.STAGED}
)


@transaction.atomic(savepoint=False)
def follow_incident(*, incident_id: UUID, now: datetime) -> None:
    """Brings the assignments of an incident to what it says now.

    Each CARE unit that CAD put on it gets it; a unit that CAD took off, or all units of a cancelled
    incident, lose it; a merged incident's assignments go to the surviving one. Documents are
    published again whatever changed.
    """
    incident = lock_incident(incident_id)
    if incident.status == IncidentStatus.MERGED:
        if (survivor := follow_merge(incident, now=now)) is not None:
            follow_incident(incident_id=survivor.pk, now=now)
        return
    call = incident_record(incident)
    records = of_incident(call)
    records += [
        Record(_assignment(unit, incident, now), call)
        for unit in call.units
        if _sent_by_cad(unit) and not _have(records, unit)
    ]
    if not records:
        return
    for record in records:
        _follow_kind(record)
    former = {unit for record in records for unit in record.assignment.former_units}
    facts = [
        fact
        for record in records
        for fact in _news(record, now, sent_again=record.assignment.unit_id in former)
    ]
    acts = [
        Act(
            CAD,
            "create" if record.assignment._state.adding else "update",
            "assignment",
            [record.assignment.pk],
            {"incident": str(incident.pk), "unit": str(record.assignment.unit_id)},
        )
        for record in records
    ]
    write(records, facts=facts, acts=acts, now=now)


def given_fact(
    record: Record, *, source: str, author: Any, at: datetime | None, now: datetime
) -> Fact:
    """The first fact of an assignment that nobody started on a tablet."""
    return Fact(
        id=derived_id(record.assignment, "assigned"),
        assignment_id=record.assignment.pk,
        event="assigned",
        device_time=at,
        received_at=now,
        author=author,
        unit=record.assignment.unit,
        source=source,
        data={
            "entry": record.assignment.entry_kind,
            "call_revision": record.call_revision,
        },
    )


def _sent_by_cad(unit: IncidentUnit) -> bool:
    """Whether CAD itself put this CARE unit on the incident. Nobody else's word is taken here:
    a desk and a responder say it through their own verbs. A unit that has left with a trace of
    having been sent counts: a call that is told when it is over leaves a record too."""
    ours = unit.unit is not None and unit.agency == Agency.CARE and unit.source == Source.CAD
    return ours and (unit.detached_at is None or bool(unit.times))


def _have(records: Sequence[Record], unit: IncidentUnit) -> bool:
    """Whether the unit has the call, or had it before the desk gave it to another one."""
    return any(
        record.assignment.unit_id == unit.unit_id
        or (unit.detached_at is not None and unit.unit_id in record.assignment.former_units)
        for record in records
    )


def _assignment(unit: IncidentUnit, incident: Incident, now: datetime) -> Assignment:
    return Assignment(
        id=uuid7(),
        incident=incident,
        unit=unit.unit,
        entry_kind=incident.entry_kind,
        source=Source.CAD,
        given_at=now,
    )


def _follow_kind(record: Record) -> None:
    """How the crew comes to the call, as far as it is known when they get there: CAD names the
    units of a dual dispatch one after the other. Whoever is called to help them later changes
    nothing of it."""
    row, kind = record.assignment, record.incident.entry_kind
    begun = {row.entry_kind, kind} & STARTED_BY_RESPONDER
    if not begun and record.timeline.state in _NOT_THERE:
        row.entry_kind = kind


def _news(record: Record, now: datetime, *, sent_again: bool) -> list[Fact]:
    """What CAD says that no fact says yet, in the order in which it counts.

    `sent_again`: a desk had given the unit's call to another one. What CAD said of the unit before
    it sent it once more belongs to that call, and would put it on its way before it knows of this.
    """
    own = _own_unit(record) if sent_again else None
    since = max(_sent_at(own), default=None) if own else None
    known = {fact.pk for fact in record.facts}
    found: list[Fact] = []
    for told in (_given, _reopened, _statuses, _ended):
        for fact in told(record, found, now):
            own_word = told is _statuses and fact.event != "cad_status"
            if own_word and since and fact.device_time and fact.device_time < since:
                continue
            if fact.pk not in known:
                known.add(fact.pk)
                found.append(fact)
    return found


def _given(record: Record, _: Sequence[Fact], now: datetime) -> Iterator[Fact]:
    if not record.assignment._state.adding:
        return
    own = _own_unit(record)
    at = next(iter(_sent_at(own)), None) if own else None
    source = FactSource.CAD if at else FactSource.SYSTEM
    yield given_fact(record, source=source, author=None, at=at, now=now)


def _reopened(record: Record, _: Sequence[Fact], now: datetime) -> Iterator[Fact]:
    """What CAD had ended is no longer so (the incident is active again, the unit is back on it), or
    CAD sent the unit once more after it was closed by others."""
    closing, own = record.timeline.closing, _own_unit(record)
    if closing is None or own is None or own.detached_at is not None:
        return
    if record.incident.status != IncidentStatus.ACTIVE:
        return
    if (
        closing.source == FactSource.CAD
        or max(_sent_at(own), default=closing.received_at) > closing.received_at
    ):
        yield cad_fact(
            record,
            "reopened",
            {"call_revision": record.call_revision},
            now,
            id=derived_id(record.assignment, "reopened", closing.fact),
            at=_begun_again(record, own, closing.fact),
        )


def _begun_again(record: Record, own: IncidentUnit, closed_by: UUID) -> datetime | None:
    """When CAD began it again, by its own word since the end: sent the unit, or opened the incident
    again. From then on the crew's times are measured."""
    end = next(fact for fact in record.facts if fact.pk == closed_by)
    ended_at = (end.device_time if end.source == FactSource.CAD else None) or end.received_at
    opened_at = _instant(record.incident.details.get("told", {}).get("status"))
    since = [at for at in (*_sent_at(own), opened_at) if at and at > ended_at]
    return min(since, default=None)


def _statuses(record: Record, _: Sequence[Fact], now: datetime) -> Iterator[Fact]:
    """Statuses of the units on the incident, each with its instant, as facts."""
    for unit in record.call.units:
        for told_at, told in _tellings(unit):
            event, data = _meaning(record, unit, told)
            if event in codes.CLOSINGS and unit.detached_at is None:
                continue  # the unit has come back from there since
            if event:
                word = data.get("status", event)
                yield cad_fact(
                    record,
                    event,
                    data,
                    now,
                    id=derived_id(
                        record.assignment, unit.agency, unit.call_sign, word, told_at or ""
                    ),
                    at=_instant(told_at) if told_at else None,
                )


def _tellings(unit: IncidentUnit) -> Iterator[tuple[str | None, list[str]]]:
    """What CAD told of a unit, oldest first: each status alone, but a movement with the place that
    was told in the same instant. A unit on its way to the hospital is not there."""
    times: dict[str, str | None] = dict(unit.times)
    if unit.status and unit.status not in times:
        times[unit.status] = None
    together: dict[str | None, list[str]] = {}
    for status, told_at in times.items():
        together.setdefault(told_at, []).append(status)
    for told_at, told in sorted(together.items(), key=lambda item: item[0] or "~"):
        moves = [status for status in told if status in MOVES]
        places = [status for status in told if status in PLACES] if moves else []
        one = {*moves, *places} if places else set()
        if one:
            yield told_at, [*moves, *places]
        yield from ((told_at, [status]) for status in told if status not in one)


def _meaning(record: Record, unit: IncidentUnit, told: list[str]) -> tuple[str, dict[str, Any]]:
    """The event that statuses of a unit are to this assignment, "" for none, and its data."""
    if unit.unit_id is not None and unit.unit_id == record.assignment.unit_id:
        return codes.own_unit_event(told) or "", {"eido": told}
    meant = codes.unit_status(told)
    if meant is None or unit.agency not in (Agency.SPD, Agency.SFD):
        return "", {}
    return "cad_status", {
        "agency": unit.agency,
        "unit": unit.call_sign,
        "status": meant,
        "eido": told,
    }


def _ended(record: Record, before: Sequence[Fact], now: datetime) -> Iterator[Fact]:
    """The incident is cancelled or closed, or CAD took the unit off it.

    Where somebody of ours is at the place already, CAD's closing ends nothing: they clear. Nor does
    the end of an incident end what responders began themselves: the event that it was linked to may
    have been over when they were, and nobody sent them.
    """
    timeline = record.with_further(before)
    if timeline.closing is not None:
        return
    incident, own = record.incident, _own_unit(record)
    if own is not None and own.detached_at is not None:
        why, ended_at = "unit", own.detached_at
    elif record.assignment.entry_kind in STARTED_BY_RESPONDER:
        return
    elif incident.status == IncidentStatus.CANCELLED or (
        incident.status == IncidentStatus.CLOSED and timeline.state in _NOT_THERE
    ):
        why, ended_at = "incident", incident.closed_at or incident.updated_at
    else:
        return
    # The same end is told once, a later one again.
    once = ended_at.astimezone(UTC).isoformat()
    yield cad_fact(
        record,
        "cancelled",
        {"by": "dispatch", "why": why},
        now,
        id=derived_id(record.assignment, "cancelled", why, once),
        at=ended_at,
    )


def _own_unit(record: Record) -> IncidentUnit | None:
    wanted = record.assignment.unit_id
    return next((unit for unit in record.call.units if unit.unit_id == wanted), None)


def _sent_at(unit: IncidentUnit) -> list[datetime]:
    """When CAD sent the unit, by the best of its statuses first."""
    return [at for name in SENT if (at := _instant(unit.times.get(name)))]


def _instant(text: str | None) -> datetime | None:
    """A time that CAD gave, None where it cannot be read or has no zone."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
