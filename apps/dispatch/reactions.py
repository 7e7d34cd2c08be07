"""What dispatch does when accounts change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apps.accounts.models import User
from apps.audit.services import SYSTEM
from apps.changes.locks import Lock, Rung, each
from apps.changes.published import Event
from apps.changes.reactions import reacts_to
from apps.dispatch import services
from apps.dispatch.models import CrewMember


def locks_of_crews(events: Sequence[Event]) -> set[Lock]:
    """What these people see, and the units that they are on."""
    users = {event.subject for event in events}
    on = CrewMember.objects.on_duty().filter(user__in=users).values_list("unit", flat=True)
    return each(Rung.PRINCIPALS, users) | each(Rung.UNITS, on)


@reacts_to("user.deactivated", locks=locks_of_crews)
def take_off_duty(event: Event, *, now: datetime) -> None:
    """Somebody who may not work any more is on no unit and holds none of its calls."""
    user = User.objects.get(pk=event.subject)
    services.leave_crew(user=user, by=SYSTEM, now=now)
