"""Assignments follow their incidents, in the incident's own transaction."""

from __future__ import annotations

from datetime import datetime

from apps.assignments.services import follow_incident
from apps.changes.published import Event
from apps.changes.reactions import reacts_to


@reacts_to(
    "incident.received",
    "incident.updated",
    "incident.cancelled",
    "incident.closed",
    "incident.reopened",
    "incident.merged",
    "incident.linked",
    must_succeed=True,
)
def follow(event: Event, *, now: datetime) -> None:
    """Whatever happened, the assignments are brought to what the incident says now."""
    follow_incident(incident_id=event.subject, now=now)
