"""When a follow-up reminds whom, and when its clock has something to say next. Pure.

Three levels of an occasion: at the beginning of its window whoever has it is reminded, at its end
the team too, some hours after that the supervisors. Each is moved into the team's hours: what is
due at three in the night rings at noon. Due times are reckoned from the window and never from the
tick that raises them, so that a tick that comes late delays nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from apps.notify.models import Level

# The first instant, from one on, at which the team works: `apps.notify.hours`.
Opens = Callable[[datetime], datetime]

HOURS: Final = 3600  # seconds
# Where no plan says how long after its window a follow-up is missed.
MISSED_AFTER_HOURS: Final = 4.0

# What tablets ring at by themselves; the last level is the supervisors'.
RUNG: Final[tuple[Level, ...]] = (Level.OWNER, Level.TEAM)


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A follow-up as its clock reads it: of its columns those that say when.

    `level`: what this occasion has risen to. `acknowledged`: somebody has said, in this occasion,
    that they know. `missed_after`: from the end of the window to the supervisors.
    """

    state: str
    due_from: datetime
    due_until: datetime
    missed_after: timedelta
    level: int = 0
    acknowledged: bool = False
    paused_until: datetime | None = None
    leaves_at: datetime | None = None


def due_at(watched: Watched, level: int, opens: Opens) -> datetime:
    """When this level is due, in the team's hours."""
    return opens(
        {
            Level.OWNER: watched.due_from,
            Level.TEAM: watched.due_until,
            Level.SUPERVISORS: watched.due_until + watched.missed_after,
        }[Level(level)]
    )


def awaited(watched: Watched) -> list[Level]:
    """The levels that may still come in this occasion, the lowest first.

    An acknowledgement ends the reminding of owner and team. That nobody has tried by the time it is
    missed is told to the supervisors all the same: whoever tries begins another occasion.
    """
    if watched.state != "open":
        return []
    rest = [level for level in Level if level > watched.level]
    return [level for level in rest if level not in RUNG] if watched.acknowledged else rest


def levels_due(watched: Watched, now: datetime, opens: Opens) -> list[Level]:
    """The levels to be raised now, the lowest first: all that are due, however late this comes."""
    return [level for level in awaited(watched) if due_at(watched, level, opens) <= now]


def next_at(watched: Watched, opens: Opens) -> datetime | None:
    """When the clock has something to say next: a level, the end of a pause, the end of its time on
    tablets. None: nothing, as it stands."""
    if watched.state == "ended":
        return watched.leaves_at
    if watched.state == "paused":
        return watched.paused_until
    return min((due_at(watched, level, opens) for level in awaited(watched)), default=None)


def rings(watched: Watched, opens: Opens) -> list[tuple[Level, datetime]]:
    """At what a tablet rings by itself, without a network: the levels that this occasion has for
    owner and team, risen or not, with their times. Nothing once somebody has acknowledged it."""
    if watched.state != "open" or watched.acknowledged:
        return []
    return [(level, due_at(watched, level, opens)) for level in RUNG]
