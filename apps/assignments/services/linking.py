"""What responders began is tied to CAD's event, whose number they are told later.

They type it with gloves on, often minutes after the 911 centre made the event. One digit further is
a stranger's call, with its address and its hazards. So a number that they may well mean is taken by
itself; another one waits for a desk, which confirms or refuses it.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import uuid5

from django.db import transaction

from apps.accounts.models import DESK_ROLES, User
from apps.accounts.services import user_actor
from apps.assignments import documents
from apps.assignments.models import Assignment
from apps.assignments.records import incident_record, lock, lock_incident, of_incident
from apps.assignments.services.merging import move
from apps.assignments.services.writing import publish_all, write
from apps.audit.services import Act, Actor, record_all
from apps.core.problems import CONFLICT, ProblemError
from apps.dispatch.models import Incident
from apps.dispatch.services import NotPlausible, link_to_cad, unlink_from_cad


@transaction.atomic
def link(
    *, assignment: Assignment, cad_number: str, by: User, now: datetime, actor: Actor | None = None
) -> Assignment:
    """Ties an assignment that responders started to the CAD's event. Repeating changes nothing.

    Where that event is an incident here already, the assignment moves to it. Where a responder can
    hardly mean that one, nothing of it is opened: the number waits in `link_number`, the last that
    was given. A desk's word is taken as it is.
    """
    row = Assignment.objects.select_related("incident").get(pk=assignment.pk)
    actor = actor or user_actor(by)
    sees = None if by.role in DESK_ROLES else partial(_sees, by)
    try:
        link_to_cad(incident=row.incident, cad_number=cad_number, sees=sees, by=actor, now=now)
    except NotPlausible as doubt:
        if _let_wait(row, cad_number.strip(), by=by, now=now):
            _write_down(actor, "ask_link", row, now, why=str(doubt))
    else:
        _let_wait(row, "", now=now)
        _write_down(actor, "link", row, now)
    return Assignment.objects.get(pk=row.pk)


@transaction.atomic
def confirm_link(*, assignment: Assignment, by: User, now: datetime) -> Assignment:
    """A desk says that the number that waits is the right one. CONFLICT where it waits no more.

    What becomes of the assignment is as with `link`.
    """
    row = Assignment.objects.select_related("incident").get(pk=assignment.pk)
    actor, number = user_actor(by), assignment.link_number
    if number:
        link_to_cad(incident=row.incident, cad_number=number, by=actor, now=now)
    _decide(row, number, now)
    _write_down(actor, "link", row, now)
    return Assignment.objects.get(pk=row.pk)


@transaction.atomic
def refuse_link(*, assignment: Assignment, by: User, now: datetime) -> Assignment:
    """A desk says that the number that waits is a wrong one: the call goes on without. CONFLICT
    where it waits no more."""
    _decide(assignment, assignment.link_number, now)
    _write_down(user_actor(by), "refuse_link", assignment, now)
    return Assignment.objects.get(pk=assignment.pk)


@transaction.atomic
def take_back_link(*, assignment: Assignment, by: User, now: datetime) -> Assignment:
    """A desk says that an assignment was tied to a wrong event: it goes on without a CAD number.

    The event shows its notes no more, and its unit is taken off it; a call of the event that was
    closed as its duplicate is back there, closed. Each keeps the cautions that were told of it;
    those that came to the event meanwhile may be about either and stay with both. What cannot be
    undone: whoever saw the event has seen it, and what CAD said of police on it stays among the
    facts. CONFLICT where nothing was linked, where CAD has told since of the number under which
    this began, or where another call was linked to it, which is to be taken back first.
    """
    own = Incident.objects.filter(pk=uuid5(assignment.pk, "incident")).first()
    if own is None:
        raise ProblemError(CONFLICT, "Responders did not begin it: its number is CAD's.")
    actor = user_actor(by)
    if own.pk != assignment.incident_id:
        _move_back(assignment, own, actor, now)
    unlink_from_cad(incident=own, by=actor, now=now)
    _write_down(actor, "unlink", assignment, now)
    return Assignment.objects.get(pk=assignment.pk)


def _move_back(assignment: Assignment, own: Incident, actor: Actor, now: datetime) -> None:
    """Back to the incident that it began with, before others act on what becomes of the two."""
    held = {pk: lock_incident(pk) for pk in sorted((own.pk, assignment.incident_id))}
    begun, event = (incident_record(held[pk]) for pk in (own.pk, assignment.incident_id))
    here = {record.assignment.pk: record for record in of_incident(event)}
    mine = here.get(assignment.pk)
    if mine is None or begun.incident.merged_into_id != event.incident.pk:
        raise ProblemError(CONFLICT, "The call was merged into another one just now.")
    unit = assignment.unit_id
    beside = [one for one in of_incident(begun) if one.assignment.unit_id == unit]
    to = {mine.assignment.pk: begun} | {one.assignment.pk: event for one in beside}
    move([mine, *beside], to)
    ids = [one.assignment.pk for one in (mine, *beside)]
    act = Act(actor, "move", "assignment", ids, {"into": str(own.pk)})
    write([mine, *beside], acts=[act], now=now)


def _decide(assignment: Assignment, number: str, now: datetime) -> None:
    """This number waits no more. CONFLICT where it does not wait.

    Two desks decide at once: the assignment's row lets one pass, and the second finds nothing that
    waits, or another number than the one that it was asked about. Where it was to be confirmed,
    that second link goes back with its transaction.
    """
    if not number or not _let_wait(assignment, "", instead_of=number, now=now):
        raise ProblemError(CONFLICT, "Another number waits, or somebody has decided it just now.")


def _let_wait(
    assignment: Assignment,
    number: str,
    *,
    now: datetime,
    by: User | None = None,
    instead_of: str | None = None,
) -> bool:
    """Lets a number wait, "" for none, and shows it on tablets and boards. False where it is so
    already, or another one waits than `instead_of`; then nothing is changed.

    The row is locked behind the incidents, as everywhere, so whoever links has linked before.
    """
    record = lock(assignment.pk)
    assert record is not None, "nobody deletes an assignment"
    row = record.assignment
    if row.link_number == number or instead_of not in (None, row.link_number):
        return False
    row.link_number, row.link_by, row.link_at = number, by, now if number else None
    row.save(update_fields=["link_number", "link_by", "link_at"])
    publish_all([documents.assignment(record, now=now)], now=now)
    return True


def _sees(user: User, incident: Incident) -> bool:
    return Incident.objects.visible_to(user).filter(pk=incident.pk).exists()


def _write_down(actor: Actor, action: str, row: Assignment, now: datetime, **detail: str) -> None:
    record_all([Act(actor, action, "assignment", [row.pk], detail)], now=now)
