"""What webhooks add to `/readyz`: while somebody is to be told, a worker of their queue lives."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings

from apps.core import clock
from apps.core.health import check
from apps.core.models import Heartbeat
from apps.webhooks.models import Endpoint

# A task that delivers begins with a heartbeat, and may last so long as it has to do.
_LATE: Final = timedelta(seconds=10)


@check("webhooks")
def worker() -> bool:
    """False once no task has delivered for as long as two take, though an endpoint is there."""
    lasts = settings.WEBHOOK_PUMP_SECONDS + settings.WEBHOOK_TIMEOUT_SECONDS
    oldest = clock.now() - timedelta(seconds=2 * lasts) - _LATE
    if Heartbeat.objects.filter(name="webhooks", at__gte=oldest).exists():
        return True
    return not Endpoint.objects.told().exists()
