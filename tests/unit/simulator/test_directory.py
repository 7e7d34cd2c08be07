"""The reference client finds where somebody can go in its own store, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.simulator.tablet.directory import Ask, find
from apps.simulator.tablet.store import Store
from tests.unit.referrals.directory_cases import (
    AT,
    CLOSED,
    DAY,
    HERE,
    OPEN,
    PIKE_PLACE,
    TEXT_ONLY,
    capacity,
    service,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "tablet.sqlite")
    yield store
    store.close()


def held(store: Store, *documents: dict[str, Any]) -> None:
    """What the tablet has pulled."""
    numbered = [{**one, "id": f"{number:032}"} for number, one in enumerate(documents)]
    units = {"id": "unit", "kind": "unit", "name": "no service"}
    store.take("reference", [*numbered, units], prev=None, checkpoint="1.1", at=AT)


def names(store: Store, **asked: Any) -> list[str]:
    return [one.service["name"] for one in find(store, Ask(at=AT, day=DAY, **asked))]


def test_what_fits_comes_first_then_what_is_to_be_asked_each_by_distance(store: Store) -> None:
    far = {**HERE, **OPEN, "lat": 47.612}
    held(
        store,
        service(name="far", places=[far]),
        service(name="by text", places=[{**HERE, **TEXT_ONLY}]),
        service(name="near"),
        service(name="closed", places=[{**HERE, **CLOSED}]),
        service(name="full", **capacity("no-capacity")),
        service(name="old word", **capacity("no-capacity", "2026-03-04T19:00:00.000Z")),
    )
    here = (HERE["lat"], HERE["lon"])
    assert names(store, near=here, within_m=2000) == ["near", "far", "by text", "old word"]
    assert names(store, near=here, within_m=500) == ["near", "by text", "old word"]


def test_open_now_takes_this_person_within_two_kilometres_verified_three_days_ago(
    store: Store,
) -> None:
    women = {"conditions": [{"code": "women_only", "about": "sex", "only": ["9919001"]}]}
    held(
        store,
        service(name="women's", **women),
        service(name="long ago", assured_on="2026-01-01"),
        service(name="never", assured_on=None),
        service(name="this one"),
    )
    ask = Ask(
        at=AT,
        day=DAY,
        person={"age": 40, "sex": "9919003"},
        near=PIKE_PLACE,
        within_m=2000,
        verified_within_days=3,
    )
    (found,) = find(store, ask)
    assert (found.service["name"], found.verified_days) == ("this one", 1)
    assert found.fit.metres == pytest.approx(896, abs=1)


def test_nothing_is_found_in_an_empty_store(store: Store) -> None:
    assert find(store, Ask(at=AT, day=DAY)) == []
