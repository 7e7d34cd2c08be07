"""Who sees what the field told of a service."""

from __future__ import annotations

from apps.assignments.models import Assignment
from apps.changes import scopes
from apps.people.access import audience
from apps.referrals.models import FacilityFact, FacilityFactKind


def scopes_of(row: FacilityFact) -> frozenset[str]:
    """A report is about a service: its author and their supervisors see it. The rest is told for
    somebody on a call: whoever has the call sees it."""
    if row.kind == FacilityFactKind.REPORT or row.assignment_id is None:
        found = {scopes.responder(row.author_id)}
        if row.author.team_id:
            found.add(scopes.team(row.author.team_id))
        return frozenset(found)
    if is_here(row):
        return audience(row.assignment_id)
    return audience(row.assignment_id, author_ids=[row.author_id])


def is_here(row: FacilityFact) -> bool:
    """Whether the assignment that it names is."""
    id = row.assignment_id
    return id is not None and Assignment.objects.filter(pk=id).exists()
