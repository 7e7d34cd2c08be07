"""When the next alarm of a call is due, and when a closed call leaves its tablets. Pure.

Durations are domain time; each due time is reckoned from the moment since which an acknowledgement
is awaited, so that a tick that comes late delays no later alarm.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from apps.assignments.models import Assignment
from apps.core import clock

HIGHEST = 3


def due_at(awaited_since: datetime, level: int) -> datetime:
    """When the alarm of this level (1 to 3) is due."""
    return awaited_since + clock.domain(settings.ESCALATION_SECONDS[level - 1])


def follow(row: Assignment, *, awaited: bool, anew: bool, now: datetime) -> None:
    """Arms the alarms of a call that awaits an acknowledgement, and stops them where it does not.

    A further update of a call that is still unacknowledged arms nothing anew: a call that is
    updated every minute would never reach the supervisors. `anew`: another unit has it now.
    """
    if not awaited:
        row.alarm_from = row.alarm_due_at = row.alarm_raised_at = None
        row.alarm_level = 0
    elif row.alarm_from is None or anew:
        row.alarm_from = now
        row.alarm_level, row.alarm_raised_at = 0, None
        row.alarm_due_at = due_at(now, 1)


def raise_level(row: Assignment, *, now: datetime) -> list[int]:
    """Raises the row to the highest level that is due at `now`; the levels raised, lowest first."""
    since = row.alarm_from
    if since is None:
        return []
    raised = [
        level for level in range(row.alarm_level + 1, HIGHEST + 1) if due_at(since, level) <= now
    ]
    if raised:
        row.alarm_level, row.alarm_raised_at = raised[-1], now
        row.alarm_due_at = due_at(since, raised[-1] + 1) if raised[-1] < HIGHEST else None
    return raised


def leave_later(row: Assignment, now: datetime, *, late: bool) -> None:
    """Sets when a closed call leaves its tablets.

    What is told `late`, after it has left, has come to its author's tablet, and leaves it again.
    """
    if row.leaves_at is None and (row.left_at is None or late):
        row.leaves_at = now + clock.domain(settings.CLEARED_STAYS_SECONDS)
