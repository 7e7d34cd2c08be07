"""Time. Services take `now`; only edges and ticks read the clock, and they read it here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def city() -> ZoneInfo:
    """The zone of the clocks on the city's walls: the desk's, and the 911 centre's."""
    return ZoneInfo(settings.CITY_TIME_ZONE)


def local(at: datetime, zone: ZoneInfo | None = None) -> datetime:
    """An instant by the city's clock, or that of another zone. At either end of the calendar, where
    that clock cannot say it, as it is: a tablet's clock that was never set begins there, and its
    row is to be shown all the same."""
    try:
        return at.astimezone(zone or city())
    except OverflowError:
        return at


def domain(seconds: float) -> timedelta:
    """A duration of the work, shortened by `TIME_SCALE` where a shift is played fast."""
    return timedelta(seconds=seconds / settings.TIME_SCALE)


def days(seconds: float) -> timedelta:
    """A duration between a call and its follow-ups, in seconds. Days go by faster than a shift
    where both are played: `FOLLOW_UP_TIME_SCALE`."""
    return timedelta(seconds=seconds / settings.FOLLOW_UP_TIME_SCALE)


def iso(at: datetime | None) -> str | None:
    """UTC with Z, milliseconds unless there is more to say: as JavaScript writes it."""
    if at is None:
        return None
    precision = "microseconds" if at.microsecond % 1000 else "milliseconds"
    return at.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
