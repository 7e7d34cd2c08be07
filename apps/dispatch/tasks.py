"""Forgets held messages whose time is over."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.core import clock
from apps.dispatch import services


@shared_task(name="dispatch.expire_held")
def expire_held(**kwargs: Any) -> None:
    """Idempotent: two at once delete the same rows once."""
    services.expire_held(now=clock.now())
