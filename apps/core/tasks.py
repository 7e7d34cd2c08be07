"""The heartbeat: proof that beat sends, the broker carries and a worker consumes."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.core import clock
from apps.core.models import Heartbeat


@shared_task(name="core.heartbeat")
def heartbeat(**kwargs: Any) -> None:
    """Writes that a worker ran a task that beat had sent."""
    Heartbeat.objects.beat("worker", now=clock.now())
