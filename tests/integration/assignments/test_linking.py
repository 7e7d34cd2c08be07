"""A CAD number for a call that responders began: taken, confirmed by a desk, taken back."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import transaction

from apps.accounts.models import User
from apps.assignments import services
from apps.assignments.models import Assignment
from apps.audit.models import Entry
from apps.core.problems import ProblemError
from apps.dispatch.models import EntryKind
from tests.integration.assignments.conftest import (
    Crew,
    World,
    after,
    shown,
)
from tests.integration.conftest import Elsewhere


def row_now(row: Assignment) -> Assignment:
    """The assignment as it stands."""
    return Assignment.objects.select_related("incident").get(pk=row.pk)


class TestLink:
    def start(self, world: World) -> Assignment:
        id = Assignment().pk
        assert world.tap("opened", id, data={"entry": "on_view"}, now=after(5)) == []
        return Assignment.objects.get(pk=id)

    def link(self, world: World, row: Assignment, number: str) -> Assignment:
        linked = services.link(
            assignment=row, cad_number=number, by=world.ours.people[0], now=after(100)
        )
        world.commit()
        return linked

    def test_gives_it_the_number_of_an_event_that_is_not_here(self, world: World) -> None:
        world.call(number="1", units=[])
        row = self.start(world)
        linked = self.link(world, row, "77")
        assert linked.incident.cad_number == "77"
        assert shown(world.ours.tablets[0], "assignments")[row.pk]["cad_number"] == "77"
        world.call(number="77", now=after(200), address="5TH AVE")
        assert Assignment.objects.count() == 1
        assert shown(world.ours.tablets[0], "assignments")[row.pk]["address"] == "5TH AVE"

    @pytest.mark.parametrize("units", [0, 1])
    def test_moves_it_to_an_event_that_is_here(self, world: World, units: int) -> None:
        incident = world.call(number="77", units=[world.status("Dispatched")][:units])
        row = self.start(world)
        world.tap("on_scene", row, now=after(20))
        for _ in range(2):
            assert self.link(world, row, "77").incident == incident
        row.refresh_from_db()
        assert row.state == "on_scene"
        assert row.entry_kind == EntryKind.ON_VIEW
        others = Assignment.objects.exclude(pk=row.pk)
        assert [other.closing for other in others] == ["cancelled"] * units

    @pytest.mark.parametrize("event", ["close", "cancel"])
    @pytest.mark.parametrize("taps", [(), ("on_scene",)])
    def test_to_an_event_that_is_over_ends_nothing(
        self, world: World, event: str, taps: tuple[str, ...]
    ) -> None:
        incident = world.call(number="77", units=[], event=event)
        row = self.start(world)
        for tap in taps:
            world.tap(tap, row, now=after(20))
        before = Assignment.objects.get(pk=row.pk).state
        assert self.link(world, row, "77").incident == incident
        world.call(number="77", units=[], event=event, now=after(200))
        row.refresh_from_db()
        assert (row.state, row.closing) == (before, "")

    def test_to_an_event_that_the_unit_has_left_ends_nothing(self, world: World) -> None:
        world.call(number="77", units=[world.status("Dispatched")])
        row = self.start(world)
        world.tap("on_scene", row, now=after(20))
        gone = [world.status("Cleared", at=after(50))]
        world.call(number="77", units=gone, now=after(50))
        self.link(world, row, "77")
        world.call(number="77", units=gone, now=after(200))
        row.refresh_from_db()
        assert (row.incident.cad_number, row.state) == ("77", "on_scene")


class TestALinkThatIsHardlyMeant:
    @pytest.fixture
    def row(self, world: World) -> Assignment:
        place = {"lat": 47.6097, "lon": -122.3381}
        told = {"entry": "on_view", "note": "SHE ASKED FOR WATER", "location": place}
        id = Assignment().pk
        assert world.tap("opened", id, data=told, now=after(5)) == []
        return Assignment.objects.get(pk=id)

    @staticmethod
    def link(world: World, row: Assignment, *, by: User | None = None) -> Assignment:
        linked = services.link(
            assignment=row, cad_number="77", by=by or world.ours.people[0], now=after(100)
        )
        world.commit()
        return linked

    @pytest.mark.parametrize(
        "members",
        [
            {"units": ["CARE22"]},
            {"received_at": "2026-03-04T17:00:00Z"},
            {"received_at": "2026-03-03T17:00:00Z", "units": ["CARE21"]},
            {"location": {"lat": 47.66, "lon": -122.3381}},
        ],
    )
    def test_waits_and_opens_nothing(
        self, world: World, row: Assignment, members: dict[str, Any]
    ) -> None:
        units = [world.status("Dispatched", of=sign) for sign in members.pop("units", [])]
        incident = world.call(number="77", **{"address": "1 HOME ST", **members, "units": units})
        for _ in range(2):
            linked = self.link(world, row)
            assert (linked.link_number, linked.link_by) == ("77", world.ours.people[0])
        assert linked.incident.cad_number is None
        incident.refresh_from_db()
        assert incident.details["narrative"] == []
        body = shown(world.ours.tablets[0], "assignments")[row.pk]
        assert (body["address"], body["cad_number"]) == ("", None)
        assert body["waiting_number"] == {
            "number": "77",
            "why": "to_confirm",
            "by": world.ours.people[0].display_name,
            "at": "2026-03-04T20:01:40.000Z",
        }
        assert shown(world.dispatcher, "assignments")[row.pk] == body
        assert Entry.objects.about(row.pk).filter(action="ask_link").count() == 1

    def test_is_taken_when_a_desk_confirms_it(self, world: World, row: Assignment) -> None:
        incident = world.call(number="77", units=[world.status("Dispatched", of="CARE22")])
        waiting = self.link(world, row)
        linked = services.confirm_link(assignment=waiting, by=world.dispatcher, now=after(110))
        world.commit()
        assert (linked.incident, linked.link_number, linked.link_at) == (incident, "", None)
        body = shown(world.ours.tablets[0], "assignments")[row.pk]
        assert (body["cad_number"], body["waiting_number"]) == ("77", None)
        with pytest.raises(ProblemError, match="decided"):
            services.refuse_link(assignment=waiting, by=world.dispatcher, now=after(120))

    def test_is_forgotten_when_a_desk_refuses_it(self, world: World, row: Assignment) -> None:
        world.call(number="77", units=[world.status("Dispatched", of="CARE22")])
        waiting = self.link(world, row)
        body = shown(world.ours.tablets[0], "assignments")[row.pk]
        assert body["waiting_number"]["number"] == "77"
        refused = services.refuse_link(assignment=waiting, by=world.dispatcher, now=after(110))
        world.commit()
        assert shown(world.ours.tablets[0], "assignments")[row.pk]["waiting_number"] is None
        assert (refused.link_number, refused.incident.cad_number) == ("", None)
        assert Entry.objects.about(row.pk).filter(action="refuse_link").exists()

    def test_is_taken_back_by_a_desk(self, world: World, row: Assignment) -> None:
        theirs = [world.status("Dispatched", of="CARE22")]
        incident = world.call(number="77", units=theirs, narrative=[{"text": "HE FELL"}])
        self.link(world, row, by=world.dispatcher)
        incident.refresh_from_db()
        assert len(incident.details["narrative"]) == 2
        back = services.take_back_link(assignment=row_now(row), by=world.dispatcher, now=after(200))
        world.commit()
        incident.refresh_from_db()
        assert [note["text"] for note in incident.details["narrative"]] == ["HE FELL"]
        assert incident.units.get(unit=world.ours.unit).detached_at == after(200)
        assert world.assignment(incident, world.theirs.unit).closed_at is None
        assert (back.incident.cad_number, back.incident.status) == (None, "active")
        assert back.closed_at is None
        body = shown(world.ours.tablets[0], "assignments")[row.pk]
        assert (body["cad_number"], body["address"]) == (None, "")
        assert [note["text"] for note in body["narrative"]] == ["SHE ASKED FOR WATER"]
        world.call(number="77", units=theirs, now=after(300))
        assert row_now(row).incident_id == back.incident_id
        with pytest.raises(ProblemError, match="cannot be taken back"):
            services.take_back_link(assignment=back, by=world.dispatcher, now=after(310))

    def test_taken_back_leaves_each_the_cautions_that_it_was_told_of(
        self, world: World, row: Assignment
    ) -> None:
        """What came meanwhile may be about either: both keep it, and every tablet says why."""
        units = [world.status("Dispatched", of="CARE22")]
        theirs: dict[str, Any] = {"number": "77", "units": units}
        world.call(**theirs, cautions=[{"kind": "weapon", "text": "KNIFE"}])
        self.link(world, row, by=world.dispatcher)
        dog = {"kind": "premise", "severity": "low", "text": "DOG"}
        world.call(**theirs, now=after(150), cautions=[dog])

        def cautions(of: Crew) -> dict[str, str]:
            (body,) = shown(of.tablets[0], "assignments").values()
            return {one["text"]: one["origin"] for one in body["cautions"]}

        assert cautions(world.ours) == cautions(world.theirs) == {"KNIFE": "", "DOG": ""}
        services.take_back_link(assignment=row_now(row), by=world.dispatcher, now=after(200))
        world.commit()
        assert cautions(world.ours) == {"DOG": "from CAD number 77, taken back"}
        doubt = "told while another call had this CAD number by mistake, may be about that one"
        assert cautions(world.theirs) == {"KNIFE": "", "DOG": doubt}
        world.call(number="88", units=[], now=after(210))
        services.link(assignment=row, cad_number="88", by=world.dispatcher, now=after(220))
        world.commit()
        assert cautions(world.ours) == {"DOG": "from CAD number 77, taken back"}

    def test_that_another_call_was_linked_to_meanwhile_is_not_taken_back(
        self, world: World, row: Assignment
    ) -> None:
        """The other one would lie in a call without a number, where no desk finds it."""
        world.call(number="1", units=[])
        self.link(world, row)
        other = Assignment().pk
        opened = {"entry": "on_view", "location": {"lat": 47.6097, "lon": -122.3381}}
        them = world.theirs.tablets[0]
        assert world.tap("opened", other, by=them, data=opened, now=after(20)) == []
        second = Assignment.objects.get(pk=other)
        self.link(world, second, by=world.dispatcher)
        with pytest.raises(ProblemError, match="cannot be taken back"):
            services.take_back_link(assignment=row_now(row), by=world.dispatcher, now=after(200))
        services.take_back_link(assignment=row_now(second), by=world.dispatcher, now=after(210))
        back = services.take_back_link(assignment=row_now(row), by=world.dispatcher, now=after(220))
        assert back.incident.cad_number is None

    def test_taken_back_gives_the_event_its_own_call_of_the_unit_again(
        self, world: World, row: Assignment
    ) -> None:
        incident = world.call(number="77")
        own = world.assignment(incident)
        world.tap("on_scene", row, now=after(20))
        self.link(world, row)
        assert row_now(row).incident == incident
        services.take_back_link(assignment=row_now(row), by=world.dispatcher, now=after(200))
        assert row_now(row).state == "on_scene"
        assert (row_now(own).incident, row_now(own).closing) == (incident, "cancelled")

    def test_of_a_number_that_cad_has_not_told_is_taken_back_until_it_does(
        self, world: World, row: Assignment
    ) -> None:
        world.call(number="1", units=[])
        linked = self.link(world, row)
        assert linked.incident.cad_number == "77"
        back = services.take_back_link(assignment=linked, by=world.dispatcher, now=after(200))
        assert (back.incident.cad_number, back.incident.verdict) == (None, "")
        self.link(world, row)

        def waiting() -> Any:
            return shown(world.ours.tablets[0], "assignments")[row.pk]["waiting_number"]

        assert waiting() == {"number": "77", "why": "not_told", "by": "", "at": None}
        world.call(number="77", units=[], now=after(300))
        assert waiting() is None
        with pytest.raises(ProblemError, match="cannot be taken back"):
            services.take_back_link(assignment=row_now(row), by=world.dispatcher, now=after(310))

    def test_of_cad_itself_is_not_taken_back(self, world: World) -> None:
        with pytest.raises(ProblemError, match="CAD's"):
            services.take_back_link(assignment=world.given(), by=world.dispatcher, now=after(9))

    def test_by_a_desk_is_taken_at_once(self, world: World, row: Assignment) -> None:
        incident = world.call(number="77", units=[world.status("Dispatched", of="CARE22")])
        assert self.link(world, row, by=world.dispatcher).incident == incident


def test_of_two_desks_that_decide_at_once_on_a_number_the_first_one_counts(
    committed_world: World, elsewhere: Elsewhere
) -> None:
    """The second confirms what the first has refused: nothing is linked, and the call goes on."""
    world = committed_world
    world.call(number="77", units=[world.status("Dispatched", of="CARE22")])
    id = Assignment().pk
    world.tap("opened", id, data={"entry": "on_view"}, now=after(5))
    row = Assignment.objects.get(pk=id)
    by = world.ours.people[0]
    waiting = services.link(assignment=row, cad_number="77", by=by, now=after(100))
    held, go_on = threading.Event(), threading.Event()

    def refuse() -> None:
        with transaction.atomic():
            services.refuse_link(assignment=waiting, by=world.dispatcher, now=after(110))
            held.set()
            assert go_on.wait(60)

    first = elsewhere.start(refuse)
    assert held.wait(60)
    second = elsewhere.start(
        lambda: services.confirm_link(assignment=waiting, by=world.supervisor, now=after(111))
    )
    elsewhere.until_waiting(second)
    go_on.set()
    first.result(60)
    with pytest.raises(ProblemError, match="decided"):
        second.result(60)
    now = row_now(row)
    assert (now.link_number, now.incident.cad_number, now.incident.status) == ("", None, "active")
