"""Encounters follow their assignments: opened by the timeline, shown to whoever has the call."""

from __future__ import annotations

from datetime import datetime

from apps.changes.published import Event
from apps.changes.reactions import reacts_to
from apps.people.services import follow_assignment


@reacts_to(
    "assignment.opened",
    "assignment.moved",
    "assignment.contact_made",
    "assignment.reopened",
    "assignment.left",
    "assignment.handoff_changed",
)
def follow(event: Event, *, now: datetime) -> None:
    """Whatever happened, the encounters are brought to what the timeline says now."""
    follow_assignment(assignment_id=event.subject, now=now)


@reacts_to("assignment.closed")
def end(event: Event, *, now: datetime) -> None:
    """And whoever crewed a call that is over owes a record of it."""
    follow_assignment(assignment_id=event.subject, ended=True, now=now)
