"""Each figure by its definition: numerator, denominator, and what is not known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.metrics import figures
from apps.metrics.definitions import DEFINITIONS
from apps.metrics.figures import Dispatch, FollowedUp, GivenBack, Value

NOON = datetime(2026, 3, 4, 20, tzinfo=UTC)
SEATTLE = ZoneInfo("America/Los_Angeles")


def dispatch(minutes: float | None = 10, **other: Any) -> Dispatch:
    given_at = other.pop("given_at", NOON)
    plain: dict[str, Any] = {
        "entry_kind": "dual_911",
        "beat": "M3",
        "closed": True,
        "closing": "cleared",
        "met": True,
        "record": "full",
        "doses": 0,
        "naloxone": 0,
    }
    arrived = None if minutes is None else given_at + timedelta(minutes=minutes)
    return Dispatch(given_at=given_at, on_scene_at=arrived, **{**plain, **other})


def test_every_figure_is_defined_in_words() -> None:
    for one in DEFINITIONS.values():
        assert all((one.title, one.says, one.numerator, one.denominator, one.missing, one.unit))


class TestResponse:
    def test_is_the_median_and_the_90th_percentile_of_those_that_arrived(self) -> None:
        told = figures.response([dispatch(minutes) for minutes in range(1, 11)])
        assert (told.value, told.p90, told.denominator, told.missing) == (5, 9, 10, 0)

    def test_tells_who_never_arrived_or_has_no_time(self) -> None:
        told = figures.response([dispatch(8), dispatch(None), dispatch(-3)])
        assert (told.value, told.denominator, told.missing) == (8, 1, 2)

    def test_has_nothing_to_say_of_calls_that_the_crew_began_itself(self) -> None:
        told = figures.response([dispatch(0, entry_kind="on_view")])
        assert told == Value(0, 0, 0, None)

    def test_is_by_the_hour_on_the_city_s_clock(self) -> None:
        late = dispatch(20, given_at=datetime(2026, 3, 5, 5, 59, tzinfo=UTC))
        told = figures.response_by_hour([dispatch(4), late], SEATTLE)
        assert {hour: one.value for hour, one in told.items()} == {"12:00": 4, "21:00": 20}

    def test_is_by_beat(self) -> None:
        told = figures.response_by_beat([dispatch(4), dispatch(6, beat="")])
        assert {beat: one.value for beat, one in told.items()} == {"?": 6, "M3": 4}


class TestContact:
    def test_leaves_out_what_was_called_off(self) -> None:
        rows = [
            dispatch(),
            dispatch(met=False, closing="unable_to_locate"),
            dispatch(met=False, closing="cancelled"),
            dispatch(met=False, closing="declined"),
            dispatch(closed=False, closing=""),
        ]
        told = figures.contact(rows)
        assert (told.numerator, told.denominator, told.missing, told.value) == (1, 2, 1, 50.0)


class TestMinutesGivenBack:
    def test_are_a_sum_in_which_the_unknown_is_nought_and_told(self) -> None:
        told = figures.minutes_given_back([GivenBack(2, 1, 1800), GivenBack(1, 1, 90)])
        assert (told.value, told.denominator, told.missing) == (32, 3, 1)

    def test_are_nothing_where_nobody_was_there(self) -> None:
        assert figures.minutes_given_back([GivenBack(0, 0, 0)]).value is None


def test_doses_are_a_week_s_and_those_of_others_stand_apart() -> None:
    told = figures.doses([dispatch(doses=2, naloxone=3), dispatch()], weeks=2)
    assert (told.value, told.numerator, told.parts["by_others"].numerator) == (1.0, 2, 1)


def test_records_are_of_ended_dispatches_by_their_kind() -> None:
    rows = [dispatch(), dispatch(record="automatic"), dispatch(record="")]
    told = figures.records([*rows, dispatch(closed=False, record="")])
    assert (told.numerator, told.denominator, told.missing) == (2, 3, 1)
    assert {name: one.numerator for name, one in told.parts.items()} == {
        "automatic": 1,
        "minimal": 0,
        "full": 1,
    }


class TestFollowUps:
    @pytest.mark.parametrize(
        ("tried", "reached", "by"),
        [(23, 71, (1, 1)), (24, 72, (1, 1)), (25, 73, (0, 0)), (None, None, (0, 0))],
    )
    def test_are_in_time_to_the_hour(
        self, tried: int | None, reached: int | None, by: tuple[int, int]
    ) -> None:
        def at(hours: int | None) -> datetime | None:
            return None if hours is None else NOON + timedelta(hours=hours)

        rows = [FollowedUp(NOON, at(tried), at(reached), ended_early=False)]
        told = (figures.tried_within(rows, 24), figures.reached_within(rows, 72))
        assert tuple(one.numerator for one in told) == by

    def test_that_ended_before_they_were_due_are_not_known(self) -> None:
        told = figures.tried_within([FollowedUp(NOON, None, None, ended_early=True)], 24)
        assert (told.denominator, told.missing, told.value) == (0, 1, None)


def test_percentiles_are_values_that_occurred() -> None:
    assert figures.percentile([1, 2, 3, 100], 50) == 2
    assert figures.percentile([7], 90) == 7
