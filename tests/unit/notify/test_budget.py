"""Nobody is told in the night, in a burst, or more than so often a shift; nothing is lost by it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.notify import budget
from apps.notify.budget import Past
from tests.unit.notify.test_hours import at, of

PACE = timedelta(minutes=15)
URGENT_PACE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("now", "urgent", "last", "counted", "told"),
    [
        ("2026-03-04 13:00", False, None, 0, "2026-03-04 13:00"),
        # Not in a burst.
        ("2026-03-04 13:00", False, "2026-03-04 12:50", 1, "2026-03-04 13:05"),
        ("2026-03-04 13:00", False, "2026-03-04 12:45", 1, "2026-03-04 13:00"),
        ("2026-03-04 13:00", True, "2026-03-04 12:59", 1, "2026-03-04 13:00"),
        ("2026-03-04 13:00", True, "2026-03-04 13:00", 1, "2026-03-04 13:01"),
        # Not more than so often a shift.
        ("2026-03-04 13:00", False, "2026-03-04 12:10", 2, "2026-03-04 13:00"),
        ("2026-03-04 13:00", False, "2026-03-04 12:10", 3, "2026-03-05 12:00"),
        ("2026-03-04 13:00", True, "2026-03-04 12:10", 99, "2026-03-04 13:00"),
        # Not out of hours, whatever it is.
        ("2026-03-04 22:00", False, None, 0, "2026-03-05 12:00"),
        ("2026-03-04 22:00", True, None, 0, "2026-03-05 12:00"),
        # What would be told just after the end waits for the next day.
        ("2026-03-04 21:55", False, "2026-03-04 21:50", 1, "2026-03-05 12:00"),
        # Over the changes of the clocks the next shift begins at noon.
        ("2026-03-07 13:00", False, None, 3, "2026-03-08 12:00"),
        ("2026-10-31 13:00", False, None, 3, "2026-11-01 12:00"),
    ],
)
def test_a_message_is_made(
    now: str, urgent: bool, last: str | None, counted: int, told: str
) -> None:
    found = budget.told_at(
        urgent=urgent,
        past=Past(last=at(last) if last else None, counted=counted),
        hours=of(),
        pace=URGENT_PACE if urgent else PACE,
        budget=3,
        now=at(now),
    )
    assert found == at(told)


@pytest.mark.parametrize(
    ("shift", "now", "since"),
    [
        ("12:00-22:00", "2026-03-04 13:00", "2026-03-04 12:00"),
        ("20:00-06:00", "2026-03-05 02:00", "2026-03-04 20:00"),
        ("00:00-00:00", "2026-03-08 13:00", "2026-03-08 00:00"),
        ("00:00-00:00", "2026-11-01 01:30+", "2026-11-01 00:00"),
        ("12:00-22:00", "2026-03-04 03:00", "2026-03-04 03:00"),
    ],
)
def test_what_counts_is_of_the_shift(shift: str, now: str, since: str) -> None:
    assert budget.counted_since(at(now), of(shift)) == at(since)


def test_of_a_day_that_is_all_shift_the_budget_is_of_the_day() -> None:
    found = budget.told_at(
        urgent=False,
        past=Past(counted=3),
        hours=of("00:00-00:00", "22:00-08:00"),
        pace=PACE,
        budget=3,
        now=at("2026-10-31 13:00"),
    )
    assert found == at("2026-11-01 08:00")
