"""Opening hours as people write them, read where they leave one meaning. Pure.

    >>> read_hours("Mon-Fri 9am-5pm; closed holidays")
    (Opening(opens=540, closes=1020, days=frozenset({0, 1, 2, 3, 4}), ..., holidays=False),)

The whole text must be understood. What is not, or could mean two things ("6-9"), is None: it is
shown as the text that it is, and nobody is told that a door is open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from apps.referrals.directory.hours import DAY_MINUTES, EVERY_DAY, Opening

_DAYS: Final = {
    **dict.fromkeys(("monday", "mondays", "mon", "mo", "m"), 0),
    **dict.fromkeys(("tuesday", "tuesdays", "tues", "tue", "tu", "t"), 1),
    **dict.fromkeys(("wednesday", "wednesdays", "weds", "wed", "we", "w"), 2),
    **dict.fromkeys(("thursday", "thursdays", "thurs", "thur", "thu", "th"), 3),
    **dict.fromkeys(("friday", "fridays", "fri", "fr", "f"), 4),
    **dict.fromkeys(("saturday", "saturdays", "sat", "sa"), 5),
    **dict.fromkeys(("sunday", "sundays", "sun", "su"), 6),
}
_SETS: Final = {
    **dict.fromkeys(("daily", "everyday", "every day", "7 days a week", "7 days"), EVERY_DAY),
    **dict.fromkeys(("weekdays", "weekday"), frozenset(range(5))),
    **dict.fromkeys(("weekends", "weekend"), frozenset({5, 6})),
    "mwf": frozenset({0, 2, 4}),
    "tth": frozenset({1, 3}),
    "mtwthf": frozenset(range(5)),
}
_AROUND_THE_CLOCK: Final = re.compile(
    r"(open )?(24/7(/365)?|24 ?h(ou)?rs?( a day| daily)?(,? 7 days( a week| per week)?)?"
    r"|24 ?h(ou)?rs?,? every ?day|always open|around the clock)"
)
_HOLIDAYS: Final = r"(all |major |most |federal |legal |public )*holidays"
_CLOSED_ON_HOLIDAYS: Final = re.compile(
    rf"(except|excluding|closed)( on| for)? {_HOLIDAYS}|no {_HOLIDAYS}"
)
_CLOSED: Final = re.compile(r"closed(?: on)? (.+)|(.+?):? closed")
_WORD: Final = re.compile(
    r"(?P<all>7 days a week|7 days)"
    r"|(?P<time>\d{1,2}:\d{2}|\d{3,4}(?= ?[-ap])|(?<=-)\d{4}|\d{1,2})"
    r"(?: ?(?P<half>[ap])\.?m?\.?\b)?"
    r"|(?P<word>every day|[a-z]+)"
    r"|(?P<mark>[-,&/+]|:(?= ))|(?P<blank> +)"
)
# A number without am or pm from this hour on is in the morning; below the other, the afternoon.
_MORNING: Final = 7
_AFTERNOON: Final = 5
# An opening by the 24-hour clock over midnight begins in the evening, or it is a slip of the pen.
_EVENING: Final = 16 * 60
# Longer texts are no hours. Some patterns take the square of the length, under everybody's lock.
LONGEST: Final = 500


class _Unclear(Exception):
    """The text is not understood."""


@dataclass(frozen=True)
class _Time:
    """A time of day as it is written: minutes, and whether the half of the day is said."""

    minutes: int
    half: str = ""
    by_24: bool = False

    def meanings(self) -> list[int]:
        """The minutes after midnight that it can mean."""
        hour, minutes = divmod(self.minutes, 60)
        if self.by_24:
            return [self.minutes]
        if self.half:
            return [hour % 12 * 60 + minutes + (DAY_MINUTES // 2 if self.half == "p" else 0)]
        return [hour % 12 * 60 + minutes, hour % 12 * 60 + minutes + DAY_MINUTES // 2]


@dataclass
class _Clause:
    """Days and times as far as they are read."""

    days: set[int] = field(default_factory=set)
    times: list[tuple[int, int]] = field(default_factory=list)


def read_hours(text: str) -> tuple[Opening, ...] | None:
    """The openings that a text tells; None where it is not understood. Never empty."""
    if len(text) > LONGEST:
        return None
    found: list[Opening] = []
    holidays = True
    closed: set[int] = set()
    try:
        for part in _parts(text):
            if _CLOSED_ON_HOLIDAYS.fullmatch(part):
                holidays = False
            elif match := _CLOSED.fullmatch(part):
                closed |= _only_days(match[1] or match[2])
            elif _AROUND_THE_CLOCK.fullmatch(part):
                found.append(Opening(opens=0, closes=DAY_MINUTES, days=EVERY_DAY))
            else:
                found += _openings(part)
    except _Unclear:
        return None
    if not found or any(one.days & closed for one in found):
        return None
    return tuple(replace(one, holidays=holidays) for one in found)


def _parts(text: str) -> Iterator[str]:
    plain = text.lower().replace("\N{EN DASH}", "-").replace("\N{EM DASH}", "-")
    plain = re.sub(r"\b(to|thru|through|until|till)\b", "-", plain)
    plain = re.sub(r"\b12 ?noon\b|\bnoon\b", "12pm", plain)
    plain = re.sub(r"\b12 ?midnight\b|\bmidnight\b", "12am", plain)
    plain = re.sub(r"\b([ap])\.m\.?", r"\1m", plain)
    plain = re.sub(r",? *\(?(?=(except|excluding|closed) [a-z])", ";", plain)
    for part in re.split(r"[;\n]", plain):
        if found := re.sub(r" *- *", "-", " ".join(part.split())).strip(" .,()"):
            yield found


def _openings(part: str) -> Iterator[Opening]:
    for clause in _clauses(part):
        if not clause.days or not clause.times:
            raise _Unclear
        for opens, closes in clause.times:
            yield Opening(opens=opens, closes=closes, days=frozenset(clause.days))


def _only_days(text: str) -> set[int]:
    found = list(_clauses(text.replace("on ", "")))
    if len(found) != 1 or found[0].times or not found[0].days:
        raise _Unclear
    return found[0].days


def _clauses(part: str) -> Iterator[_Clause]:
    """Days come before their times, or after them: as the first of the two says for all."""
    words = list(_words(part))
    if not words:
        raise _Unclear
    days_first = isinstance(words[0], frozenset)
    clause = _Clause()
    for word in words:
        is_days = isinstance(word, frozenset)
        full = clause.times if days_first else clause.days
        if full and is_days == days_first:
            yield clause
            clause = _Clause()
        if isinstance(word, frozenset):
            clause.days |= word
        else:
            clause.times.append(word)
    yield clause


def _words(part: str) -> Iterator[frozenset[int] | tuple[int, int]]:
    """Sets of days and ranges of times, in the order of the text."""
    tokens = list(_tokens(part))
    while tokens:
        first = tokens.pop(0)
        if first in {",", "&", "/", "+", ":", "and"}:
            continue
        ranged = len(tokens) > 1 and tokens[0] == "-"
        if ranged:
            second = tokens[1]
            del tokens[:2]
        if isinstance(first, _Time):
            if not ranged or not isinstance(second, _Time):
                raise _Unclear
            yield _range(first, second)
        elif ranged:
            yield _from_to(_day(first), _day(second))
        else:
            yield _SETS.get(first) or frozenset({_day(first)})


def _tokens(part: str) -> Iterator[str | _Time]:
    at = 0
    while at < len(part):
        match = _WORD.match(part, at)
        if match is None:
            raise _Unclear
        at = match.end()
        if match["time"]:
            yield _time(match["time"], match["half"] or "")
        elif not match["blank"]:
            yield match["all"] or match["word"] or match["mark"]


def _day(word: str | _Time) -> int:
    if isinstance(word, _Time) or word not in _DAYS:
        raise _Unclear
    return _DAYS[word]


def _from_to(first: int, last: int) -> frozenset[int]:
    return frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))


def _time(text: str, half: str) -> _Time:
    digits = text.replace(":", "")
    hour, minute = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    by_24 = not half and len(digits) > 2 and (hour > 12 or (len(digits) == 4 and digits[0] == "0"))
    most = 24 if by_24 else 12
    if minute > 59 or hour > most or (not by_24 and hour == 0) or (hour == 24 and minute):
        raise _Unclear
    return _Time(hour * 60 + minute, half, by_24)


def _range(opens: _Time, closes: _Time) -> tuple[int, int]:
    """From when to when, the second after the first, within a day of it."""
    begin, end = _settled(opens, closes)
    if end <= begin:
        if opens.by_24 and closes.by_24 and begin < _EVENING:
            raise _Unclear
        end += DAY_MINUTES
    if end % DAY_MINUTES == DAY_MINUTES - 1:
        end += 1  # "11:59pm" is the end of the day
    return begin, end


def _settled(opens: _Time, closes: _Time) -> tuple[int, int]:
    begins, ends = opens.meanings(), closes.meanings()
    if len(begins) == 1:
        begin = begins[0]
    elif len(ends) == 1:  # "9-5pm": the last such time before it
        before = [one for one in begins if one < ends[0]] or begins
        begin = max(before)
    else:
        hour = opens.minutes // 60
        if _AFTERNOON <= hour < _MORNING:
            raise _Unclear
        begin = begins[0] if _MORNING <= hour < 12 else begins[1]
    if len(ends) == 1:
        return begin, ends[0]
    after = [one for one in ends if one > begin] or [min(ends)]
    return begin, min(after)
