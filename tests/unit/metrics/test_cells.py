"""No cell of few is shown, and none can be worked out from what is."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.metrics import cells


@pytest.mark.parametrize(
    ("counts", "left_out"),
    [
        ([0, 0], set()),
        ([12, 40, 0], set()),
        ([12, 40, 3], {2, 0}),  # alone it would follow from the total
        ([12, 40, 3, 9], {2, 3}),  # together twelve: nobody can say which is which
        ([12, 40, 3, 4], {2, 3, 0}),  # together seven: still few
        ([3, 0, 0], {0}),  # nothing to hide behind: their total is small itself
        ([10, 11], {0, 1}),
        ([11, 11], set()),
    ],
)
def test_which_are_left_out(counts: list[int], left_out: set[int]) -> None:
    assert cells.hidden(counts) == left_out


@given(st.lists(st.integers(0, 40), max_size=7))
def test_what_is_left_out_is_never_alone_nor_few_where_the_total_is_shown(
    counts: list[int],
) -> None:
    left_out = cells.hidden(counts)
    assert all(place in left_out for place, count in enumerate(counts) if cells.is_small(count))
    if left_out and not cells.is_small(sum(counts)):
        assert len(left_out) > 1
        assert not cells.is_small(sum(counts[place] for place in left_out))


@given(st.lists(st.integers(0, 40), min_size=2, max_size=6))
def test_no_more_is_left_out_than_has_to_be(counts: list[int]) -> None:
    small = {place for place, count in enumerate(counts) if cells.is_small(count)}
    more = cells.hidden(counts) - small
    for kept in combinations(sorted(more), max(len(more) - 1, 0)):
        fewer = small | set(kept)
        if len(more) > 0:
            assert len(fewer) == 1 or cells.is_small(sum(counts[place] for place in fewer))


def test_by_name() -> None:
    assert cells.shown({"a": 30, "b": 2, "c": 15, "d": 0}) == {
        "a": 30,
        "b": None,
        "c": None,
        "d": 0,
    }
