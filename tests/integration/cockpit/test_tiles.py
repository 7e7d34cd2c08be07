"""What a tile says and what its list shows are the same rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory

from apps.accounts.models import Role, SignIn, Tablet, User
from apps.audit.services import SYSTEM
from apps.changes.models import ParkedReaction
from apps.cockpit.board import tiles
from apps.core import clock
from apps.core.ids import uuid7
from apps.dispatch import services
from tests.factories import NOON, person, team
from tests.integration.assignments.conftest import World
from tests.integration.cockpit.owed import OWED

pytestmark = pytest.mark.django_db
AtDesk = Callable[[User], Client]
# Everything that a board asks for at once; more rows add none.
MOST_QUERIES = 60


@pytest.fixture(autouse=True)
def _nothing_is_owed(world: World) -> None:
    services.load_reference(by=SYSTEM, now=NOON)
    Tablet.objects.update(last_seen_at=clock.now())
    SignIn.objects.update(started_at=clock.now())


def shown(user: User) -> dict[str, tiles.Tile]:
    request = RequestFactory().get("/admin/board/aside")
    request.user = user
    return {tile.code: tile for tile in tiles.tiles(request)}


@pytest.mark.parametrize("code", [debt.code for debt in tiles.DEBTS])
def test_a_tile_counts_the_rows_of_its_list(code: str, world: World, at_desk: AtDesk) -> None:
    assert shown(world.supervisor)[code].count == 0
    OWED[code](world)
    world.commit()
    tile = shown(world.supervisor)[code]
    assert tile.count == 2
    page: Any = at_desk(world.supervisor).get(tile.address)
    assert page.status_code == 200
    rows = page.context_data["cl"]
    assert len(list(rows.result_list)) == 2


TEAMS_OWN = (
    *("alerts", "support", "numbers", "reports", "records", "reviews", "quarantine", "conflicts"),
    *("unsent", "silent", "referrals", "followups", "agreements", "stock"),
)


@pytest.mark.parametrize("code", TEAMS_OWN)
def test_what_is_a_teams_is_counted_for_it_alone(code: str, world: World) -> None:
    OWED[code](world)
    world.commit()
    assert shown(person(Role.SUPERVISOR, of=team("North")))[code].count == 0


def test_a_dispatcher_sees_no_tile_of_what_supervisors_alone_may_open(world: World) -> None:
    tiles = {"workers", "alerts", "not_sent", "numbers", "held", "early"}
    assert set(shown(world.dispatcher)) == tiles


def test_a_number_has_a_bound(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "MOST", 2)
    for count, counted, told in ((2, 2, "2"), (3, 3, "2+"), (4, 3, "2+")):
        while ParkedReaction.objects.count() < count:
            ParkedReaction(
                id=uuid7(), reaction="r", event="e", subject=uuid7(), error="x",
                failed_at=NOON, due_at=NOON,
            ).save()  # fmt: skip
        tile = shown(world.supervisor)["parked"]
        assert (tile.count, tile.told) == (counted, told)


def test_parts_of_the_server_that_are_not_well_are_named(world: World) -> None:
    tile = shown(world.supervisor)["workers"]  # no worker has ever sent a heartbeat here
    assert "worker" in tile.why
    assert tile.count > 0


def test_what_is_owed_comes_first_and_costs_so_many_queries(
    world: World, at_desk: AtDesk, django_assert_max_num_queries: Any
) -> None:
    OWED["parked"](world)
    world.commit()
    desk = at_desk(world.supervisor)
    with django_assert_max_num_queries(MOST_QUERIES):
        page = desk.get("/admin/board/aside").content.decode()
    assert page.index('id="tile-parked"') < page.index('id="tile-conflicts"')


def test_calls_that_wait_are_shown_without_what_tells_whom_they_are_about(
    world: World, at_desk: AtDesk
) -> None:
    OWED["not_sent"](world)
    page = at_desk(world.dispatcher).get("/admin/board/aside").content.decode()
    assert page.count("SERVICE - WELFARE CHECK") == 2
    assert "3RD AVE" not in page
