"""Ticks of people."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.core import clock
from apps.people import services


@shared_task(name="people.close_broken_glass")
def close_broken_glass(**kwargs: Any) -> None:
    """Takes persons away again whose time on somebody's tablet is over."""
    services.close_over(now=clock.now())


@shared_task(name="people.let_unlinked_go")
def let_unlinked_go(**kwargs: Any) -> None:
    """Takes persons away from whoever wrote of them, where no call leads to them."""
    services.let_unlinked_go(now=clock.now())
