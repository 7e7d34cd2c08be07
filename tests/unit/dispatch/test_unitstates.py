"""A unit's statuses, in whatever order they are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

from apps.dispatch.calls import UnitOnCall, UnitStatus
from apps.dispatch.unitstates import UnitState, merge_unit

NOON = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def unit(*statuses: tuple[str, float | None], active: bool = True) -> UnitOnCall:
    return UnitOnCall(
        call_sign="3M21",
        active=active,
        statuses=tuple(
            UnitStatus(status=status, at=None if minutes is None else at(minutes))
            for status, minutes in statuses
        ),
    )


def states(*steps: tuple[UnitOnCall, float]) -> UnitState:
    state = UnitState()
    for step, minutes in steps:
        state = merge_unit(state, step, at=at(minutes))
    return state


class TestUnits:
    def test_a_status_told_again_keeps_its_beginning(self) -> None:
        state = states((unit(("OnScene", 2)), 2), (unit(("OnScene", 9)), 9))
        assert state.times == {"OnScene": at(2)}
        assert state.told_at == at(9)

    def test_a_status_without_a_time_began_with_the_message(self) -> None:
        state = states((unit(("EnRoute", None)), 1), (unit(("EnRoute", None)), 4))
        assert state.times == {"EnRoute": at(1)}

    def test_statuses_told_together_stay_together(self) -> None:
        both = (("Arrived", None), ("AlternateLocation", None))
        state = states((unit(("EnRoute", None)), 1), (unit(*both), 5), (unit(*both), 8))
        assert state.times == {"EnRoute": at(1), "Arrived": at(5), "AlternateLocation": at(5)}
        assert state.status == "AlternateLocation"

    def test_a_movement_begins_anew_with_a_place_that_is_new(self) -> None:
        there = (("Transporting", None), ("Hospital", None))
        state = states((unit(("Transporting", None)), 1), (unit(*there), 5), (unit(*there), 8))
        assert state.times == {"Transporting": at(5), "Hospital": at(5)}

    def test_a_second_round_counts(self) -> None:
        rounds = (unit(("EnRoute", 1), ("OnScene", 2), ("EnRoute", 3)), 3)
        state = states(rounds, rounds)
        assert (state.status, state.times) == ("EnRoute", {"OnScene": at(2), "EnRoute": at(3)})

    def test_any_order_ends_in_the_same_status(self) -> None:
        steps = [("EnRoute", 1), ("OnScene", 2), ("EnRoute", 3), ("OnScene", 6), ("Cleared", 7)]
        single = [(unit(step), float(step[1])) for step in steps]
        for order in permutations(single):
            state = states(*order)
            assert state.status == "Cleared"
            assert state.detached_at == at(7)
            assert set(state.times) == {"EnRoute", "OnScene", "Cleared"}

    def test_a_late_word_between_does_not_hide_the_present(self) -> None:
        state = states(
            (unit(("OnScene", 6)), 6), (unit(("OnScene", 2)), 2), (unit(("EnRoute", 3)), 3)
        )
        assert state.status == "OnScene"
        assert state.times == {"EnRoute": at(3), "OnScene": at(6)}

    def test_a_unit_that_works_elsewhere_has_left(self) -> None:
        state = states((unit(("EnRoute", 1)), 1), (unit(active=False), 2))
        assert state.detached_at == at(2)
        late = states((unit(("EnRoute", 3)), 3), (unit(active=False), 2))
        assert late.detached_at is None

    def test_that_has_left_comes_back_by_a_status_from_after_that_alone(self) -> None:
        left = states((unit(("EnRoute", 1)), 1), (unit(active=False), 5))
        late = merge_unit(left, unit(("OnScene", 3)), at=at(6))
        assert (late.status, late.detached_at) == ("OnScene", at(5))
        same_moment = merge_unit(left, unit(("OnScene", 5)), at=at(6))
        assert same_moment.detached_at == at(5)
        back = merge_unit(late, unit(("Dispatched", 7)), at=at(7))
        assert back.detached_at is None

    def test_that_has_left_comes_back_by_the_time_of_a_message_whose_status_has_none(self) -> None:
        left = states((unit(("EnRoute", 1)), 1), (unit(active=False), 5))
        assert merge_unit(left, unit(("OnScene", None)), at=at(4)).detached_at == at(5)
        assert merge_unit(left, unit(("OnScene", None)), at=at(6)).detached_at is None

    def test_any_order_of_a_word_that_takes_it_off_and_older_ones_leaves_it_off(self) -> None:
        steps = [
            (unit(("Dispatched", 1)), 1.0),
            (unit(("EnRoute", 2)), 2.0),
            (unit(active=False), 5.0),
        ]
        for order in permutations(steps[1:]):
            assert states(steps[0], *order).detached_at == at(5)

    def test_that_is_put_back_is_not_taken_off_by_an_end_that_is_told_again(self) -> None:
        left = states((unit(("EnRoute", 1)), 1), (unit(("Cleared", 5)), 5))
        back = replace(left, detached_at=None)
        assert merge_unit(back, unit(("Cleared", 5)), at=at(9)).detached_at is None
        later = states((unit(("EnRoute", 1), ("Cleared", 5), ("EnRoute", 8)), 8))
        assert merge_unit(later, unit(("Cleared", 9)), at=at(9)).detached_at == at(9)
