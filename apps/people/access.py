"""Who sees and who may write what is recorded of a person on an assignment.

A person's record follows the call: the unit's crew has it while the call is on their tablets, the
team's supervisors keep it, whoever still owes something of it keeps that. The dispatch desk is not
among them: it sees calls, not what was learned of people.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from apps.accounts.models import User
from apps.assignments.models import Assignment
from apps.assignments.services import NotYours, spoken_for
from apps.changes import scopes
from apps.core.problems import FieldError
from apps.dispatch.models import CrewMember
from apps.people.models import Encounter
from apps.sync.registry import Refused


def audience(assignment_id: UUID, *, author_ids: Iterable[UUID] = ()) -> frozenset[str]:
    """The scopes of what is recorded on an assignment.

    Its unit's until the call has left the tablets, its team's, and each of `author_ids`' own: those
    who still owe something. Where the assignment is not here (yet), the authors' teams see it too.
    """
    authors = set(author_ids)
    found = {scopes.responder(id) for id in authors}
    row = Assignment.objects.select_related("unit").filter(pk=assignment_id).first()
    if row is None:
        teams = User.objects.filter(pk__in=authors).exclude(team=None)
        return frozenset(found | {scopes.team(id) for id in teams.values_list("team", flat=True)})
    if row.unit.team_id:
        found.add(scopes.team(row.unit.team_id))
    if row.left_at is None:
        found.add(scopes.unit(row.unit_id))
    return frozenset(found)


def audience_of(assignment_id: UUID, encounter_id: UUID, author_id: UUID | None) -> frozenset[str]:
    """The scopes of what somebody recorded once of an encounter: whoever has the call, its
    supervisors, and whoever still owes a record of the encounter. Before the assignment is here
    whoever recorded it; that they did keeps nothing on their tablet once the call has left it."""
    if not Assignment.objects.filter(pk=assignment_id).exists():
        return audience(assignment_id, author_ids=[author_id] if author_id else ())
    return audience(assignment_id, author_ids=kept_for(encounter_id))


def kept_for(encounter_id: UUID) -> set[UUID]:
    """Those who still owe a record of the encounter."""
    kept = Encounter.objects.filter(pk=encounter_id).values_list("kept_for", flat=True).first()
    return set(kept or ())


def may_write(assignment_id: UUID, author: User) -> None:
    """Refused for whoever is not, and was not, on the crew of the assignment, nor oversees it: a
    supervisor who came along writes under their own name. What comes before its assignment is
    taken: a tablet may have opened that itself."""
    row = Assignment.objects.filter(pk=assignment_id).first()
    if row is None:
        return
    try:
        spoken_for(row, author)
    except NotYours:
        detail = "You are not on the crew of this assignment, and were not."
        raise Refused([FieldError("/assignment_id", detail)]) from None


def crew_of(assignment: Assignment) -> list[UUID]:
    """Who crews the assignment's unit now, or has crewed it since the call was given."""
    members = CrewMember.objects.filter(unit=assignment.unit_id)
    here = [
        member.user_id
        for member in members.order_by("since")
        if member.until is None or member.until >= assignment.given_at
    ]
    return list(dict.fromkeys(here))
