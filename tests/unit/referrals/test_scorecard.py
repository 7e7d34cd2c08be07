from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from apps.referrals.scorecard import Sent, bounds, card
from tests.factories import NOON

SILENT = Sent(
    NOON, None, "requested", accepted=False, served=None, reason_code=None, capacity_said=None
)
TAKEN = replace(SILENT, answered_at=NOON + timedelta(minutes=4), status="accepted", accepted=True)
SERVED = replace(TAKEN, status="completed", served=True)
FULL = replace(
    SILENT, answered_at=NOON + timedelta(minutes=10), status="rejected", reason_code="full"
)


def test_counts_and_shares() -> None:
    found = card([SILENT, TAKEN, SERVED, FULL])

    assert (found.asked, found.answered, found.accepted, found.served) == (4, 3, 2, 1)
    assert (found.answered_share, found.accepted_share) == (0.75, 0.667)
    assert found.loop_closed_share == 0.5
    assert found.seconds_to_answer == 240


def test_what_was_cancelled_unanswered_counts_for_nobody() -> None:
    assert card([replace(SILENT, status="cancelled")]).asked == 0


def test_room_that_was_told_and_was_not_there_is_untrue() -> None:
    told = [replace(FULL, capacity_said=True), replace(TAKEN, capacity_said=True)]

    assert card(told).capacity_true_share == 0.5
    assert card([replace(TAKEN, capacity_said=False)]).capacity_true_share == 0.0


def test_a_share_of_nothing_is_none() -> None:
    assert card([]).served_share is None
    assert card([SILENT]).seconds_to_answer is None


def test_a_month_begins_by_the_citys_clock() -> None:
    begin, end = bounds(date(2026, 3, 9), ZoneInfo("America/Los_Angeles"))

    assert begin.astimezone(UTC) == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert end.astimezone(UTC) == datetime(2026, 4, 1, 7, tzinfo=UTC)  # summer time
