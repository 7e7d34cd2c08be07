"""Ticks: notes whose lock is due, and signatures that waited for their text."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.casenotes import services
from apps.core import clock


@shared_task(name="casenotes.lock_due")
def lock_due(**kwargs: Any) -> None:
    """A note is locked some minutes after its time, never before."""
    services.lock_due(now=clock.now())


@shared_task(name="casenotes.take_early_signatures")
def take_early_signatures(**kwargs: Any) -> None:
    """What the end of a process has kept from being taken when its text came."""
    services.take_early_signatures(now=clock.now())
