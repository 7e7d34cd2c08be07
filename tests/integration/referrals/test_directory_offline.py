"""From HSDS to a tablet without a network: what the server tells is what the client asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.audit.services import SYSTEM
from apps.referrals.directory import fit as server
from apps.referrals.models import Service
from apps.referrals.services import directory
from apps.simulator import agencies
from apps.simulator.tablet.directory import Ask, find
from apps.simulator.tablet.store import Store
from tests.factories import NOON, partner
from tests.integration.referrals.directory import services_told

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 4)
EVENING = datetime(2026, 3, 5, 5, 0, tzinfo=UTC)  # 21:00 in Seattle
PIONEER_SQUARE = (47.60200, -122.33380)


@pytest.fixture
def tablet(commit_now: Callable[[], None], tmp_path: Path) -> Iterator[Store]:
    """A store that holds the demo's directory as the server tells it."""
    directory.import_hsds(payload=agencies.directory(TODAY), by=SYSTEM, now=NOON)
    commit_now()
    store = Store(tmp_path / "tablet.sqlite")
    store.take("reference", list(services_told().values()), prev=None, checkpoint="1.1", at=NOON)
    yield store
    store.close()


def found(store: Store, **asked: Any) -> dict[str, Any]:
    ask = Ask(**{"at": EVENING, "day": TODAY, **asked})
    return {one.service["name"]: one.fit for one in find(store, ask)}


def test_a_shelter_that_is_open_takes_this_person_and_was_verified_lately(tablet: Store) -> None:
    near = found(
        tablet,
        used_for="shelter",
        person={"age": 41, "sex": "9919003", "sober": True, "pets": False},
        near=PIONEER_SQUARE,
        within_m=2000,
        verified_within_days=3,
    )
    assert list(near) == ["Example Pioneer Night Shelter", "Example Shelter with Animals"]
    assert [one.answer for one in near.values()] == ["yes", "yes"]
    assert near["Example Shelter with Animals"].steps == ("call_first",)


def test_a_dog_and_an_age_change_the_answer(tablet: Store) -> None:
    person = {"age": 20, "sex": "9919001", "sober": False, "pets": True}
    assert set(found(tablet, used_for="shelter", person=person)) == {
        "Example Shelter with Animals",
        "Example Women's Night Shelter",
        "Example Young Adult Shelter",
    }


def test_nobody_is_told_that_a_door_is_open_where_the_hours_are_text(tablet: Store) -> None:
    (fit,) = found(tablet, used_for="housing", person={"age": 30}).values()
    assert (fit.answer, fit.reasons) == ("ask", ("hours_unknown",))
    assert fit.place["hours"] == "1st and 3rd Tuesday, ask at the desk"


def test_the_server_says_the_same_of_each_service(tablet: Store) -> None:
    person = {"age": 41, "sex": "9919003", "sober": True}
    asked = {"near": PIONEER_SQUARE, "within_m": 900.0}
    ask = Ask(at=EVENING, day=TODAY, person=person, **asked)  # type: ignore[arg-type]
    offline = {one.service["id"]: (one.fit.answer, one.fit.reasons) for one in find(tablet, ask)}
    told = directory.documents_of(Service.objects.all(), now=EVENING)
    asked_here = server.Ask(at=EVENING, day=TODAY, person=person, **asked)  # type: ignore[arg-type]
    fits = {str(one.id): server.fit(one.body or {}, asked_here) for one in told}
    online = {id: (one.answer, one.reasons) for id, one in fits.items() if one.answer != "no"}
    assert offline == online
    assert {answer for answer, _ in online.values()} == {"yes", "ask"}


def test_the_demos_directory_comes_twice_without_a_change(tablet: Store) -> None:
    again = directory.import_hsds(
        payload=agencies.directory(TODAY), by=SYSTEM, now=NOON + timedelta(hours=1)
    )
    assert sum(again.created.values()) + sum(again.changed.values()) == 0
    assert sum(again.same.values()) > 40
    assert Service.objects.count() == 16


def test_every_name_of_the_demo_says_that_it_is_made_up(tablet: Store) -> None:
    assert all(name.startswith("Example ") for name in services_told())
    assert not partner()[1].organizations.exists()
