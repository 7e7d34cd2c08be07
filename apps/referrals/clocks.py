"""When whom is reminded of a referral that nobody answers, or that has no outcome. Pure.

Each urgency has a clock as data. Due times are reckoned from the moment since which something is
awaited: a tick that comes late delays no later step, and raises all that are due. Durations are
domain time (`core.clock.domain`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from apps.core import clock

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR

PARTNER, RESPONDER, SUPERVISOR, OFFER = 1, 2, 3, 4
STEPS: Final[Mapping[int, str]] = MappingProxyType(
    {
        PARTNER: "The partner is reminded",
        RESPONDER: "The responder is told",
        SUPERVISOR: "The supervisors are told",
        OFFER: "The next partner is offered",
    }
)


@dataclass(frozen=True)
class Clock:
    """Seconds after which each step is due, the first one first."""

    seconds: tuple[int, ...]

    def due_at(self, since: datetime, step: int) -> datetime | None:
        """When a step (from 1) is due; None where there is no such step."""
        if not 1 <= step <= len(self.seconds):
            return None
        return since + clock.domain(self.seconds[step - 1])


# Nobody has answered. A bed for tonight is worth nothing after an hour.
ANSWER: Final[Mapping[str, Clock]] = MappingProxyType(
    {
        "tonight": Clock((10 * _MINUTE, 20 * _MINUTE, 30 * _MINUTE, 30 * _MINUTE)),
        "72h": Clock((4 * _HOUR, 8 * _HOUR, 24 * _HOUR, 24 * _HOUR)),
        "2w": Clock((1 * _DAY, 2 * _DAY, 3 * _DAY, 3 * _DAY)),
    }
)
# Somebody has accepted and nobody says what came of it. No partner is offered: one is at work.
OUTCOME: Final[Mapping[str, Clock]] = MappingProxyType(
    {
        "tonight": Clock((12 * _HOUR, 16 * _HOUR, 24 * _HOUR)),
        "72h": Clock((3 * _DAY, 4 * _DAY, 5 * _DAY)),
        "2w": Clock((14 * _DAY, 16 * _DAY, 18 * _DAY)),
    }
)
_CLOCKS: Final = MappingProxyType({"answer": ANSWER, "outcome": OUTCOME})


def due_at(awaited: str, urgency: str, since: datetime, step: int) -> datetime | None:
    """When a step is due; None where nothing is awaited or there is no such step."""
    clocks = _CLOCKS.get(awaited)
    return clocks[urgency].due_at(since, step) if clocks else None


def steps_due(awaited: str, urgency: str, since: datetime, done: int, now: datetime) -> list[int]:
    """The steps after `done` that are due, the first one first."""
    found = []
    for step in STEPS:
        at = due_at(awaited, urgency, since, step)
        if step > done and at is not None and at <= now:
            found.append(step)
    return found
