"""What a crew is asked after a dose: about breathing, and nothing twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.firstaid import codes
from apps.firstaid.doses import Answer, Dose, answer_of, dose_of
from apps.firstaid.prompts import HINTS, Protocol, in_force, prompts, prompts_due
from tests.factories import NOON
from tests.unit.firstaid.acts import answer, dose

APPROVED = Protocol("2026", "SFD MPD 2026-01", date(2026, 1, 1), None, timedelta(minutes=2))


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def given_at(seconds: float, **data: object) -> Dose:
    return dose_of(dose(at=at(seconds), **data))


def told(seconds: float, question: str, said: str) -> Answer:
    return answer_of(answer(question, said, at=at(seconds)))


CALLED, AIRWAY = told(1, "fire_called", "called"), told(2, "airway", "open_and_breaths")


def due(
    doses: list[Dose], answers: list[Answer], seconds: float, *, closing: bool = False
) -> list[str]:
    found = prompts_due(doses, answers, at(seconds), protocol=APPROVED, closing=closing)
    return [one.question for one in found]


class TestTheFirstDose:
    def test_asks_for_the_fire_department_airway_and_breaths(self) -> None:
        assert due([given_at(0)], [], 0) == ["fire_called", "airway"]

    def test_asks_again_whoever_has_not_called(self) -> None:
        not_yet = told(5, "fire_called", "not_called")
        assert "fire_called" in due([given_at(0)], [not_yet, AIRWAY], 6)
        assert due([given_at(0)], [not_yet, told(9, "fire_called", "called"), AIRWAY], 10) == []

    def test_that_a_bystander_gave_asks_too(self) -> None:
        before = dose_of(dose(at=at(0), before_arrival=True, given_by="bystander"))
        assert due([before], [], 0) == ["fire_called", "airway"]

    @pytest.mark.parametrize("no_dose", [{"withheld": codes.REFUSED}, {"withdrawn": True}])
    def test_that_nobody_got_asks_nothing(self, no_dose: dict[str, object]) -> None:
        assert due([given_at(0, **no_dose)], [], 9999, closing=True) == []

    @pytest.mark.parametrize("drug", sorted(set(codes.DRUGS) - codes.NALOXONES))
    def test_of_something_else_asks_nothing(self, drug: str) -> None:
        assert due([given_at(0, drug=drug)], [], 9999, closing=True) == []

    def test_of_something_else_begins_no_interval_anew(self) -> None:
        doses = [given_at(0), given_at(100, drug="7806")]
        assert due(doses, [CALLED, AIRWAY], 120) == ["breathing"]


class TestTheInterval:
    def test_is_the_approved_one(self) -> None:
        assert due([given_at(0)], [CALLED, AIRWAY], 119) == []
        assert due([given_at(0)], [CALLED, AIRWAY], 120) == ["breathing"]

    def test_begins_anew_with_each_dose(self) -> None:
        doses = [given_at(0), given_at(100)]
        assert due(doses, [CALLED, AIRWAY], 219) == []
        [one] = prompts_due(doses, [CALLED, AIRWAY], at(220), protocol=APPROVED)
        assert one.dose_id == doses[1].id

    def test_begins_anew_with_each_answer(self) -> None:
        breathes = told(125, "breathing", codes.BREATHING_NORMALLY)
        assert due([given_at(0)], [CALLED, AIRWAY, breathes], 244) == []
        assert due([given_at(0)], [CALLED, AIRWAY, breathes], 245) == ["breathing"]


class TestAnotherDose:
    @pytest.mark.parametrize("breathing", sorted(codes.NEEDS_BREATHS))
    def test_is_asked_about_where_nobody_breathes(self, breathing: str) -> None:
        seen = told(125, "breathing", breathing)
        assert due([given_at(0)], [CALLED, AIRWAY, seen], 125) == ["next_dose"]

    @pytest.mark.parametrize("breathing", sorted(set(codes.BREATHING) - codes.NEEDS_BREATHS))
    def test_is_never_asked_about_where_somebody_breathes(self, breathing: str) -> None:
        seen = told(125, "breathing", breathing)
        assert "next_dose" not in due([given_at(0)], [CALLED, AIRWAY, seen], 9999)

    def test_is_asked_about_at_once_where_the_dose_says_so_itself(self) -> None:
        assert due([given_at(0, breathing_after=codes.GASPING)], [CALLED, AIRWAY], 1) == [
            "next_dose"
        ]

    def test_is_asked_about_once(self) -> None:
        answers = [
            *(CALLED, AIRWAY, told(125, "breathing", codes.NOT_BREATHING)),
            told(130, "next_dose", "medics"),
        ]
        assert due([given_at(0)], answers, 244) == []
        assert due([given_at(0)], answers, 245) == ["breathing"]

    def test_that_is_given_begins_the_interval(self) -> None:
        answers = [CALLED, AIRWAY, told(125, "breathing", codes.NOT_BREATHING)]
        assert due([given_at(0), given_at(140)], answers, 259) == []
        assert due([given_at(0), given_at(140)], answers, 260) == ["breathing"]


class TestClosing:
    def test_asks_who_has_the_person_and_for_the_kit(self) -> None:
        found = due([given_at(0)], [CALLED, AIRWAY], 60, closing=True)
        assert found == ["handover", "kit_left"]

    def test_asks_nothing_more_once_somebody_has_the_person(self) -> None:
        over = told(90, "handover", "medics")
        assert due([given_at(0)], [over], 9999) == []
        assert due([given_at(0)], [over], 9999, closing=True) == ["kit_left"]


class TestTheProtocol:
    def test_is_the_one_that_holds_on_the_day(self) -> None:
        old = replace(APPROVED, version="2025", effective_from=date(2025, 1, 1))
        assert in_force([APPROVED, old], date(2025, 6, 1)) == old
        assert in_force([APPROVED, old], date(2026, 6, 1)) == APPROVED
        assert in_force([APPROVED], date(2025, 6, 1)) is None

    def test_ends_with_its_last_day(self) -> None:
        ended = replace(APPROVED, effective_to=date(2026, 3, 4))
        assert in_force([ended], date(2026, 3, 4)) == ended
        assert in_force([ended], date(2026, 3, 5)) is None

    def test_helps_with_every_question(self) -> None:
        assert set(HINTS) == set(codes.QUESTIONS)


seconds = st.integers(min_value=0, max_value=1000)
some_doses = st.lists(st.builds(given_at, seconds), max_size=4)
some_answers = st.lists(
    st.sampled_from([(q, a) for q, said in codes.ANSWERS.items() for a in said]).flatmap(
        lambda pair: st.builds(told, seconds, st.just(pair[0]), st.just(pair[1]))
    ),
    max_size=8,
)


class TestWhateverHappens:
    @given(some_doses, some_answers, st.booleans(), st.randoms())
    def test_it_follows_from_the_set(
        self, doses: list[Dose], answers: list[Answer], closing: bool, dice: Random
    ) -> None:
        expected = prompts(doses, answers, APPROVED, closing=closing)
        dice.shuffle(doses)
        dice.shuffle(answers)
        assert [one.question for one in prompts(doses, answers, APPROVED, closing=closing)] == [
            one.question for one in expected
        ]

    @given(some_doses, some_answers, st.booleans(), seconds, seconds)
    def test_what_is_due_stays_due_until_it_is_answered(
        self, doses: list[Dose], answers: list[Answer], closing: bool, one: int, more: int
    ) -> None:
        sooner = due(doses, answers, one, closing=closing)
        assert set(sooner) <= set(due(doses, answers, one + more, closing=closing))

    @given(some_doses, some_answers)
    def test_nothing_is_asked_twice_at_once(self, doses: list[Dose], answers: list[Answer]) -> None:
        asked = due(doses, answers, 5000, closing=True)
        assert len(asked) == len(set(asked))

    @given(some_doses, some_answers)
    def test_until_somebody_has_the_person_breathing_is_watched(
        self, doses: list[Dose], answers: list[Answer]
    ) -> None:
        handed = any(one.question == "handover" for one in answers)
        if doses and not handed:
            assert {"breathing", "next_dose"} & set(due(doses, answers, 5000))
