"""A follow-up's row, as its clock reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from apps.accounts.models import Team
from apps.core import clock
from apps.followups.models import FollowUp
from apps.followups.reminding import HOURS, MISSED_AFTER_HOURS, Opens, Watched
from apps.notify.hours import hours_of, next_open


def line_of(row: FollowUp) -> Mapping[str, Any]:
    """The line of the plan that made a follow-up; empty for one that was made by hand."""
    items = row.plan.definition.get("items", []) if row.plan else []
    return next((item for item in items if item.get("code") == row.item), {})


def watched_of(row: FollowUp) -> Watched:
    """What of its columns says when it reminds. With its plan."""
    hours = line_of(row).get("missed_after_hours")
    return Watched(
        state=row.state,
        due_from=row.due_from,
        due_until=row.due_until,
        missed_after=clock.days((MISSED_AFTER_HOURS if hours is None else hours) * HOURS),
        level=row.level,
        acknowledged=row.acknowledged_at is not None,
        paused_until=row.paused_until,
        leaves_at=row.leaves_at,
    )


def opens_of(teams: Iterable[UUID]) -> dict[UUID, Opens]:
    """For each of these teams, when it works next."""
    rows = Team.objects.select_related("hours").filter(pk__in=list(teams))
    return {row.pk: partial(next_open, hours=hours_of(row)) for row in rows}
