"""Shifts and crews: who works on which unit, and so who holds its calls.

A crew member is granted the unit's scope for as long as they are on it. Every verb locks shift,
unit and the people concerned, in this order, before it looks at who is where: so nobody ends on two
units. Grants are changed in the order that `apps.changes.services.grant` asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Role, Team, User
from apps.audit.services import Actor, record
from apps.changes import scopes
from apps.changes.services import Event, grant, lock_key, publish, revoke
from apps.core.problems import CONFLICT, INVALID, FieldError, ProblemError
from apps.dispatch.desk import unit_documents
from apps.dispatch.models import Agency, CrewMember, Shift, Unit

_CREWS = frozenset({Role.RESPONDER.value, Role.SUPERVISOR.value})


@transaction.atomic
def start_shift(
    *, team: Team, starts_at: datetime, ends_at: datetime, by: Actor, now: datetime
) -> Shift:
    """A turn of duty of a team, from `starts_at` to `ends_at`."""
    if ends_at <= starts_at or ends_at <= now:
        error = FieldError("/ends_at", "Must lie after the start, and in the future.")
        raise ProblemError(INVALID, errors=[error])
    shift = Shift.objects.create(team=team, starts_at=starts_at, ends_at=ends_at)
    _audit(by, "create", "shift", [shift.pk], now)
    return shift


@transaction.atomic
def end_shift(*, shift: Shift, by: Actor, now: datetime) -> list[Unit]:
    """Everyone of the shift leaves their unit. Returns the CARE units that nobody is on any more.

    To pass a unit's calls on, hand it over first. Repeating it changes nothing.
    """
    shift = _locked_shift(shift.pk)
    members = list(CrewMember.objects.on_duty().filter(shift=shift).select_related("unit"))
    _lock_people(member.user_id for member in members)
    members = list(CrewMember.objects.on_duty().filter(shift=shift).select_related("unit"))
    if shift.ends_at > now:
        if shift.starts_at >= now:
            raise ProblemError(CONFLICT, "This shift has not begun.")
        shift.ends_at = now
        shift.save(update_fields=["ends_at"])
    elif not members:
        return []  # it is over, and nobody is left of it
    _move({member.user_id: None for member in members}, shift, by, now)
    _audit(by, "end", "shift", [shift.pk], now)
    left = {member.unit_id: member.unit for member in members}
    crewed = CrewMember.objects.on_duty().filter(unit__in=left)
    for unit_id in crewed.values_list("unit_id", flat=True):
        left.pop(unit_id, None)
    return sorted(left.values(), key=lambda unit: unit.call_sign)


@transaction.atomic
def extend_shift(*, shift: Shift, ends_at: datetime, by: Actor, now: datetime) -> Shift:
    """A shift goes on longer, or ends sooner than was planned. Repeating it changes nothing.

    CONFLICT for one that is over: whoever works on starts another. INVALID at /ends_at.
    """
    shift = _locked_shift(shift.pk)
    if shift.ends_at <= now:
        raise ProblemError(CONFLICT, "This shift is over. Start another one.")
    if ends_at <= max(shift.starts_at, now):
        error = FieldError("/ends_at", "Must lie after the start, and in the future.")
        raise ProblemError(INVALID, errors=[error])
    if shift.ends_at != ends_at:
        shift.ends_at = ends_at
        shift.save(update_fields=["ends_at"])
        _audit(by, "extend", "shift", [shift.pk], now)
    return shift


@transaction.atomic
def join_crew(
    *, user: User, unit: Unit, shift: Shift, position: int = 1, by: Actor, now: datetime
) -> CrewMember:
    """Puts a person on a unit, off any other one. `position` 1 is alarmed first."""
    shift = _locked_shift(shift.pk)
    _lock_unit(unit)
    _check(unit, shift, [user], now)
    _lock_people([user.pk])
    _move({user.pk: (unit, position)}, shift, by, now)
    return CrewMember.objects.on_duty().select_related("unit", "shift").get(user=user)


@transaction.atomic
def leave_crew(*, user: User, by: Actor, now: datetime) -> None:
    """Takes a person off their unit; its calls leave their tablet. Off duty already: nothing."""
    _lock_people([user.pk])
    _move({user.pk: None}, None, by, now)


@transaction.atomic
def hand_over(
    *, unit: Unit, to: Sequence[User], shift: Shift, by: Actor, now: datetime
) -> list[CrewMember]:
    """Gives a unit, with its calls, from whoever is on it to `to`, the first of them alarmed first.

    One transaction: at its commit the leaving lose the unit's calls and the coming have them, so
    that somebody holds them at every moment. Whoever is in both crews keeps them without a gap.
    """
    if not to:
        error = FieldError(
            "/crew", "Name at least one person: somebody must hold the unit's calls."
        )
        raise ProblemError(INVALID, errors=[error])
    if len({user.pk for user in to}) < len(to):
        raise ProblemError(INVALID, errors=[FieldError("/crew", "Name each person once.")])
    shift = _locked_shift(shift.pk)
    _lock_unit(unit)
    _check(unit, shift, to, now)
    on_it = CrewMember.objects.on_duty().filter(unit=unit).values_list("user_id", flat=True)
    moves: dict[UUID, tuple[Unit, int] | None] = dict.fromkeys(on_it)
    moves |= {user.pk: (unit, position) for position, user in enumerate(to, 1)}
    _lock_people(moves)
    _move(moves, shift, by, now)
    return list(crew_of(unit))


def crew_of(unit: Unit) -> Iterable[CrewMember]:
    """Who is on a unit now, in the order in which they are alarmed."""
    members = CrewMember.objects.on_duty().filter(unit=unit).select_related("user")
    return members.in_order_of_alarm()


def _move(
    moves: dict[UUID, tuple[Unit, int] | None], shift: Shift | None, by: Actor, now: datetime
) -> None:
    """Takes each person off their unit and puts them on the new one, None: on none.

    The people are locked. Those who stay where they are only change their position. Desks are told
    of every unit on which something changed.
    """
    present = {
        member.user_id: member for member in CrewMember.objects.on_duty().filter(user__in=moves)
    }
    changed: set[UUID] = set()
    reordered: set[UUID] = set()
    moved = []
    for person in sorted(moves, key=lock_key):
        member, place = present.get(person), moves[person]
        if member and place and shift and (member.unit_id, member.shift_id) == (
            place[0].pk, shift.pk,
        ):  # fmt: skip
            if member.position != place[1]:
                member.position = place[1]
                member.save(update_fields=["position"])
                reordered.add(member.unit_id)
            continue
        if member:
            member.until = now
            member.save(update_fields=["until"])
            changed.add(member.unit_id)
            if not place or place[0].pk != member.unit_id:
                revoke(principal=person, scopes=[scopes.unit(member.unit_id)])
        if place and shift:
            unit, position = place
            CrewMember.objects.create(
                shift=shift, unit=unit, user_id=person, position=position, since=now
            )
            grant(principal=person, scopes=[scopes.unit(unit.pk)])
            changed.add(unit.pk)
        if member or place:
            moved.append(person)
    if shown := changed | reordered:
        events = [Event("crew.changed", unit) for unit in sorted(changed)]
        publish(documents=unit_documents(shown), events=events, now=now)
    if moved:
        _audit(by, "crew", "user", moved, now, units=sorted(changed))


def _check(unit: Unit, shift: Shift, people: Sequence[User], now: datetime) -> None:
    errors = []
    if unit.agency != Agency.CARE or not unit.in_service or unit.team_id != shift.team_id:
        errors.append(FieldError("/unit", "Must be a CARE unit of the shift's team, in service."))
    if shift.ends_at <= now:
        errors.append(FieldError("/shift", "This shift is over."))
    errors += [
        FieldError("/user", "Must be an active responder or supervisor of the shift's team.")
        for user in people
        if user.team_id != shift.team_id or not user.is_active or user.role not in _CREWS
    ]
    if errors:
        raise ProblemError(INVALID, errors=errors)


def _locked_shift(pk: UUID) -> Shift:
    return Shift.objects.select_for_update(no_key=True).get(pk=pk)


def _lock_unit(unit: Unit) -> None:
    """So that nobody joins a unit while it is handed over, unseen by who hands it over."""
    Unit.objects.select_for_update(no_key=True).get(pk=unit.pk)


def _lock_people(people: Iterable[UUID]) -> None:
    rows = User.objects.filter(pk__in=list(people)).order_by("pk").select_for_update(no_key=True)
    list(rows.values_list("pk"))


def _audit(
    by: Actor,
    action: str,
    subject_type: str,
    ids: Sequence[UUID],
    now: datetime,
    *,
    units: Sequence[UUID] = (),
) -> None:
    record(
        actor=by,
        action=action,
        subject_type=subject_type,
        subject_ids=ids,
        now=now,
        detail={"units": [str(unit) for unit in units]} if units else None,
    )
