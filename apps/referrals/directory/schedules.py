"""HSDS schedules read: recurrence rules of RFC 5545 as far as people use them, and free text. Pure.

HSDS gives a time as HH:MM, with an offset or without. Those of this city's own offsets are the wall
clock's; a schedule of any other zone, and one that says more than is read here, is shown as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from apps.referrals.directory.hours import DAY_MINUTES, Opening
from apps.referrals.directory.hourstext import read_hours

_DAYS: Final = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}
_BYDAY: Final = re.compile(r"([+-]?\d)?(MO|TU|WE|TH|FR|SA|SU)")
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2})?(Z|[+-]\d{2}:?\d{2})?")
# Standard and daylight time of America/Los_Angeles.
_OFFSETS: Final = frozenset({None, "-08:00", "-0800", "-07:00", "-0700"})
# Parts of a rule that nobody writes by hand; one that has them is not read.
_UNREAD: Final = ("byweekno", "byyearday", "count")
# The last day of a month is none of these.
_LONGEST_MONTH: Final = 31

Schedule = Mapping[str, Any]


class _Unclear(Exception):
    """The schedule says more than is read."""


def openings_of(schedules: Iterable[Schedule]) -> tuple[Opening, ...] | None:
    """The openings of all these schedules. None where one of them is not understood, or there are
    none: then nobody can say whether it is open."""
    found: list[Opening] = []
    for one in schedules:
        try:
            found += _ruled(one) if one.get("opens_at") else _worded(one)
        except _Unclear:
            return None
    return tuple(found) or None


def text_of(schedules: Iterable[Schedule]) -> str:
    """The hours as people read them, one schedule a line: its own words, else its rule's."""
    lines = []
    for one in schedules:
        told = [str(one[name]) for name in ("description", "notes") if one.get(name)]
        rule = _rule_in_words(one)
        lines.append(" ".join(" ".join([*([rule] if rule else []), *told]).split()))
    return "\n".join(dict.fromkeys(line for line in lines if line))


def _worded(one: Schedule) -> tuple[Opening, ...]:
    found = read_hours(str(one.get("description") or ""))
    if found is None or any(one.get(name) for name in ("freq", "byday", *_UNREAD)):
        raise _Unclear
    return tuple(_within(opening, one) for opening in found)


def _ruled(one: Schedule) -> tuple[Opening, ...]:
    if any(one.get(name) for name in _UNREAD):
        raise _Unclear
    opens, closes = _minutes(one.get("opens_at")), _minutes(one.get("closes_at"))
    if closes % DAY_MINUTES == DAY_MINUTES - 1:
        closes += 1
    if closes <= opens:
        closes += DAY_MINUTES
    freq = one.get("freq") or "WEEKLY"
    days, nth = _by_day(str(one.get("byday") or ""))
    month_days = _month_days(str(one.get("bymonthday") or ""))
    every = one.get("interval") or 1
    if freq == "WEEKLY":
        if nth or month_days or not days:
            raise _Unclear
    elif freq != "MONTHLY" or every != 1 or bool(nth) == bool(month_days):
        raise _Unclear
    start = _day(one.get("dtstart"))
    if not isinstance(every, int) or every < 1 or (every > 1 and start is None):
        raise _Unclear
    rule = Opening(
        opens=opens,
        closes=closes,
        days=days,
        nth=nth,
        month_days=month_days,
        every=every,
        start=start,
    )
    return (_within(rule, one),)


def _within(rule: Opening, one: Schedule) -> Opening:
    """Bounded by the days for which the schedule holds."""
    since = [day for name in ("valid_from", "dtstart") if (day := _day(one.get(name)))]
    until = [day for name in ("valid_to", "until") if (day := _day(one.get(name)))]
    return replace(rule, first=max(since, default=None), last=min(until, default=None))


def _by_day(text: str) -> tuple[frozenset[int], frozenset[int]]:
    """`MO,WE` or `1TU,3TU`: the days, and which of the month. One rule has one kind of them."""
    days, nth = set(), set()
    for part in filter(None, re.split(r"[,\s]+", text.upper())):
        match = _BYDAY.fullmatch(part)
        if match is None:
            raise _Unclear
        days.add(_DAYS[match[2]])
        nth.add(int(match[1] or 0))
    if nth == {0} or not nth:
        return frozenset(days), frozenset()
    if len(days) != 1 or not nth <= {1, 2, 3, 4, 5, -1}:
        raise _Unclear
    return frozenset(days), frozenset(nth)


def _month_days(text: str) -> frozenset[int]:
    parts = [part for part in re.split(r"[,\s]+", text) if part]
    if not all(part.isdecimal() and 1 <= int(part) <= _LONGEST_MONTH for part in parts):
        raise _Unclear
    return frozenset(map(int, parts))


def _minutes(value: object) -> int:
    match = _TIME.fullmatch(str(value))
    if match is None or match[3] not in _OFFSETS:
        raise _Unclear
    hour, minute = int(match[1]), int(match[2])
    if minute > 59 or hour * 60 + minute > DAY_MINUTES:
        raise _Unclear
    return hour * 60 + minute


def _day(value: object) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise _Unclear from None


def _rule_in_words(one: Schedule) -> str:
    days = str(one.get("byday") or one.get("bymonthday") or "")
    times = "-".join(str(one[name])[:5] for name in ("opens_at", "closes_at") if one.get(name))
    return " ".join(part for part in (days, times) if part)
