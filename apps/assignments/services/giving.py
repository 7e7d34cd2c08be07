"""Who goes: assign, reassign, cancel. CAD, a desk or a responder decides, never a rule."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import Role, User
from apps.accounts.services import user_actor
from apps.assignments.models import Assignment, Fact, FactSource
from apps.assignments.records import (
    Record,
    incident_record,
    lock_incident,
    lock_with_others,
    of_incident,
)
from apps.assignments.services.following import given_fact
from apps.assignments.services.writing import write
from apps.audit.services import Act, Actor
from apps.core.ids import uuid7
from apps.core.problems import CONFLICT, INVALID, FieldError, ProblemError
from apps.dispatch.models import Agency, Incident, IncidentStatus, Source, Unit
from apps.dispatch.services import attach_unit, detach_unit

# What an override overrides. The rules explain; whoever decides otherwise says why.
_NEEDS_REASON = frozenset({"not_eligible", "not_determined"})


@transaction.atomic
def assign(
    *,
    incident: Incident,
    unit: Unit,
    source: Source,
    by: User,
    reason: str = "",
    now: datetime,
    actor: Actor | None = None,
) -> Assignment:
    """Gives an incident to a CARE unit, in the name of a desk or of a responder (`source`).

    Against the rules' verdict it takes a reason (INVALID at /reason). A unit that has the call
    keeps it: repeating changes nothing. One whose assignment was closed gets it reopened. CONFLICT
    for an incident that is over.
    """
    _must_be_ours(unit)
    incident = lock_incident(incident.pk)
    if incident.status != IncidentStatus.ACTIVE:
        raise ProblemError(CONFLICT, f"The incident is {incident.get_status_display()}.")
    call = incident_record(incident)
    known = {record.assignment.unit_id: record for record in of_incident(call)}
    record = known.get(unit.pk)
    if record is not None and record.is_open:
        return record.assignment
    against_rules = incident.verdict_now in _NEEDS_REASON
    if against_rules and not reason.strip():
        error = FieldError("/reason", "Say why: the dispatch rules do not provide for this call.")
        raise ProblemError(INVALID, errors=[error])
    told_by = FactSource.DESK if source == Source.DESK else FactSource.SYSTEM
    if record is None:
        row = Assignment(
            id=uuid7(),
            incident=incident,
            unit=unit,
            entry_kind=incident.entry_kind,
            source=source,
            given_by=by,
            given_at=now,
            override_reason=reason.strip() if against_rules else None,
        )
        record = Record(row, call)
        fact = given_fact(record, source=told_by, author=by, at=None, now=now)
        if reason.strip():
            fact.data["note"] = reason.strip()
    else:
        fact = _fact(record, "reopened", {"reason": reason}, by=by, source=told_by, now=now)
        if against_rules:
            _override_again(record.assignment, reason, by)
    actor = actor or user_actor(by)
    act = _act(actor, "assign", record, override=against_rules)
    write([record], facts=[fact], acts=[act], now=now)
    attach_unit(incident=incident, unit=unit, source=source, by=actor, now=now)
    return record.assignment


@transaction.atomic
def reassign(
    *, assignment: Assignment, to: Unit, by: User, reason: str = "", now: datetime
) -> Assignment:
    """Gives the call to another CARE unit, with its whole history.

    The former unit's tablets lose it, facts and all; the new unit must acknowledge it. To the unit
    that has it already it changes nothing. CONFLICT for a closed one (a declined one may be given
    on), and where the other unit has an assignment of this incident itself.
    """
    _must_be_ours(to)
    record = _locked(assignment)
    row, former = record.assignment, record.assignment.unit
    if former.pk == to.pk:
        return row
    if not record.is_open and row.closing != "declined":
        raise ProblemError(CONFLICT, "The assignment is closed. Assign the unit to the incident.")
    if Assignment.objects.filter(incident=row.incident_id, unit=to).exists():
        raise ProblemError(CONFLICT, f"{to} has this incident already, or had it.")
    row.former_units = [unit for unit in row.former_units if unit != to.pk] + [former.pk]
    row.unit = to
    data = {"from_unit": former.call_sign, "reason": reason}
    fact = _fact(record, "reassigned", data, by=by, source=FactSource.DESK, now=now)
    actor = user_actor(by)
    act = _act(actor, "reassign", record, former=str(former.pk))
    write([record], facts=[fact], acts=[act], now=now)
    # The former unit first: an attached unit that CAD sent would be given the call anew.
    detach_unit(incident=record.incident, unit=former, by=actor, now=now)
    attach_unit(incident=record.incident, unit=to, source=Source.DESK, by=actor, now=now)
    return row


@transaction.atomic
def cancel(*, assignment: Assignment, by: User, reason: str, now: datetime) -> Assignment:
    """Calls the unit off. Repeating changes nothing.

    CONFLICT once contact was made: then the responders clear it, with a disposition.
    """
    if not reason.strip():
        raise ProblemError(INVALID, errors=[FieldError("/reason", "Say why.")])
    record = _locked(assignment)
    if not record.is_open:
        return record.assignment
    data = {"by": "dispatch" if by.role == Role.DISPATCHER else "care", "note": reason.strip()}
    fact = _fact(record, "cancelled", data, by=by, source=FactSource.DESK, now=now)
    if record.with_further([fact]).closing is None:
        raise ProblemError(CONFLICT, "Contact was made: the responders clear it.")
    actor = user_actor(by)
    write([record], facts=[fact], acts=[_act(actor, "cancel", record)], now=now)
    detach_unit(incident=record.incident, unit=record.assignment.unit, by=actor, now=now)
    return record.assignment


@transaction.atomic
def acknowledge_for_unit(
    *, assignment: Assignment, by: User, reason: str, now: datetime
) -> Assignment:
    """A desk says that a unit has the call as it stands: the unit told it by radio, not on its
    tablet. The alarm stops, and what it raised. Where none is awaited it changes nothing."""
    if not reason.strip():
        raise ProblemError(INVALID, errors=[FieldError("/reason", "Say how the unit told it.")])
    record = _locked(assignment)
    if record.assignment.alarm_from is None:
        return record.assignment
    data = {"note": reason.strip()}
    fact = _fact(record, "acknowledged", data, by=by, source=FactSource.DESK, now=now)
    act = _act(user_actor(by), "acknowledge", record)
    write([record], facts=[fact], acts=[act], now=now)
    return record.assignment


def _locked(assignment: Assignment) -> Record:
    """The record, with all of its incident. CONFLICT if it has just moved."""
    record = lock_with_others(assignment.pk)
    assert record is not None, "assignments are never deleted"
    if record.incident.pk != assignment.incident_id:
        raise ProblemError(CONFLICT, "The call was merged into another one just now.")
    return record


def _must_be_ours(unit: Unit) -> None:
    if unit.agency != Agency.CARE or not unit.in_service:
        error = FieldError("/unit", "Not a CARE unit in service.")
        raise ProblemError(INVALID, errors=[error])


def _override_again(row: Assignment, reason: str, by: User) -> None:
    row.override_reason, row.given_by = reason.strip(), by
    row.save(update_fields=["override_reason", "given_by"])


def _fact(
    record: Record, event: str, data: dict[str, str], *, by: User, source: str, now: datetime
) -> Fact:
    """A fact that a person at a desk states now."""
    return Fact(
        id=uuid7(),
        assignment_id=record.assignment.pk,
        event=event,
        received_at=now,
        author=by,
        unit=record.assignment.unit,
        source=source,
        data={**data, "call_revision": record.call_revision},
    )


def _act(actor: Actor, action: str, record: Record, **detail: object) -> Act:
    known = {"incident": str(record.incident.pk), "unit": str(record.assignment.unit_id)}
    return Act(actor, action, "assignment", [record.assignment.pk], {**known, **detail})
