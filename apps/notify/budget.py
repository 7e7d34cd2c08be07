"""When a person may be told: not in the night, not in a burst, so often a shift at most. Pure.

Whatever waits is told later, with all that has come by then, in one message. Nothing is dropped.
What has risen to the supervisors waits for the hours, and not to be a burst: it is in no budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.notify.hours import Hours, next_shift, next_told, shift_at


@dataclass(frozen=True, kw_only=True)
class Past:
    """What a person was told already. `last`: when the last message by this channel was made.
    `counted`: how many, by all channels, since the shift began (`counted_since`)."""

    last: datetime | None = None
    counted: int = 0


def counted_since(now: datetime, hours: Hours) -> datetime:
    """From when on messages count against the budget: the beginning of the shift."""
    shift = shift_at(now, hours)
    return shift.begins if shift else now


def told_at(
    *, urgent: bool, past: Past, hours: Hours, pace: timedelta, budget: int, now: datetime
) -> datetime:
    """When a message that is due may be made: now, or the first instant after it.

    Two messages by one channel are at least a `pace` apart. Once the shift's `budget` is used up,
    the next shift has its own; what is `urgent` has none.
    """
    allowed = next_told(now, hours)
    if allowed > now:
        return allowed
    if not urgent and past.counted >= budget:
        return next_told(next_shift(now, hours), hours)
    if past.last is not None and past.last + pace > now:
        return next_told(past.last + pace, hours)
    return now
