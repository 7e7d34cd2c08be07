"""What notify adds to `/readyz`: while somebody may be sent a message, its queue has a worker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.conf import settings

from apps.core import clock
from apps.core.health import check
from apps.core.models import Heartbeat
from apps.notify.models import ContactPoint

# A task begins with a heartbeat. Beside its turn it may wait for a gateway, and for the tasks that
# other rooms have in its queue.
_LATE: Final = timedelta(seconds=10)

Needs = Callable[[], bool]
_needs: list[Needs] = []


def needed_by(function: Needs) -> Needs:
    """Registers what a room above says: whether somebody is there whom it sends messages to."""
    _needs.append(function)
    return function


@check("notify")
def worker() -> bool:
    """False once no task has handed anything over for as long as two take, though there is somebody
    to be told."""
    lasts = settings.NOTIFY_TICK_SECONDS + settings.NOTIFY_TURN_SECONDS + settings.EMAIL_TIMEOUT
    oldest = clock.now() - timedelta(seconds=2 * lasts) - _LATE
    if Heartbeat.objects.filter(name="notify", at__gte=oldest).exists():
        return True
    return not (ContactPoint.objects.in_use().exists() or any(need() for need in _needs))
