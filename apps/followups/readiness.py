"""What follow-ups add to `/readyz`: nobody is reminded too late."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings

from apps.core import clock
from apps.core.health import check
from apps.followups.models import FollowUp

# Ten thousand that become due at once are raised in less.
_LATE: Final = timedelta(seconds=60)


@check("reminders")
def in_time() -> bool:
    """False while a follow-up is due for longer than a few ticks take. One that fails by itself is
    no matter of this: the admin lists it, and the others do not wait for it."""
    oldest = clock.now() - timedelta(seconds=3 * settings.FOLLOW_UP_TICK_SECONDS) - _LATE
    return not FollowUp.objects.due(oldest).exists()
