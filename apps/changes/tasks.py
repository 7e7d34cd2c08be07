"""Ticks of the feed."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.changes import parking, retention
from apps.core import clock


@shared_task(name="changes.retry_parked")
def retry_parked(**kwargs: Any) -> None:
    """Tries reactions again that have failed."""
    parking.retry_parked(now=clock.now())


@shared_task(name="changes.let_old_go")
def let_old_go(**kwargs: Any) -> None:
    """Drops what the log has kept long enough."""
    retention.let_old_go(now=clock.now())
