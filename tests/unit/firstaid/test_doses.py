"""Doses as they stand: corrections, answers, times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.firstaid import aid, codes
from apps.firstaid.doses import amount, chains, dose_of, doses, standing
from tests.factories import NOON
from tests.unit.firstaid.acts import answer, dose, log

BETTER, WORSE = codes.IMPROVED, "9916005"


class TestCorrections:
    def test_the_last_one_holds(self) -> None:
        first = dose(dose=4)
        second = dose(corrects=first, dose=8)
        third = dose(corrects=first, dose=2)
        assert [row.amount for row in doses([third, first, second])] == [Decimal(2)]

    def test_may_be_corrected(self) -> None:
        first = dose(dose=4)
        second = dose(corrects=first, dose=8)
        third = dose(corrects=second, dose=2)
        assert [row.id for row in doses([first, second, third])] == [third.pk]

    def test_hold_whichever_came_first(self) -> None:
        second = dose(dose=8)
        first = dose(dose=4)
        second.corrects = first.pk
        assert [row.id for row in doses([first, second])] == [second.pk]

    def test_stands_for_itself_until_its_first_row_comes(self) -> None:
        first = dose(dose=4)
        second = dose(corrects=first, dose=8)
        assert [row.id for row in doses([second])] == [second.pk]

    def test_may_take_it_back(self) -> None:
        first = dose(dose=4)
        assert doses([first, dose(corrects=first, withdrawn=True)]) == []

    def test_in_a_circle_hold_nothing_and_break_nothing(self) -> None:
        one, other, alone = dose(), dose(), dose()
        one.corrects, other.corrects = other.pk, one.pk
        assert [row.id for row in doses([one, other, alone])] == [alone.pk]

    @given(st.lists(st.integers(min_value=-1, max_value=7), min_size=1, max_size=8), st.randoms())
    def test_are_a_function_of_the_set(self, targets: list[int], dice: Random) -> None:
        rows = [dose_of(dose()) for _ in targets]
        linked = [
            row if target < 0 else replace(row, corrects=rows[target].id)
            for row, target in zip(rows, (t if t < len(rows) else -1 for t in targets), strict=True)
        ]
        shuffled = list(linked)
        dice.shuffle(shuffled)
        assert standing(shuffled) == standing(linked)
        assert len({row.id for chain in chains(linked) for row in chain}) == sum(
            len(chain) for chain in chains(linked)
        )


class TestAnswers:
    def test_fill_what_the_dose_left_open(self) -> None:
        first = dose(dose=4)
        told = [
            answer("breathing", codes.GASPING, of=first, response=WORSE),
            answer("breathing", codes.BREATHING_NORMALLY, of=first, response=BETTER),
        ]
        [found] = doses([first], told)
        assert (found.breathing_after, found.response) == (codes.BREATHING_NORMALLY, BETTER)

    def test_replace_nothing_that_was_told(self) -> None:
        first = dose(response=WORSE, breathing_after=codes.GASPING)
        told = [answer("breathing", codes.BREATHING_NORMALLY, of=first, response=BETTER)]
        [found] = doses([first], told)
        assert (found.breathing_after, found.response) == (codes.GASPING, WORSE)

    def test_stay_with_a_dose_that_is_corrected(self) -> None:
        first = dose(dose=4)
        told = [answer("breathing", codes.BREATHING_NORMALLY, of=first, response=BETTER)]
        [found] = doses([first, dose(corrects=first, dose=8)], told)
        assert (found.amount, found.response) == (Decimal(8), BETTER)


class TestTimes:
    def test_are_off_by_what_was_measured(self) -> None:
        late = dose(at=NOON + timedelta(hours=3), offset_ms=3 * 3_600_000)
        assert dose_of(late).at == NOON

    def test_a_stated_one_goes_before_the_tap(self) -> None:
        earlier = NOON - timedelta(minutes=4)
        assert dose_of(dose(given_at=earlier)).at == earlier

    def test_before_anybody_came_nobody_knows_unless_it_is_stated(self) -> None:
        assert dose_of(dose(before_arrival=True)).at is None
        assert dose_of(dose(before_arrival=True, given_at=NOON)).at == NOON

    def test_doses_without_one_come_first(self) -> None:
        known, unknown = dose(), dose(before_arrival=True)
        assert [row.id for row in doses([known, unknown])] == [unknown.pk, known.pk]


class TestReading:
    @pytest.mark.parametrize("value", [True, None, [], "four", "nan", "inf", -1, 0])
    def test_what_is_no_amount_is_left_open(self, value: object) -> None:
        assert amount(value) is None

    @pytest.mark.parametrize(("value", "is_"), [(4, "4"), (0.4, "0.4"), ("0.40", "0.40")])
    def test_amounts_are_exact(self, value: object, is_: str) -> None:
        assert str(amount(value)) == is_

    def test_a_dose_of_nothing_but_a_tap_is_naloxone(self) -> None:
        found = dose_of(dose())
        assert (found.drug, found.route, found.was_given) == (codes.NALOXONE, "", True)

    def test_odd_shapes_are_left_open(self) -> None:
        odd = dose(route=5, complications={"no": "list"}, before_arrival="yes", position="here")
        found = dose_of(odd)
        assert (found.route, found.complications, found.before_arrival) == ("", (), False)
        assert found.position is None

    def test_a_refused_one_was_not_given(self) -> None:
        assert not dose_of(dose(withheld=codes.REFUSED)).was_given

    @pytest.mark.parametrize(
        ("data", "naloxone"),
        [
            ({}, True),
            ({"drug": "203192"}, True),
            ({"drug": "4850"}, False),
            ({"drug": "7806"}, False),
            ({"withheld": codes.REFUSED}, False),
            ({"withdrawn": True}, False),
        ],
    )
    def test_naloxone_is_what_somebody_got_of_it(
        self, data: dict[str, object], naloxone: bool
    ) -> None:
        assert dose_of(dose(**data)).gave_naloxone is naloxone


class TestAid:
    def test_the_correction_holds(self) -> None:
        first = log(procedures=["182555002"])
        [found] = aid.aids([first, log(corrects=first, procedures=["20655006"])])
        assert found.procedures == ("20655006",)

    def test_refused_procedures_keep_why(self) -> None:
        [found] = aid.aids([log(refused=[{"procedure": "182555002", "reason": "8801019"}, "odd"])])
        assert found.refused == (aid.Refusal("182555002", "8801019"),)

    def test_measures_that_cannot_be_are_left_out(self) -> None:
        [found] = aid.aids([log(vitals={"pulse": 88, "oxygen": 130, "mood": 3, "glucose": True})])
        assert found.vitals == {"pulse": 88}


@pytest.mark.parametrize(
    "at", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
)
@pytest.mark.parametrize("offset_ms", [-60_000, 0, 60_000])
def test_a_time_at_either_end_of_the_calendar_is_not_known(at: datetime, offset_ms: int) -> None:
    """Any reckoning with it fails, and with it the whole record that it stands in."""
    [told] = doses([dose(given_at=at, offset_ms=offset_ms)])
    assert told.at is None
