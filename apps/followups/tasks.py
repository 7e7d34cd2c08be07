"""Ticks: follow-ups of which the clock has something to say."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.core import clock
from apps.followups.services import reminding


@shared_task(name="followups.remind")
def remind(**kwargs: Any) -> None:
    """Every few seconds: this is how late a reminder may be."""
    reminding.remind(now=clock.now())
