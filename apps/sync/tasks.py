"""Ticks of synchronisation."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.core import clock
from apps.sync import pacing
from apps.sync.media import retention
from apps.sync.services import linking, waiting


@shared_task(name="sync.sweep_media")
def sweep_media(**kwargs: Any) -> None:
    """Removes photos that nobody names any more, and what was left of broken-off work."""
    retention.sweep(now=clock.now())


@shared_task(name="sync.take_waiting")
def take_waiting(**kwargs: Any) -> None:
    """Takes what a sign-in has left: it was much, or its process ended before."""
    waiting.take_all_waiting(now=clock.now())


@shared_task(name="sync.link_early")
def link_early(**kwargs: Any) -> None:
    """What came early waits no more once that is here which it is of, a minute late at most."""
    linking.link(now=clock.now())


@shared_task(name="sync.set_aside_unseen")
def set_aside_unseen(**kwargs: Any) -> None:
    """Treats tablets as lost that nobody has heard of for long."""
    pacing.set_aside_unseen(now=clock.now())
