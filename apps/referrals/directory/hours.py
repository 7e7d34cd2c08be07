"""When a service is open: rules by the city's clock, worked out as instants. Pure.

A tablet is sent the instants of some weeks, so that it needs neither rules nor a time zone: a
shelter that opens from 19:00 to 07:00 is open for eleven hours in the night of the change of clocks
in spring, for thirteen in that of autumn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAY_MINUTES: Final = 24 * 60
EVERY_DAY: Final = frozenset(range(7))
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Open from `opens` to `closes`, minutes after midnight on the wall clock, on some days.

    `days` counts from Monday, 0. `closes` after 1440 is on the next day. `nth`: only on the first
    (1) such day of the month, or the last (-1); empty: on all of them. `month_days` are days of the
    month, the other way to say when. `every`: in each such week counted from that of `start`. On
    `holidays` (False) it is closed on federal holidays.
    """

    opens: int
    closes: int
    days: frozenset[int] = frozenset()
    nth: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    every: int = 1
    start: date | None = None
    first: date | None = None
    last: date | None = None
    holidays: bool = True

    def is_on(self, day: date) -> bool:
        """Whether it opens on this day."""
        if (self.first and day < self.first) or (self.last and day > self.last):
            return False
        if not self.holidays and day in federal_holidays(day.year):
            return False
        if self.month_days:
            return day.day in self.month_days
        if day.weekday() not in self.days:
            return False
        if self.nth and not self.nth & _places(day):
            return False
        return self.every == 1 or (self.start is not None and self._weeks(day) % self.every == 0)

    def _weeks(self, day: date) -> int:
        assert self.start is not None
        monday = self.start - self.start.weekday() * _DAY
        return (day - monday).days // 7


Period = tuple[datetime, datetime]


def periods(openings: Iterable[Opening], *, since: date, days: int, zone: ZoneInfo) -> list[Period]:
    """The instants (UTC) between which it is open, within so many of the zone's days; those that
    touch are one. What began on the day before counts too."""
    begin, end = _instant(since, 0, zone), _instant(since + days * _DAY, 0, zone)
    found = sorted(_each(list(openings), since - _DAY, days + 1, zone))
    joined: list[Period] = []
    for opens, closes in found:
        opens, closes = max(opens, begin), min(closes, end)  # noqa: PLW2901  (what is asked for)
        if opens >= closes:
            continue
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], closes))
        else:
            joined.append((opens, closes))
    return joined


def _each(openings: list[Opening], since: date, days: int, zone: ZoneInfo) -> Iterator[Period]:
    for number in range(days):
        day = since + number * _DAY
        for one in openings:
            if one.is_on(day):
                yield _instant(day, one.opens, zone), _instant(day, one.closes, zone)


def _instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """A moment on the wall clock. One that the clock skips in spring is as long after midnight as
    it would be; of one that comes twice in autumn the first is meant."""
    day, minutes = day + (minutes // DAY_MINUTES) * _DAY, minutes % DAY_MINUTES
    at = time(minutes // 60, minutes % 60)
    return datetime.combine(day, at, zone).astimezone(UTC)


def _places(day: date) -> frozenset[int]:
    """Which such weekday of its month it is, from the front (1 to 5) and from the back (-1)."""
    last = (day + 7 * _DAY).month != day.month
    return frozenset({(day.day - 1) // 7 + 1, *([-1] if last else [])})


def federal_holidays(year: int) -> frozenset[date]:
    """The legal public holidays of 5 U.S.C. 6103(a), without the days off in their stead."""

    def nth(month: int, weekday: int, place: int) -> date:
        first = date(year, month, 1)
        return first + ((weekday - first.weekday()) % 7 + 7 * (place - 1)) * _DAY

    memorial = date(year, 5, 31)
    return frozenset(
        {
            date(year, 1, 1),
            nth(1, 0, 3),  # Martin Luther King, Jr.
            nth(2, 0, 3),  # Washington
            memorial - memorial.weekday() * _DAY,
            date(year, 6, 19),
            date(year, 7, 4),
            nth(9, 0, 1),  # Labor
            nth(10, 0, 2),  # Columbus
            date(year, 11, 11),
            nth(11, 3, 4),  # Thanksgiving
            date(year, 12, 25),
        }
    )
