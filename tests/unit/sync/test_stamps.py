"""What can be read of a fact's stamp, and what becomes of the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.sync.stamps import Reading, as_sent, instant, whole

TEN = datetime(2026, 3, 4, 22, 10, 0, 500_000, tzinfo=UTC)


def read(value: Any) -> tuple[Any, Reading]:
    reading = Reading()
    return instant({"device_time": value}, "device_time", reading), reading


def test_a_time_is_read_in_utc() -> None:
    assert read("2026-03-04T22:10:00.500Z") == (TEN, Reading())


def test_another_spelling_is_sent_back_alike_and_is_no_flaw() -> None:
    at, reading = read("2026-03-04T14:10:00.5-08:00")
    assert (at, reading.flags) == (TEN, set())
    assert as_sent(at, "device_time", reading.unread) == "2026-03-04T14:10:00.5-08:00"


@pytest.mark.parametrize("value", ["yesterday", "2026-03-04T22:10:00", 17, True, ["x"]])
def test_a_time_that_cannot_be_read_is_kept_and_flagged(value: Any) -> None:
    at, reading = read(value)
    assert at is None
    assert reading == Reading({"device_time": value}, {"bad_field"})
    assert as_sent(at, "device_time", reading.unread) is None


@pytest.mark.parametrize("value", ["17", 1.5, True, 2**63])
def test_a_number_that_is_none_is_kept_and_flagged(value: Any) -> None:
    reading = Reading()
    assert whole({"counter": value}, "counter", reading) is None
    assert reading == Reading({"counter": value}, {"bad_field"})


def test_what_is_missing_is_no_flaw() -> None:
    reading = Reading()
    assert (whole({}, "counter", reading), instant({}, "at", reading)) == (None, None)
    assert reading == Reading()
