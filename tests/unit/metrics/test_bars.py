from __future__ import annotations

from apps.metrics.bars import WIDTH, Bar, bars


def test_the_longest_reaches_the_end_and_the_rest_are_beside_it() -> None:
    told = bars({"12:00": (5, 10), "13:00": (2.5, None), "14:00": (None, None)}, unit="min")
    assert told == [
        Bar("12:00", "5 min (p90 10)", WIDTH // 2, WIDTH),
        Bar("13:00", "2.5 min", WIDTH // 4, None),
        Bar("14:00", "left out", None, None),
    ]


def test_nothing_is_no_bar() -> None:
    assert bars({}, unit="min") == []
    assert bars({"12:00": (0, None)}, unit="min")[0].width == 0
