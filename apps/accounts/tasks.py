"""Ticks: sign-ins that have run out."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.accounts import services
from apps.core import clock


@shared_task(name="accounts.end_old_sign_ins")
def end_old_sign_ins(**kwargs: Any) -> None:
    """Tidies up: a contact of the tablet does it at once, so nothing depends on this tick."""
    services.end_old_sign_ins(now=clock.now())
