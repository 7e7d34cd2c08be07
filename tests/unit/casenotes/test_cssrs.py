"""The Columbia screener: what is asked, and what the answers say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.casenotes import codes
from apps.casenotes.content import cssrs
from tests.unit.casenotes.strategies import answers

CALM = {"q1": "no", "q2": "no", "q6": "no"}
THOUGHTS = {"q1": "yes", "q2": "yes", "q3": "no", "q4": "no", "q5": "no", "q6": "no"}


class TestOrderOfQuestions:
    @pytest.mark.parametrize(
        ("given_answers", "asked"),
        [
            ({}, ("q1", "q2", "q6")),
            ({"q2": "no"}, ("q1", "q2", "q6")),
            ({"q2": "yes"}, ("q1", "q2", "q3", "q4", "q5", "q6")),
            ({"q2": "refused"}, ("q1", "q2", "q6")),
            ({"q2": "unable"}, ("q1", "q2", "q6")),
            ({"q1": "yes", "q2": "no", "q6": "yes"}, ("q1", "q2", "q6", "q6_recent")),
            ({"q6": "refused"}, ("q1", "q2", "q6")),
            (
                {"q2": "yes", "q6": "yes"},
                ("q1", "q2", "q3", "q4", "q5", "q6", "q6_recent"),
            ),
        ],
    )
    def test_is_the_published_one(
        self, given_answers: dict[str, str], asked: tuple[str, ...]
    ) -> None:
        assert cssrs.asked(given_answers) == asked

    @given(answers)
    def test_one_two_and_six_are_always_asked(self, told: dict[str, Any]) -> None:
        assert {"q1", "q2", "q6"} <= set(cssrs.asked(told))

    @given(answers)
    def test_three_to_five_only_after_a_yes_to_two(self, told: dict[str, Any]) -> None:
        deeper = {"q3", "q4", "q5"} & set(cssrs.asked(told))
        assert len(deeper) == (3 if cssrs.answer(told, "q2") == "yes" else 0)

    def test_the_words_and_periods_are_those_of_the_form(self) -> None:
        form = """
            q1 past month: Have you wished you were dead or wished you could go to sleep and not
            wake up?
            q2 past month: Have you actually had any thoughts of killing yourself?
            q3 past month: Have you been thinking about how you might do this?
            q4 past month: Have you had these thoughts and had some intention of acting on them?
            q5 past month: Have you started to work out or worked out the details of how to kill
            yourself? Do you intend to carry out this plan?
            q6 lifetime: Have you ever done anything, started to do anything, or prepared to do
            anything to end your life?
            q6_recent past 3 months: Was this within the past 3 months?
        """
        ours = (f"{name} {one.period}: {one.words}" for name, one in cssrs.QUESTIONS.items())
        assert " ".join(ours) == " ".join(form.split())


class TestRisk:
    @pytest.mark.parametrize(
        ("told", "risk"),
        [
            (CALM, "none"),
            ({**CALM, "q1": "yes"}, "low"),
            (THOUGHTS, "low"),
            ({**THOUGHTS, "q3": "yes"}, "moderate"),
            ({**THOUGHTS, "q4": "yes"}, "high"),
            ({**THOUGHTS, "q5": "yes"}, "high"),
            ({**CALM, "q6": "yes", "q6_recent": "no"}, "moderate"),
            ({**CALM, "q6": "yes", "q6_recent": "yes"}, "high"),
            ({**CALM, "q6": "yes", "q6_recent": "refused"}, "moderate"),
            ({**CALM, "q6": "yes"}, "moderate"),
            # What is not answered is no "no".
            ({}, "incomplete"),
            ({"q1": "no", "q2": "no"}, "incomplete"),
            ({**CALM, "q1": None}, "incomplete"),
            ({**CALM, "q1": ""}, "incomplete"),
            ({**CALM, "q1": "maybe"}, "incomplete"),
            ({**CALM, "q1": False}, "incomplete"),
            ({**CALM, "q6": "refused"}, "not_determined"),
            ({**CALM, "q2": "unable"}, "not_determined"),
            ({"whole": "refused"}, "not_determined"),
            ({"whole": "unable", "q1": "no"}, "not_determined"),
            ({"whole": "no"}, "incomplete"),
            ({"whole": "yes"}, "incomplete"),
            # A yes counts, wherever it stands.
            ({"q4": "yes"}, "high"),
            ({**CALM, "q5": "yes"}, "high"),
            ({"q6_recent": "yes"}, "high"),
            ({"whole": "refused", "q1": "yes"}, "low"),
            ({"whole": "refused", "q2": "yes", "q4": "yes"}, "high"),
        ],
    )
    def test_is_that_of_the_gravest_answer(self, told: dict[str, Any], risk: str) -> None:
        assert cssrs.risk(told) == risk
        assert risk in codes.RISKS

    @given(answers)
    def test_none_takes_a_no_to_every_question_that_is_asked(self, told: dict[str, Any]) -> None:
        if cssrs.risk(told) == "none":
            assert all(told.get(name) == "no" for name in cssrs.asked(told))

    @given(answers, st.data())
    def test_an_answer_more_never_lowers_it(
        self, told: dict[str, Any], data: st.DataObject
    ) -> None:
        blank = [name for name in cssrs.QUESTIONS if cssrs.answer(told, name) is None]
        if not blank:
            return
        name = data.draw(st.sampled_from(blank))
        more = {**told, name: data.draw(st.sampled_from([*codes.YES_NO]))}
        before, after = cssrs.risk(told), cssrs.risk(more)
        if before in cssrs.LEVELS:
            assert after in cssrs.LEVELS
            assert cssrs.LEVELS.index(after) >= cssrs.LEVELS.index(before)

    @given(answers)
    def test_a_blank_in_place_of_a_no_never_counts_as_none(self, told: dict[str, Any]) -> None:
        for name in cssrs.asked(told):
            assert cssrs.risk({**told, name: None, "whole": None}) != "none"

    @given(answers)
    def test_a_higher_risk_is_excluded_only_by_answers(self, told: dict[str, Any]) -> None:
        if not cssrs.may_be_higher(told) and cssrs.risk(told) != "high":
            assert all(
                cssrs.answer(told, name) in {"yes", "no"}
                for name in cssrs.asked(told)
                if cssrs.QUESTIONS[name].points_to == "high"
            )

    @pytest.mark.parametrize(
        ("told", "open_"),
        [
            (CALM, False),
            ({**THOUGHTS, "q4": "yes", "q5": "refused"}, False),
            ({**THOUGHTS, "q3": "yes", "q4": "refused"}, True),
            ({**CALM, "q1": "yes", "q6": "unable"}, True),
            ({**CALM, "q6": "yes", "q6_recent": "unable"}, True),
            ({"whole": "refused"}, True),
        ],
    )
    def test_may_be_higher_where_a_graver_question_is_open(
        self, told: dict[str, Any], open_: bool
    ) -> None:
        assert cssrs.may_be_higher(told) is open_


class TestOddAnswers:
    @pytest.mark.parametrize(
        ("told", "odd"),
        [
            (CALM, False),
            (THOUGHTS, False),
            ({**CALM, "q4": "no"}, False),
            ({**CALM, "q4": "yes"}, True),
            ({**CALM, "q6_recent": "yes"}, True),
        ],
    )
    def test_a_yes_that_would_not_have_been_asked_contradicts(
        self, told: dict[str, Any], odd: bool
    ) -> None:
        assert cssrs.contradicts(told) is odd

    @pytest.mark.parametrize(
        ("value", "begun"),
        [(None, False), ({}, False), ({"q1": ""}, False), ({"q1": "no"}, True), ("yes", True)],
    )
    def test_begun_is_what_has_an_answer(self, value: object, begun: bool) -> None:
        assert cssrs.begun(value) is begun


def test_tablets_get_the_questions() -> None:
    assert [item["code"] for item in cssrs.question_items()] == list(cssrs.QUESTIONS)
    assert "Research Foundation for Mental Hygiene" in cssrs.SOURCE
