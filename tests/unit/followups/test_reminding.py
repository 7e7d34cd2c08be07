from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from apps.followups import reminding
from apps.followups.reminding import Watched
from tests.factories import NOON

HOUR = timedelta(hours=1)
DAY = 24 * HOUR
# Noon to noon of the next day; missed four hours later.
OPEN = Watched(state="open", due_from=NOON, due_until=NOON + DAY, missed_after=4 * HOUR)
ENDED = replace(OPEN, state="ended", leaves_at=NOON + HOUR)
PAUSED = replace(OPEN, state="paused", paused_until=NOON + 2 * DAY)


def always(at: datetime) -> datetime:
    """A team that works all day and all night."""
    return at


def at_noon(at: datetime) -> datetime:
    """A team that works from 20:00 UTC to midnight."""
    return max(at, at.replace(hour=20, minute=0))


@pytest.mark.parametrize(
    ("watched", "after", "levels", "then"),
    [
        pytest.param(OPEN, -HOUR, [], 0 * HOUR, id="before its window"),
        pytest.param(OPEN, 0 * HOUR, [1], 0 * HOUR, id="its window begins"),
        pytest.param(replace(OPEN, level=1), HOUR, [], DAY, id="once is enough"),
        pytest.param(replace(OPEN, level=1), DAY, [2], DAY, id="its window ends"),
        pytest.param(replace(OPEN, level=2), 27 * HOUR, [], 28 * HOUR, id="not missed yet"),
        pytest.param(replace(OPEN, level=2), 28 * HOUR, [3], 28 * HOUR, id="missed"),
        pytest.param(replace(OPEN, level=3), 99 * DAY, [], None, id="there is nobody above"),
        pytest.param(OPEN, 28 * HOUR, [1, 2, 3], 0 * HOUR, id="late, all that is due"),
        pytest.param(OPEN, DAY, [1, 2], 0 * HOUR, id="late, no more than is due"),
        pytest.param(
            replace(OPEN, level=1, acknowledged=True), DAY, [], 28 * HOUR, id="acknowledged"
        ),
        pytest.param(
            replace(OPEN, acknowledged=True), 0 * HOUR, [], 28 * HOUR, id="acknowledged before it"
        ),
        pytest.param(
            replace(OPEN, level=1, acknowledged=True),
            28 * HOUR,
            [3],
            28 * HOUR,
            id="acknowledged, and nobody tried",
        ),
        pytest.param(PAUSED, 99 * DAY, [], 2 * DAY, id="paused until a day"),
        pytest.param(replace(PAUSED, paused_until=None), 99 * DAY, [], None, id="paused for long"),
        pytest.param(ENDED, 99 * DAY, [], HOUR, id="ended"),
        pytest.param(replace(ENDED, leaves_at=None), 99 * DAY, [], None, id="ended and gone"),
    ],
)
def test_what_is_due_and_what_comes_next(
    watched: Watched, after: timedelta, levels: list[int], then: timedelta | None
) -> None:
    assert reminding.levels_due(watched, NOON + after, always) == levels
    assert reminding.next_at(watched, always) == (None if then is None else NOON + then)


def test_each_level_is_due_at_its_instant_and_not_before() -> None:
    for level, after in ((1, 0 * HOUR), (2, DAY), (3, 28 * HOUR)):
        watched = replace(OPEN, level=level - 1)
        due = NOON + after

        assert reminding.next_at(watched, always) == due
        assert reminding.levels_due(watched, due - timedelta.resolution, always) == []
        assert reminding.levels_due(watched, due, always) == [level]


def test_what_is_due_at_night_is_due_when_the_team_works() -> None:
    watched = replace(OPEN, due_from=datetime(2026, 3, 5, 11, 0, tzinfo=UTC))
    opens = datetime(2026, 3, 5, 20, 0, tzinfo=UTC)

    assert reminding.next_at(watched, at_noon) == opens
    assert reminding.levels_due(watched, opens - timedelta.resolution, at_noon) == []
    assert reminding.levels_due(watched, opens, at_noon) == [1, 2]


def test_a_late_tick_delays_no_later_level() -> None:
    late = replace(OPEN, level=1)  # whenever that was raised

    assert reminding.due_at(late, 2, always) == OPEN.due_until
    assert reminding.due_at(late, 3, always) == OPEN.due_until + 4 * HOUR


def test_a_tablet_is_told_when_to_ring_by_itself() -> None:
    rung = [(1, NOON), (2, NOON + DAY)]

    assert reminding.rings(OPEN, always) == rung
    assert reminding.rings(replace(OPEN, level=2), always) == rung, "risen, and still to be heard"
    assert reminding.rings(replace(OPEN, acknowledged=True), always) == []
    assert reminding.rings(PAUSED, always) == reminding.rings(ENDED, always) == []
