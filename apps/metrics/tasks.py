"""Ticks: figures follow the log."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.metrics.services import follow_log as follow


@shared_task(name="metrics.follow_log")
def follow_log(**kwargs: Any) -> None:
    """Figures stand as of some seconds ago."""
    follow()
