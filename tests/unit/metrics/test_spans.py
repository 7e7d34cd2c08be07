"""Whether a unit was free at a moment."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.core.ids import uuid7
from apps.metrics.spans import Span, free_at
from tests.factories import NOON

ONE, TWO = uuid7(), uuid7()


def at(hour: float) -> datetime:
    return NOON + timedelta(hours=hour)


def span(unit: object, begins: float, ends: float | None = None) -> Span:
    assert unit in (ONE, TWO)
    return Span(ONE if unit == ONE else TWO, at(begins), None if ends is None else at(ends))


@pytest.mark.parametrize(
    ("hour", "free"),
    [
        (-1, 0),  # nobody is on duty yet
        (0, 1),  # the crew has come
        (0.5, 2),
        (1, 1),  # the first has a call
        (1.5, 0),  # the second, too
        (2, 0),  # the first has another one: the end of one of two calls frees nobody
        (3, 1),  # from the moment in which it ends
        (4, 0),  # the first has gone home, and the second goes on
    ],
)
def test_a_unit_is_free_with_a_crew_and_no_call(hour: float, free: int) -> None:
    on_duty = [span(ONE, 0, 4), span(ONE, 0, 4), span(TWO, 0.5)]
    busy = [span(ONE, 1, 2), span(ONE, 1.5, 3), span(TWO, 1.5)]
    assert free_at([at(hour)], on_duty, busy) == [free]


def test_moments_may_come_in_any_order() -> None:
    moments = [at(2), at(-1), at(0)]
    assert free_at(moments, [span(ONE, 0, 1), span(TWO, 0)], []) == [1, 0, 2]
    assert free_at([], [span(ONE, 0)], []) == []
