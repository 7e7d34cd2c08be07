"""The emergency banner says who answered, or that the radio is needed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.simulator.tablet.emergency import banner
from tests.unit.assignments.facts import NOON


def after(seconds: float, **known: object) -> str:
    return banner(
        tapped_at=NOON,
        now=NOON + timedelta(seconds=seconds),
        **known,  # type: ignore[arg-type]
    ).text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "SENDING"),
        (4.999, "SENDING"),
        (5, "NOT SENT, USE RADIO"),
        (3600, "NOT SENT, USE RADIO"),
    ],
)
def test_a_tap_that_does_not_get_out_asks_for_the_radio(seconds: float, text: str) -> None:
    assert after(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "SENT, WAITING FOR AN ANSWER"),
        (4.999, "SENT, WAITING FOR AN ANSWER"),
        (5, "SENT, NOBODY HAS ANSWERED, USE RADIO"),
    ],
)
def test_a_sent_tap_is_not_shown_as_answered(seconds: float, text: str) -> None:
    assert after(seconds, accepted_at=NOON) == text


@pytest.mark.parametrize("seconds", [1, 60])
def test_an_answer_names_who_gave_it_also_late(seconds: float) -> None:
    shown = after(seconds, accepted_at=NOON, acknowledged_at=NOON, acknowledged_by="Desk 2")
    assert shown == "ACKNOWLEDGED BY DESK 2"


def test_an_answer_by_nobody_known_is_still_an_answer() -> None:
    assert after(9, acknowledged_at=NOON) == "ACKNOWLEDGED"


def test_a_clock_that_was_put_back_makes_nobody_wait() -> None:
    assert after(-3600) == "NOT SENT, USE RADIO"
    assert after(-3600, accepted_at=NOON) == "SENT, NOBODY HAS ANSWERED, USE RADIO"


def test_the_radio_is_asked_for_exactly_when_help_is_not_sure() -> None:
    for seconds, accepted, answered in (
        (1, None, None),
        (9, None, None),
        (1, NOON, None),
        (9, NOON, None),
        (9, NOON, NOON),
    ):
        shown = banner(
            tapped_at=NOON,
            now=NOON + timedelta(seconds=seconds),
            accepted_at=accepted,
            acknowledged_at=answered,
        )
        assert shown.use_radio is ("RADIO" in shown.text)


def test_the_window_is_a_setting() -> None:
    assert after(2, window=timedelta(seconds=1)) == "NOT SENT, USE RADIO"
