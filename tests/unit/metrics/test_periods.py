"""Days by the city's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from apps.metrics.periods import Period, month_before, month_of

SEATTLE = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 7, 1), 24)],
)
def test_a_day_of_a_clock_change_has_another_length(day: date, hours: int) -> None:
    period = Period(day, day, SEATTLE)
    assert (period.ends - period.begins).total_seconds() == hours * 3600


def test_it_begins_and_ends_at_the_city_s_midnight() -> None:
    period = Period(date(2026, 3, 1), date(2026, 3, 31), SEATTLE)
    assert period.begins == datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert period.ends == datetime(2026, 4, 1, 7, tzinfo=UTC)
    assert period.weeks == pytest.approx(31 / 7)


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        (date(2026, 1, 15), date(2025, 12, 1), date(2025, 12, 31)),
        (date(2024, 3, 31), date(2024, 2, 1), date(2024, 2, 29)),
    ],
)
def test_the_month_before(day: date, first: date, last: date) -> None:
    period = month_before(day, SEATTLE)
    assert (period.first, period.last) == (first, last)
    assert month_of(first, SEATTLE) == period


@pytest.mark.parametrize(
    ("first", "last"), [(date(2026, 2, 2), date(2026, 2, 1)), (date(2025, 1, 1), date(2026, 1, 2))]
)
def test_neither_backwards_nor_for_years(first: date, last: date) -> None:
    with pytest.raises(ValueError, match=r"before it begins|Longer than a year"):
        Period(first, last, SEATTLE)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_none_lies_where_no_zone_has_a_clock(day: date) -> None:
    with pytest.raises(ValueError, match="No dispatches"):
        Period(day, day, SEATTLE)
