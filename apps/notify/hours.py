"""When a team works and when nothing rings: its own wall clock, worked out as instants. Pure.

A window is told by two times on the wall. Its end is on the next day where it does not come after
its beginning. In the two nights when the clocks change:

- Spring: a time that the clock skips is as long after midnight as it would be. Quiet until 02:30 is
  quiet until 03:30.
- Autumn: of an hour that comes twice a window begins in the first and ends in the second. Quiet
  until 01:30 is quiet until the second 01:30.

So a window may last an hour more or less by the stopwatch, and is never cut short by the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

if TYPE_CHECKING:
    from apps.accounts.models import Team

_DAY: Final = timedelta(days=1)
# A window comes each day, but for one that the clock swallows whole.
_AHEAD_DAYS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Shift hours and quiet hours. `opens` equal to `closes`: the whole day, one shift from that
    time to the same on the next day. `quiet_from` equal to `quiet_until`: never quiet."""

    zone: ZoneInfo
    opens: time
    closes: time
    quiet_from: time
    quiet_until: time


class Window(NamedTuple):
    """From `begins` (in it) to `ends` (not in it), in UTC."""

    begins: datetime
    ends: datetime


def hours_of(team: Team | None) -> Hours:
    """A team's own hours, or those of the settings. `select_related("hours")` (of a team) spares a
    query for each."""
    row = getattr(team, "hours", None)  # Django's way to say that there is no such row
    if row is None:
        return Hours(
            zone=ZoneInfo(settings.CITY_TIME_ZONE),
            opens=settings.TEAM_OPENS,
            closes=settings.TEAM_CLOSES,
            quiet_from=settings.TEAM_QUIET_FROM,
            quiet_until=settings.TEAM_QUIET_UNTIL,
        )
    return Hours(
        zone=ZoneInfo(row.time_zone),
        opens=row.opens,
        closes=row.closes,
        quiet_from=row.quiet_from,
        quiet_until=row.quiet_until,
    )


def shift_at(at: datetime, hours: Hours) -> Window | None:
    """The shift in which this instant lies; None: nobody works."""
    first = next(_windows(at, hours.opens, hours.closes, hours.zone))
    return first if first.begins <= at else None


def is_open(at: datetime, hours: Hours) -> bool:
    """Whether the team works at this instant."""
    return shift_at(at, hours) is not None


def next_open(at: datetime, hours: Hours) -> datetime:
    """The first instant, from this one on, at which the team works."""
    first = next(_windows(at, hours.opens, hours.closes, hours.zone))
    return max(at, first.begins)


def next_shift(at: datetime, hours: Hours) -> datetime:
    """When the next shift begins: of this one, where one runs, the one after it."""
    shift = shift_at(at, hours)
    return next_open(shift.ends if shift else at, hours)


def is_quiet(at: datetime, hours: Hours) -> bool:
    """Whether nothing may ring at this instant."""
    return next_loud(at, hours) > at


def next_loud(at: datetime, hours: Hours) -> datetime:
    """The first instant, from this one on, at which something may ring."""
    if hours.quiet_from == hours.quiet_until:
        return at
    for quiet in _windows(at, hours.quiet_from, hours.quiet_until, hours.zone):
        if at < quiet.begins:
            break
        at = max(at, quiet.ends)
    return at


def next_told(at: datetime, hours: Hours) -> datetime:
    """The first instant, from this one on, at which the team works and something may ring. Where
    the whole shift is quiet (`never_told`), the first at which it works: late is better than
    never."""
    found = at
    for _ in range(2 * _AHEAD_DAYS):
        opened = next_open(found, hours)
        loud = next_loud(opened, hours)
        if loud == opened:
            return opened
        found = loud
    return next_open(at, hours)


def never_told(hours: Hours) -> bool:
    """Whether the whole shift is quiet, so that nobody would be told of anything while at work.
    Judged on days without a change of clocks."""
    if hours.quiet_from == hours.quiet_until:
        return False
    if hours.opens == hours.closes:
        return False
    length = _minutes(hours.quiet_from, hours.quiet_until)
    opens = _minutes(hours.quiet_from, hours.opens) % (24 * 60)
    return opens + _minutes(hours.opens, hours.closes) <= length


def _minutes(since: time, until: time) -> int:
    """From one time on the wall to the next time that it shows the other: 1 to 1440."""
    apart = (until.hour - since.hour) * 60 + until.minute - since.minute
    return apart % (24 * 60) or 24 * 60


def _windows(at: datetime, begins: time, ends: time, zone: ZoneInfo) -> Iterator[Window]:
    """The windows that are not over at this instant, in order."""
    day = at.astimezone(zone).date() - _DAY
    for number in range(_AHEAD_DAYS + 1):
        window = _window(day + number * _DAY, begins, ends, zone)
        if window.ends > max(at, window.begins):
            yield window


def _window(day: date, begins: time, ends: time, zone: ZoneInfo) -> Window:
    until = day if ends > begins else day + _DAY
    begin = datetime.combine(day, begins, zone).astimezone(UTC)
    if begins == ends:  # day joins to day
        return Window(begin, datetime.combine(until, ends, zone).astimezone(UTC))
    each = (datetime.combine(until, ends.replace(fold=fold), zone) for fold in (0, 1))
    return Window(begin, max(end.astimezone(UTC) for end in each))
