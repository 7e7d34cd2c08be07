from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.changes.reading import Head
from apps.core.problems import ProblemError
from apps.sync.headers import Clock, format_head, measure_clock, parse_head, parse_instance

NOW = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def test_a_head_comes_back_as_it_was_given() -> None:
    assert parse_head(format_head(Head(17, 8_999_999_999_999_999))) == Head(
        17, 8_999_999_999_999_999
    )


@pytest.mark.parametrize("text", ["", "17", "17.", ".3", "a.b", "-1.2", "1.2.3", "٣.٣", "9" * 40])
def test_what_is_no_head(text: str) -> None:
    with pytest.raises(ProblemError, match="Sync-Seen"):
        parse_head(text)


@pytest.mark.parametrize("text", [None, "", "tablet 7"])
def test_an_instance_must_be_given(text: str | None) -> None:
    with pytest.raises(ProblemError, match="Sync-Instance"):
        parse_instance(text)


def test_a_clock_that_is_right() -> None:
    assert measure_clock(f"{NOW_MS}", now=NOW) == Clock(0, None)


def test_half_a_round_trip_is_the_uncertainty() -> None:
    sent = NOW_MS - 100
    assert measure_clock(f"{sent};rtt=200", now=NOW) == Clock(0, 100)


def test_a_clock_three_hours_fast() -> None:
    fast = int((NOW + timedelta(hours=3)).timestamp() * 1000)
    assert measure_clock(f"{fast}; rtt=50", now=NOW) == Clock(3 * 3_600_000 + 25, 25)


@pytest.mark.parametrize("text", ["0", "-1", "999999999999999"])
def test_a_hopeless_clock_fits_its_column(text: str) -> None:
    clock = measure_clock(text, now=NOW)
    assert clock is not None
    assert abs(clock.offset_ms) == 2**31 - 1


@pytest.mark.parametrize("text", [None, "", "now", "1;rtt=", "1;rtt=x", "1e3", "1;2", "9" * 30])
def test_a_clock_that_is_not_understood_is_no_reason_to_refuse(text: str | None) -> None:
    assert measure_clock(text, now=NOW) is None
