"""Ticks of referrals."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.core import clock
from apps.referrals.services import clocks


@shared_task(name="referrals.remind_due")
def remind_due(**kwargs: Any) -> None:
    """Reminds partners, then tells responders and supervisors, of what nobody answers."""
    clocks.remind_due(now=clock.now())


@shared_task(name="referrals.let_closed_go")
def let_closed_go(**kwargs: Any) -> None:
    """Closed referrals leave their makers' tablets, a minute late at most."""
    clocks.let_closed_go(now=clock.now())
