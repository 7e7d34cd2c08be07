from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.dispatch.localtime import AMBIGUOUS, NON_EXISTENT, SEATTLE, to_utc


@pytest.mark.parametrize(
    ("wall", "instant", "flag"),
    [
        ("2023-11-04T18:08:26", "2023-11-05T01:08:26", ""),
        ("2023-01-04T18:08:26", "2023-01-05T02:08:26", ""),
        # The clocks go back on 5 November 2023: 01:30 is twice, and the first is taken.
        ("2023-11-05T00:59:59", "2023-11-05T07:59:59", ""),
        ("2023-11-05T01:30:00", "2023-11-05T08:30:00", AMBIGUOUS),
        ("2023-11-05T02:00:00", "2023-11-05T10:00:00", ""),
        # They go forward on 12 March 2023: 02:30 is never.
        ("2023-03-12T01:59:59", "2023-03-12T09:59:59", ""),
        ("2023-03-12T02:30:00", "2023-03-12T10:30:00", NON_EXISTENT),
        ("2023-03-12T03:00:00", "2023-03-12T10:00:00", ""),
    ],
)
def test_local_times_become_instants_across_daylight_saving(
    wall: str, instant: str, flag: str
) -> None:
    expected = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert to_utc(datetime.fromisoformat(wall)) == (expected, flag)


@given(st.integers(0, 36 * 365 * 86_400))
def test_an_instant_survives_the_wall_unless_flagged(seconds: int) -> None:
    instant = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    wall = instant.astimezone(SEATTLE).replace(tzinfo=None, fold=0)
    back, flag = to_utc(wall)
    assert flag != NON_EXISTENT
    if flag == AMBIGUOUS:
        assert instant - back in (timedelta(0), timedelta(hours=1))
    else:
        assert back == instant
