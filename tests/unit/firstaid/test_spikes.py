"""Overdoses near each other: to the very edge, and not beyond."""

from __future__ import annotations

from datetime import timedelta
from math import degrees
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.ids import uuid7
from apps.firstaid.spikes import Limits, Overdose, Point, metres_between, spikes
from tests.factories import NOON

LIMITS = Limits(overdoses=3, metres=1000, within=timedelta(hours=24))
PIKE = Point(47.6097, -122.3381)
METRE = degrees(1 / 6_371_008.8)  # of latitude


def overdose(*, north: float = 0, hours: float = 0) -> Overdose:
    """So many metres north of Pike, so many hours before noon."""
    where = Point(PIKE.lat + north * METRE, PIKE.lon)
    return Overdose(uuid7(), UUID(int=1), NOON - timedelta(hours=hours), where)


def sizes(*overdoses: Overdose) -> list[int]:
    return [len(group) for group in spikes(overdoses, LIMITS)]


def test_three_at_one_place_are_a_spike() -> None:
    assert sizes(overdose(), overdose()) == []
    assert sizes(overdose(), overdose(), overdose()) == [3]


@pytest.mark.parametrize(("metres", "found"), [(999.9, [3]), (1000.1, [])])
def test_the_distance_is_that_from_the_latest(metres: float, found: list[int]) -> None:
    assert sizes(overdose(), overdose(hours=1), overdose(hours=2, north=metres)) == found


def test_the_very_edge_counts() -> None:
    far = overdose(hours=1, north=700)
    exactly = metres_between(PIKE, far.where)
    edge = Limits(2, exactly, timedelta(hours=1))
    assert len(spikes([overdose(), far], edge)) == 1
    assert spikes([overdose(), far], Limits(2, exactly - 0.001, timedelta(hours=1))) == []


@pytest.mark.parametrize(("hours", "found"), [(24, [3]), (24.001, [])])
def test_the_time_is_that_before_the_latest(hours: float, found: list[int]) -> None:
    assert sizes(overdose(), overdose(hours=1), overdose(hours=hours)) == found


def test_two_places_are_two_spikes() -> None:
    here = [overdose(hours=n) for n in range(3)]
    there = [overdose(hours=n, north=5000) for n in range(3)]
    assert sizes(*here, *there) == [3, 3]


@given(
    st.lists(st.builds(overdose, north=st.floats(0, 3000), hours=st.floats(0, 48)), max_size=8),
    st.randoms(),
)
def test_it_follows_from_the_set(rows: list[Overdose], dice: Random) -> None:
    expected = spikes(rows, LIMITS)
    dice.shuffle(rows)
    assert spikes(rows, LIMITS) == expected
    grouped = [one.encounter_id for group in expected for one in group[:1]]
    assert len(grouped) == len(set(grouped))


def test_the_way_is_that_over_the_ground() -> None:
    assert metres_between(PIKE, PIKE) == 0
    airport = Point(47.4502, -122.3088)
    assert metres_between(PIKE, airport) == pytest.approx(17_870, rel=0.005)
