from __future__ import annotations

from datetime import timedelta

import pytest

from apps.referrals import clocks, codes
from tests.factories import NOON


@pytest.mark.parametrize("urgency", codes.URGENCIES)
def test_each_urgency_has_its_clocks_in_order(urgency: str) -> None:
    for clock in (clocks.ANSWER[urgency], clocks.OUTCOME[urgency]):
        assert list(clock.seconds) == sorted(clock.seconds)
        assert clock.seconds[0] > 0
    assert len(clocks.ANSWER[urgency].seconds) == len(clocks.STEPS)


def test_nobody_is_offered_while_a_partner_is_at_work() -> None:
    for clock in clocks.OUTCOME.values():
        assert len(clock.seconds) < clocks.OFFER


def test_a_bed_for_tonight_is_given_up_after_half_an_hour() -> None:
    at = clocks.due_at("answer", "tonight", NOON, clocks.OFFER)

    assert at == NOON + timedelta(minutes=30)


def test_a_late_tick_raises_all_that_is_due() -> None:
    late = NOON + timedelta(minutes=21)

    assert clocks.steps_due("answer", "tonight", NOON, 0, late) == [1, 2]
    assert clocks.steps_due("answer", "tonight", NOON, 2, late) == []


def test_nothing_is_due_where_nothing_is_awaited() -> None:
    assert clocks.due_at("nothing", "tonight", NOON, 1) is None
    assert clocks.steps_due("nothing", "tonight", NOON, 0, NOON + timedelta(days=99)) == []
