"""Ticks of webhooks. Deliveries have a queue of their own: a worker that waits for a stranger's
server neither raises alarms nor warns of what fails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery import shared_task
from django.conf import settings

from apps.core import clock
from apps.core.models import Heartbeat
from apps.webhooks import services
from apps.webhooks.pump import Pump

# Its attempts go on from one tick to the next.
_PUMP = Pump()


@shared_task(name="webhooks.deliver")
def deliver(**kwargs: Any) -> None:
    """Makes deliveries from the log and sends what is due. Any number of workers may do it."""
    Heartbeat.objects.beat("webhooks", now=clock.now())
    _PUMP.turn(seconds=settings.WEBHOOK_PUMP_SECONDS)


@shared_task(name="webhooks.tidy")
def tidy(**kwargs: Any) -> None:
    """Warns, pauses, tries again what could not be built, and lets old bodies go."""
    now = clock.now()
    services.retry_untold(now=now)
    services.watch_endpoints(now=now)
    services.let_bodies_go(now=now, kept=timedelta(days=settings.WEBHOOK_BODY_DAYS))


@shared_task(name="webhooks.mail_notices")
def mail_notices(**kwargs: Any) -> None:
    """Mails the warnings, in the queue of what waits for mail servers."""
    services.mail_notices(now=clock.now())
