"""Who sees follow-ups, and who may tell of them.

The desk never does, nor does anybody outside: where and when somebody is found is for those who
look for them. A team's supervisors always see its follow-ups; otherwise whoever has it, and where
nobody does, or the time is over, the team's units.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from apps.accounts.models import User
from apps.assignments.models import Assignment
from apps.assignments.services import NotYours, spoken_for
from apps.changes import scopes
from apps.dispatch.models import Agency, CrewMember, Unit
from apps.followups.models import FollowUp, FollowUpState
from apps.notify.models import Level


def units_of(teams: Iterable[UUID]) -> dict[UUID, frozenset[UUID]]:
    """The units of these teams that are in service: whoever crews one is on duty."""
    found: dict[UUID, set[UUID]] = {team: set() for team in teams}
    rows = Unit.objects.filter(agency=Agency.CARE, in_service=True, team__in=found)
    for team, unit in rows.values_list("team", "pk"):
        found[team].add(unit)
    return {team: frozenset(units) for team, units in found.items()}


def scopes_of(row: FollowUp, units: Collection[UUID]) -> frozenset[str]:
    """The scopes of a follow-up; `units`: those of its team. One that has ended stays where it was
    for a while (`leaves_at`), then with the supervisors alone."""
    found = {scopes.team(row.team_id)}
    if row.state == FollowUpState.ENDED and row.leaves_at is None:
        return frozenset(found)
    found |= {scopes.responder(id) for id in row.kept_for}
    if row.owner_id is not None:
        found.add(scopes.responder(row.owner_id))
    if row.owner_id is None or row.level >= Level.TEAM:
        found |= {scopes.unit(id) for id in units}
    return frozenset(found)


def leads_to(encounters: Collection[UUID]) -> frozenset[str]:
    """Who sees the person of these encounters because they are to follow them up: whoever sees one
    of the follow-ups."""
    rows = list(FollowUp.objects.on_tablets().filter(encounter_id__in=encounters))
    units = units_of({row.team_id for row in rows})
    return frozenset().union(*(scopes_of(row, units[row.team_id]) for row in rows))


def may_have(row: FollowUp, by: User) -> bool:
    """Whether somebody may have a follow-up in hand, and so see where the person is found from then
    on: they work in its team, or see it now. Who once had it may still tell of it, no more."""
    return by.team_id == row.team_id or FollowUp.objects.visible_to(by).filter(pk=row.pk).exists()


def may_tell(row: FollowUp, by: User) -> bool:
    """Whether it is somebody's business what became of a follow-up: who sees it, who made or had
    it, who has crewed one of the team's units since, and the crew of its call."""
    if by.pk in (row.owner_id, row.created_by_id, *row.kept_for):
        return True
    if FollowUp.objects.visible_to(by).filter(pk=row.pk).exists():
        return True
    crewed = CrewMember.objects.filter(user=by, unit__team=row.team_id)
    if crewed.exclude(until__lt=row.created_at).exists():
        return True
    call = Assignment.objects.filter(pk=row.assignment_id).first()
    if call is None:
        return False
    try:
        spoken_for(call, by)
    except NotYours:
        return False
    return True
