"""Doses and first aid follow their assignments: shown to whoever has the call."""

from __future__ import annotations

from datetime import datetime

from apps.changes.published import Event
from apps.changes.reactions import reacts_to
from apps.firstaid import services
from apps.people.models import Encounter


@reacts_to(
    "assignment.opened",
    "assignment.moved",
    "assignment.closed",
    "assignment.reopened",
    "assignment.left",
)
def follow(event: Event, *, now: datetime) -> None:
    """Whatever happened, they are shown to those who may see them now."""
    services.follow_assignment(assignment_id=event.subject, now=now)


@reacts_to("encounter.kept")
def follow_encounter(event: Event, *, now: datetime) -> None:
    """Whoever owes a record of the encounter, or no longer does, keeps or loses them."""
    row = Encounter.objects.filter(pk=event.subject).first()
    if row is not None:
        services.follow_assignment(assignment_id=row.assignment_id, now=now)
