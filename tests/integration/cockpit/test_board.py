"""What the board begins with, and who may open it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.accounts.models import Role, User
from apps.assignments import services as assignments
from apps.assignments.models import Assignment
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes.services import bind
from apps.dispatch import services
from apps.live import visits
from apps.live.sessions import Who
from apps.sync import checkpoints, registry
from tests.factories import NOON, person, team
from tests.integration.assignments.conftest import World, after
from tests.integration.cockpit.owed import HARMLESS

pytestmark = pytest.mark.django_db
AtDesk = Callable[[User], Client]
PICTURE = "/admin/board/picture"


def taken(client: Client) -> dict[str, Any]:
    answer = client.get(PICTURE)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def ids(picture: dict[str, Any], collection: str) -> set[str]:
    return {one["id"] for one in picture["documents"][collection]}


class TestThePicture:
    def test_holds_what_is_open_and_nothing_of_what_is_long_over(
        self, world: World, at_desk: AtDesk
    ) -> None:
        over, now = world.given(), world.given()
        world.acknowledge(over)
        world.tap("cleared", over, data={"disposition": "18"}, now=after(60))
        desk = at_desk(world.supervisor)
        assert str(over.pk) in ids(taken(desk), "assignments")  # of a unit that is free since
        over.refresh_from_db()
        over.leaves_at, over.left_at = None, after(4000)
        over.save()
        picture = taken(desk)
        assert ids(picture, "assignments") == {str(now.pk)}
        assert ids(picture, "units") == {str(world.ours.unit.pk), str(world.theirs.unit.pk)}
        (document,) = picture["documents"]["assignments"]
        assert document["cad_number"] == now.incident.cad_number
        assert (document["rev"] > 0, document["_deleted"]) == (True, False)

    def test_holds_a_call_that_is_long_over_while_its_cad_number_waits(
        self, world: World, at_desk: AtDesk
    ) -> None:
        world.call(number="77", units=[world.status("Dispatched", of="CARE22")])
        id = Assignment().pk
        world.tap("opened", id, data={"entry": "on_view"})
        by = world.ours.people[0]
        row = Assignment.objects.get(pk=id)
        row = assignments.link(assignment=row, cad_number="77", by=by, now=NOON)
        world.tap("unable_to_locate", row, now=after(60))
        assignments.let_cleared_go(now=after(100_000))
        world.commit()
        desk = at_desk(world.dispatcher)
        shown = {one["id"]: one for one in taken(desk)["documents"]["assignments"]}
        assert shown[str(id)]["waiting_number"]["number"] == "77"
        row.refresh_from_db()
        assignments.refuse_link(assignment=row, by=world.dispatcher, now=after(100_001))
        world.commit()
        assert str(id) not in ids(taken(desk), "assignments")

    def test_is_of_what_its_person_may_see(self, world: World, at_desk: AtDesk) -> None:
        row = world.given()
        world.tap("emergency", row)
        for desk in (world.supervisor, world.dispatcher):
            picture = taken(at_desk(desk))
            assert ids(picture, "assignments") == {str(row.pk)}
            assert len(ids(picture, "alerts")) == 1
        stranger = taken(at_desk(person(Role.SUPERVISOR, of=team("North"))))
        assert stranger["documents"] == {"assignments": [], "alerts": [], "units": []}

    def test_is_written_down_as_read(self, world: World, at_desk: AtDesk) -> None:
        row = world.given()
        world.tap("emergency", row)
        taken(at_desk(world.supervisor))
        read = Entry.objects.filter(action="read", actor_id=world.supervisor.pk)
        assert {one.subject_type for one in read} == {"assignment", "alert"}
        assert read.get(subject_type="assignment").subject_ids == [row.pk]

    def test_is_where_the_socket_goes_on(self, world: World, at_desk: AtDesk) -> None:
        """The checkpoints are good for a hello, and lead past all that the picture holds."""
        world.given()
        picture = taken(at_desk(world.supervisor))
        who = Who(world.supervisor.pk, None, world.supervisor.pk, schema=registry.current_version())
        assert visits.catch_up(who, picture["checkpoints"], now=NOON).parts == []
        fresh = world.given()
        (part,) = visits.catch_up(who, picture["checkpoints"], now=NOON).parts
        assert (part.collection, str(fresh.pk) in part.documents) == ("assignments", True)
        for name, checkpoint in picture["checkpoints"].items():
            assert checkpoints.schema_of(checkpoint) == registry.get(name).versions()[-1]  # type: ignore[union-attr]

    def test_of_an_installation_without_any_history_begins_at_the_start(
        self, at_desk: AtDesk, commit_now: Callable[[], None]
    ) -> None:
        nobody = person(Role.DISPATCHER)
        assert set(taken(at_desk(nobody))["documents"]) == {"assignments", "alerts", "units"}


def test_two_pages_of_one_person_forget_nothing_for_each_other(
    world: World, at_desk: AtDesk
) -> None:
    """One of them has come past a call that went to another team; the other has yet to drop it."""
    row = world.given()
    desk = at_desk(world.supervisor)
    before = taken(desk)["checkpoints"]
    who = Who(world.supervisor.pk, None, world.supervisor.pk, schema=registry.current_version())
    bind(holder=world.supervisor.pk, principal=None)  # all of it is to be dropped
    world.commit()
    world.given()  # and time goes on
    after_it = taken(desk)["checkpoints"]
    visits.forget_carried_out(who, after_it)
    parts = visits.catch_up(who, before, now=NOON).parts
    assert any(f'{{"id":"{row.pk}","_deleted":true}}' in part.documents for part in parts)


class TestTheHome:
    def test_is_the_board_for_desks_and_lists_for_others(
        self, world: World, at_desk: AtDesk
    ) -> None:
        for desk in (world.supervisor, world.dispatcher):
            page = at_desk(desk).get("/admin/")
            assert b'id="board"' in page.content
            assert b"/admin/dispatch/incident/" in page.content
        page = at_desk(person(Role.ADMINISTRATOR)).get("/admin/")
        assert page.status_code == 200
        assert b'id="board"' not in page.content

    @pytest.mark.parametrize("address", [PICTURE, "/admin/board/area"])
    def test_tells_its_script_nothing_for_others(self, address: str, at_desk: AtDesk) -> None:
        assert at_desk(person(Role.ADMINISTRATOR)).get(address).status_code == 403
        answer = Client().get(address)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/")
        assert at_desk(person(Role.DISPATCHER)).post(address).status_code == 405


def test_the_map_has_the_areas_of_the_rules_in_force(world: World, at_desk: AtDesk) -> None:

    services.load_reference(by=SYSTEM, now=NOON)
    found = at_desk(world.supervisor).get("/admin/board/area").json()["outlines"]
    assert {one["kind"] for one in found} == {"rule"}
    for one in found:
        for lat, lon in one["rings"][0]:
            assert (47 < lat < 48, -123 < lon < -122) == (True, True)


class TestTheDesk:
    def test_opens_for_desks_alone_and_knows_their_acts(
        self, world: World, at_desk: AtDesk
    ) -> None:
        for desk in (world.supervisor, world.dispatcher):
            page = at_desk(desk).get("/admin/desk/")
            assert page.status_code == 200
            assert b"/api/v1/assignments/" in page.content
        assert at_desk(person(Role.ADMINISTRATOR)).get("/admin/desk/").status_code == 403

    def test_shows_the_most_urgent_of_what_nobody_was_sent_to(
        self, world: World, at_desk: AtDesk
    ) -> None:
        services.load_reference(by=SYSTEM, now=NOON)
        low = world.call(units=[], exclusions=HARMLESS, priority_text="5", priority=2)
        high = world.call(units=[], exclusions=HARMLESS, priority_text="1", priority=8)
        world.call(exclusions=HARMLESS)
        found = at_desk(world.dispatcher).get("/admin/board/waiting").json()["calls"]
        assert [one["id"] for one in found] == [str(high.pk), str(low.pk)]
        assert "3RD AVE" not in str(found)
        stranger = at_desk(person(Role.ADMINISTRATOR)).get("/admin/board/waiting")
        assert stranger.status_code == 403


def test_beats_are_on_the_map_once_their_outlines_are_loaded(
    world: World, at_desk: AtDesk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ring = [[-122.34, 47.6], [-122.33, 47.6], [-122.33, 47.61], [-122.34, 47.6]]
    beats = [
        {"properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for name in ("K1", "K2")
    ]
    file = tmp_path / "beats.geojson"
    for some in (beats, beats[:1]):
        file.write_text(json.dumps({"type": "FeatureCollection", "features": some}))
        call_command("load_beats", file, "--code", "name", "--source", "Police beat map, CC0")
        assert f"{len(some)} beats are on the map" in capsys.readouterr().out
    found = at_desk(world.supervisor).get("/admin/board/area").json()
    (beat,) = found["outlines"]
    assert (beat["kind"], beat["name"], beat["rings"][0][0]) == ("beat", "beat K1", [47.6, -122.34])
    assert found["sources"] == ["Police beat map, CC0"]
    assert Entry.objects.filter(action="load", subject_type="beat_outline").count() == 2
    file.write_text("{}")
    with pytest.raises(CommandError, match="no GeoJSON"):
        call_command("load_beats", file, "--source", "x")
