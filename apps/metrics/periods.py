"""Stretches of days by the city's clock. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

# Longer ones are figures of several years: each has its own.
LONGEST: Final = timedelta(days=366)


@dataclass(frozen=True)
class Period:
    """From the first day to the last, both whole, by the clocks of `zone`. ValueError for one that
    ends before it begins, is longer than a year, or lies at an end of the calendar, where not every
    zone has a clock."""

    first: date
    last: date
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("It ends before it begins.")
        if self.first.year == MINYEAR or self.last.year == MAXYEAR:
            raise ValueError("No dispatches are from those days.")
        if self.last - self.first >= LONGEST:
            raise ValueError("Longer than a year: take each year by itself.")

    @property
    def begins(self) -> datetime:
        """The instant at which it begins, in UTC. Days of a clock change have 23 or 25 hours."""
        return _midnight(self.first, self.zone)

    @property
    def ends(self) -> datetime:
        """The first instant after it."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    @property
    def weeks(self) -> float:
        """How many weeks it is long."""
        return ((self.last - self.first).days + 1) / 7

    @property
    def is_of_months(self) -> bool:
        """Whether it begins with a month and ends with one."""
        return self.first.day == 1 and (self.last + timedelta(days=1)).day == 1

    @property
    def words(self) -> str:
        return f"{self.first:%Y-%m-%d} to {self.last:%Y-%m-%d}"


def month_of(day: date, zone: ZoneInfo) -> Period:
    """The month that a day lies in."""
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return Period(first, following - timedelta(days=1), zone)


def month_before(day: date, zone: ZoneInfo) -> Period:
    """The last whole month before a day."""
    return month_of(day.replace(day=1) - timedelta(days=1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
