"""What dispatch does when accounts change."""

from __future__ import annotations

from datetime import datetime

from apps.accounts.models import User
from apps.audit.services import SYSTEM
from apps.changes.published import Event
from apps.changes.reactions import reacts_to
from apps.dispatch import services


@reacts_to("user.deactivated")
def take_off_duty(event: Event, *, now: datetime) -> None:
    """Somebody who may not work any more is on no unit and holds none of its calls."""
    user = User.objects.get(pk=event.subject)
    services.leave_crew(user=user, by=SYSTEM, now=now)
