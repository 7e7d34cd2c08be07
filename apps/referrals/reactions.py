"""Referrals, consents, disclosures, and what is told of a service follow their assignments;
partners are sent links."""

from __future__ import annotations

from datetime import datetime

from apps.changes.published import Event
from apps.changes.reactions import reacts_to
from apps.people.models import Encounter
from apps.referrals.services import directory
from apps.referrals.services.following import follow_assignment
from apps.referrals.services.links import make_links
from apps.referrals.services.partners import tell_partner


@reacts_to(
    "assignment.opened",
    "assignment.moved",
    "assignment.closed",
    "assignment.reopened",
    "assignment.left",
)
def follow(event: Event, *, now: datetime) -> None:
    """Whatever happened, they are shown to those who may see them now."""
    follow_assignment(assignment_id=event.subject, now=now)
    directory.follow_assignment(assignment_id=event.subject, now=now)


@reacts_to("encounter.kept")
def follow_encounter(event: Event, *, now: datetime) -> None:
    """Whoever owes a record of the encounter, or no longer does, keeps or loses them."""
    row = Encounter.objects.filter(pk=event.subject).first()
    if row is not None:
        follow_assignment(assignment_id=row.assignment_id, now=now)


@reacts_to("partner.saved")
def tell_tablets(event: Event, *, now: datetime) -> None:
    """Whom a tablet may ask, and name in a consent, it has by name."""
    tell_partner(partner_id=event.subject, now=now)


@reacts_to("referral.requested", "referral.reminded")
def send_links(event: Event, *, now: datetime) -> None:
    """A partner without a system of its own is sent a link to answer by, and once more with a
    reminder."""
    make_links(task_id=event.subject, now=now)
