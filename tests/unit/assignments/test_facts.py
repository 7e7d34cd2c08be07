"""Who wins, and what a clock is worth."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.assignments.timeline import Fact, Limits, arrival_of, corrected_time, in_precedence
from apps.assignments.timeline.facts import reading_of
from tests.unit.assignments.facts import NOON, TABLET_A, TABLET_B, Story, at

LIMITS = Limits()


def told(facts: list[Fact]) -> list[str]:
    return [fact.event for fact in in_precedence(facts)]


def test_facts_of_different_devices_count_in_the_servers_order() -> None:
    story = Story()
    story.tap("en_route", 9, device=TABLET_A)
    story.tap("on_scene", 1, device=TABLET_B)
    story.cad("cleared", 0)
    assert told(story.facts) == ["en_route", "on_scene", "cleared"]


def test_facts_of_one_device_count_in_the_order_of_its_counter() -> None:
    story = Story()
    story.tap("acknowledged", 1)
    story.add("on_scene", 9, device=TABLET_A, counter=3)
    story.add("en_route", 5, device=TABLET_A, counter=2)
    assert told(story.facts) == ["acknowledged", "en_route", "on_scene"]


def test_a_stuck_tap_never_drags_later_taps_of_its_device_along() -> None:
    story = Story()
    story.add("on_scene", 5, device=TABLET_A, counter=2)
    story.add("cleared", 9, device=TABLET_A, counter=3)
    story.desk("reopened", 12)
    story.add("en_route", 1, device=TABLET_A, counter=1)  # stuck, arrives last
    assert told(story.facts) == ["en_route", "on_scene", "cleared", "reopened"]


def test_a_fact_that_comes_twice_counts_once_as_first_taken() -> None:
    story = Story()
    first = story.tap("en_route", 1)
    again = story.add("on_scene", 2, id=first.id)
    assert in_precedence([again, first]) == in_precedence([first, again]) == [first]


def test_a_fact_needs_times_with_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        Story().add("en_route", None, device_time=datetime(2024, 5, 1))  # noqa: DTZ001


def test_data_are_never_printed() -> None:
    assert "Jane" not in repr(Story().tap("en_route", 1, note="Jane Doe"))


def test_data_that_are_no_object_count_as_empty() -> None:
    assert Story().add("en_route", 1, data=["x"]).data == {}


def test_the_offset_is_taken_off_the_devices_clock() -> None:
    fact = Story().add("en_route", 180, clock_offset_ms=3 * 3_600_000, received_at=at(1))
    assert corrected_time(fact.device_time, fact.clock_offset_ms) == NOON
    reading = reading_of(fact, LIMITS)
    assert (reading.at, reading.flags, reading.trustworthy) == (NOON, ("clock_suspect",), False)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
@pytest.mark.parametrize("offset_ms", [None, 0, 40])
def test_a_clock_at_an_end_of_the_calendar_says_nothing(text: str, offset_ms: int | None) -> None:
    said = datetime.fromisoformat(text)
    assert corrected_time(said, offset_ms) is None
    fact = Story().add("en_route", None, device_time=said, clock_offset_ms=offset_ms)
    assert (reading_of(fact, LIMITS).usable, reading_of(fact, LIMITS).at) == (False, None)


@pytest.mark.parametrize(
    ("fields", "flags", "trustworthy"),
    [
        ({"clock_offset_ms": 0, "clock_uncertainty_ms": 40}, (), True),
        ({"clock_offset_ms": 120_000}, (), True),
        ({"clock_offset_ms": 120_001}, ("clock_suspect",), False),
        ({"clock_offset_ms": -120_001}, ("clock_suspect",), False),
        ({"clock_offset_ms": 0, "clock_uncertainty_ms": 120_001}, ("clock_suspect",), False),
        ({"clock_offset_ms": None}, ("clock_unmeasured",), False),
        ({"source": "cad"}, (), True),
        ({"device_time": None, "clock_offset_ms": 0}, ("missing_time",), False),
        ({"source": "cad", "device_time": None}, ("missing_time",), False),
        ({"source": "system", "device_time": None}, (), True),
    ],
)
def test_what_a_clock_is_worth(
    fields: dict[str, object], flags: tuple[str, ...], trustworthy: bool
) -> None:
    fact = Story().add("en_route", 0, **{"received_at": at(5), **fields})
    reading = reading_of(fact, LIMITS)
    assert (reading.flags, reading.trustworthy) == (flags, trustworthy)


def test_what_the_desk_tells_happened_when_the_server_took_it() -> None:
    fact = Story().add("reassigned", None, source="desk", received_at=at(7))
    assert reading_of(fact, LIMITS).at == at(7)


def test_a_time_after_its_receipt_is_not_used() -> None:
    fact = Story().add("en_route", 30, clock_offset_ms=0, received_at=at(0))
    reading = reading_of(fact, LIMITS)
    assert reading.flags == ("time_in_future",)
    assert not reading.usable


def test_an_absurd_offset_gives_no_time() -> None:
    fact = Story().add("en_route", 0, clock_offset_ms=10**18)
    assert reading_of(fact, LIMITS).flags == ("missing_time",)


def test_the_limit_is_a_setting() -> None:
    fact = Story().add("en_route", 0, clock_offset_ms=2_000, received_at=at(1))
    assert reading_of(fact, Limits(clock=timedelta(seconds=1))).flags == ("clock_suspect",)


def test_a_counter_without_a_device_orders_nothing() -> None:
    story = Story()
    story.add("en_route", 1, counter=9)
    story.add("on_scene", 2, counter=1)
    assert told(story.facts) == ["en_route", "on_scene"]
    assert all(isinstance(fact.id, UUID) for fact in story.facts)


class TestHowItCame:
    """A call for help that waited in a tablet; `minutes` after the tap it was received."""

    def came(self, minutes: float, **fields: Any) -> tuple[datetime | None, float | None, bool]:
        stamp = {"source": "tablet", "device": TABLET_A, "counter": 1, **fields}
        fact = Story().add("emergency", 20, **{"received_at": at(20 + minutes), **stamp})
        found = arrival_of(fact, LIMITS)
        late = found.late and found.late.total_seconds() / 60
        return found.tapped_at, late, found.in_doubt

    def test_late_by_a_clock_that_was_measured(self) -> None:
        assert self.came(40) == (at(20), 40, False)
        assert self.came(2 * 24 * 60) == (at(20), 2 * 24 * 60, False)

    def test_at_once_within_the_minute_that_a_slow_radio_takes(self) -> None:
        assert self.came(0.9) == (at(20), None, False)
        assert self.came(1.5) == (at(20), 1.5, False)

    def test_the_measured_offset_puts_the_clock_right(self) -> None:
        """Of a clock that is a minute and a half behind: what looks late has just been tapped."""
        behind = {"device_time": at(18.5), "clock_offset_ms": -90_000}
        assert self.came(0, **behind) == (at(20), None, False)
        assert self.came(40, **behind) == (at(20), 40, False)

    @pytest.mark.parametrize(
        "clock",
        [
            {"clock_offset_ms": None},
            {"clock_offset_ms": -3 * 24 * 3_600_000},
            {"clock_uncertainty_ms": 600_000},
        ],
        ids=["never measured", "days behind", "measured over a very slow radio"],
    )
    def test_a_clock_in_doubt_calls_nothing_late(self, clock: dict[str, int | None]) -> None:
        offset = timedelta(milliseconds=clock.get("clock_offset_ms") or 0)
        clock = {"clock_uncertainty_ms": 100, **clock}
        assert self.came(40, device_time=at(20) + offset, **clock) == (at(20), None, True)

    def test_nor_what_may_have_come_at_once_as_exactly_as_it_was_measured(self) -> None:
        assert self.came(1.5, clock_uncertainty_ms=50_000) == (at(20), None, False)

    @pytest.mark.parametrize("device_time", [None, at(500)], ids=["none", "in the future"])
    def test_no_time_of_a_tap_where_none_can_be(self, device_time: datetime | None) -> None:
        assert self.came(40, device_time=device_time) == (None, None, False)
