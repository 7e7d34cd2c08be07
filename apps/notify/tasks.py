"""Ticks: messages to gateways, in a queue of their own, and old ones that go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery import shared_task
from django.conf import settings

from apps.core import clock
from apps.core.models import Heartbeat
from apps.notify import services
from apps.notify.handing import hand_over as turn


@shared_task(name="notify.hand_over")
def hand_over(**kwargs: Any) -> None:
    """Makes messages of what is due and hands them over. Any number of workers may do it."""
    Heartbeat.objects.beat("notify", now=clock.now())
    turn(seconds=settings.NOTIFY_TURN_SECONDS)


@shared_task(name="notify.let_old_go")
def let_old_go(**kwargs: Any) -> None:
    """Messages that are long settled go, with what they told."""
    services.let_old_go(now=clock.now(), kept=timedelta(days=settings.NOTIFY_KEPT_DAYS))
