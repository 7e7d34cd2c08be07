"""Time. Services take `now`; only edges and ticks read the clock, and they read it here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def domain(seconds: float) -> timedelta:
    """A duration of the work, shortened by `TIME_SCALE` where a shift is played fast."""
    return timedelta(seconds=seconds / settings.TIME_SCALE)
