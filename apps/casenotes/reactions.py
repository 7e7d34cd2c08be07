"""Notes follow their assignments."""

from __future__ import annotations

from datetime import datetime

from apps.casenotes import services
from apps.changes.published import Event
from apps.changes.reactions import reacts_to
from apps.people.models import Encounter


@reacts_to(
    "assignment.opened",
    "assignment.moved",
    "assignment.contact_made",
    "assignment.closed",
    "assignment.reopened",
    "assignment.left",
)
def follow_assignment(event: Event, *, now: datetime) -> None:
    """Whatever happened, the notes are brought to what the assignment says now."""
    services.follow_assignment(assignment_id=event.subject, now=now)


@reacts_to("encounter.opened", "encounter.changed")
def follow_encounter(event: Event, *, now: datetime) -> None:
    """Who was met is told after the call was over: it owes its own record, or nobody keeps it."""
    services.follow_encounter(encounter_id=event.subject, now=now)


@reacts_to("dose.recorded", "aid.recorded")
def follow_care(event: Event, *, now: datetime) -> None:
    """What was given asks for more of a note, and ends a record of two taps."""
    encounter = Encounter.objects.filter(pk=event.subject).first()
    if encounter is not None:
        services.follow_assignment(assignment_id=encounter.assignment_id, now=now)
