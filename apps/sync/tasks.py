"""Ticks of synchronisation."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.core import clock
from apps.sync import pacing
from apps.sync.services import waiting


@shared_task(name="sync.take_waiting")
def take_waiting(**kwargs: Any) -> None:
    """Takes what a sign-in has left: it was much, or its process ended before."""
    waiting.take_all_waiting(now=clock.now())


@shared_task(name="sync.set_aside_unseen")
def set_aside_unseen(**kwargs: Any) -> None:
    """Treats tablets as lost that nobody has heard of for long."""
    pacing.set_aside_unseen(now=clock.now())
