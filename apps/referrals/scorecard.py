"""How a partner's answers add up over a month: for the partner first, and never beside another's.

Pure. A share is None where there is nothing to take it of.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

# CARE sees a month once the partner has read it, or so long after it is over.
PARTNERS_FIRST: Final = timedelta(days=14)
_TAKEN: Final = frozenset({"accepted", "in-progress", "on-hold", "completed", "failed"})


@dataclass(frozen=True)
class Sent:
    """One task as the card reads it. `accepted`: the partner ever took it; `capacity_said`: what
    the directory said when it was asked, None where it said nothing."""

    sent_at: datetime
    answered_at: datetime | None
    status: str
    accepted: bool
    served: bool | None
    reason_code: str | None
    capacity_said: bool | None


@dataclass(frozen=True)
class Card:
    """Counts, and what follows from them. Cancelled ones, which no answer could follow, are not
    among them unless they were answered. `loop_closed`: of those taken, how many have an outcome.
    `capacity_true`: of those whose capacity the directory told, how many found it so."""

    asked: int
    answered: int
    accepted: int
    declined: int
    served: int
    not_served: int
    seconds_to_answer: float | None
    answered_share: float | None
    accepted_share: float | None
    served_share: float | None
    loop_closed_share: float | None
    capacity_told: int
    capacity_true_share: float | None


def card(tasks: Iterable[Sent]) -> Card:
    """The card of these tasks.

    >>> card([]).accepted_share is None
    True
    """
    rows = [one for one in tasks if one.answered_at or one.status != "cancelled"]
    answered = [one for one in rows if one.answered_at is not None]
    taken = [one for one in answered if one.accepted]
    served = sum(one.served is True for one in rows)
    ended = sum(one.served is not None for one in taken)
    told = [one for one in answered if one.capacity_said is not None]
    times = [(one.answered_at - one.sent_at).total_seconds() for one in answered if one.answered_at]
    return Card(
        asked=len(rows),
        answered=len(answered),
        accepted=len(taken),
        declined=sum(one.status == "rejected" for one in rows),
        served=served,
        not_served=sum(one.served is False for one in rows),
        seconds_to_answer=median(times) if times else None,
        answered_share=_share(len(answered), len(rows)),
        accepted_share=_share(len(taken), len(answered)),
        served_share=_share(served, len(taken)),
        loop_closed_share=_share(ended, len(taken)),
        capacity_told=len(told),
        capacity_true_share=_share(sum(map(_was_true, told)), len(told)),
    )


def bounds(month: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of a month by the city's clock, and that of the next one."""
    first = month.replace(day=1)
    days = calendar.monthrange(first.year, first.month)[1]
    after = first + timedelta(days=days)
    begin, end = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (first, after))
    return begin, end


def _was_true(one: Sent) -> bool:
    """Room was said, and it was not full; no room was said, and nobody was taken."""
    if one.capacity_said:
        return one.reason_code != "full"
    return not one.accepted


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
