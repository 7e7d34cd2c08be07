"""When a crew on scene checks in, and how far their silence rises. Pure.

1. Due: their tablets ask, silently. 2. Without an answer, after a grace: the supervisors. 3. After
another: the dispatch desk. All of it is a function of the facts (`timeline.onscene`), of who has
answered an alert about it, and of the present instant. Durations are domain time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from apps.assignments.models import AlertKind, Assignment
from apps.assignments.records import Record
from apps.assignments.timeline import on_scene
from apps.core import clock

HIGHEST = 3


@dataclass(frozen=True, slots=True)
class CheckIn:
    """The check-in that a crew on scene owes next.

    `heard_at`: their last contact. `due_at`: when they have to say that all is well. `overdue_at`:
    when their silence is the supervisors' business, whoever has taken it in hand meanwhile.
    """

    every: timedelta
    heard_at: datetime
    due_at: datetime
    overdue_at: datetime

    def rises_at(self, level: int) -> datetime:
        """When this level (1 to 3) is reached."""
        return self.due_at + sum(_graces()[: level - 1], timedelta(0))

    def level_at(self, now: datetime) -> int:
        """The level that is reached at `now`; 0 before it is due."""
        return sum(self.rises_at(level) <= now for level in range(1, HIGHEST + 1))


def of(record: Record) -> CheckIn | None:
    """The check-in that is awaited on an assignment; None while nobody of the unit is on scene."""
    stay = on_scene(record.timeline)
    if stay is None:
        return None
    every = clock.domain(60 * (record.incident.check_in_minutes or settings.CHECK_IN_MINUTES))
    answered = [
        alert.acknowledged_at
        for alert in record.alerts
        if alert.kind == AlertKind.CHECK_IN and alert.acknowledged_at is not None
    ]
    return CheckIn(
        every=every,
        heard_at=stay.heard_at,
        due_at=stay.due_at(every, looked_after=max(answered, default=None)),
        overdue_at=stay.due_at(every) + _graces()[0],
    )


def follow(row: Assignment, awaited: CheckIn | None, *, now: datetime) -> None:
    """Brings the row to what the facts say.

    A check-in that only moves later, as it does with each tap on scene, is left to the tick: it
    reads the facts before it asks, and the tap writes no row for it. What has risen falls at once,
    as soon as the crew is known to have been well lately enough; while they are not, it stands.
    """
    if awaited is None:
        row.check_in_level = 0
        row.check_in_reached_at = row.check_in_next_at = None
        return
    level, reached = row.check_in_level, awaited.level_at(now)
    if reached < 2:
        level = min(level, reached)
    next_at = awaited.rises_at(level + 1) if level < HIGHEST else None
    if level < row.check_in_level:
        row.check_in_reached_at = awaited.rises_at(level) if level else None
    elif level == 0 and row.check_in_next_at is not None and next_at is not None:
        next_at = min(next_at, row.check_in_next_at)
    row.check_in_level, row.check_in_next_at = level, next_at


def rise(row: Assignment, awaited: CheckIn, *, now: datetime) -> bool:
    """Raises the row to the highest level that is reached at `now`. False: it only looks again
    later, because something was heard of the crew."""
    reached = awaited.level_at(now)
    risen = reached > row.check_in_level
    if risen:
        row.check_in_level, row.check_in_reached_at = reached, now
    level = row.check_in_level
    row.check_in_next_at = awaited.rises_at(level + 1) if level < HIGHEST else None
    return risen


def _graces() -> tuple[timedelta, ...]:
    return tuple(clock.domain(seconds) for seconds in settings.CHECK_IN_GRACE_SECONDS)
