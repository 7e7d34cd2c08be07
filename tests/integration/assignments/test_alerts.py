"""Calls for help reach supervisors and dispatch desk in the same moment, and are answered."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest
from django.db import connection, transaction

from apps.assignments import services
from apps.assignments.models import Alert, Assignment, Fact
from apps.audit.models import Entry
from apps.changes.models import Item
from apps.core.ids import uuid7
from apps.sync.models import QuarantinedWrite
from tests.integration.assignments.conftest import World, after, shown
from tests.integration.conftest import Elsewhere

CALLS = ("emergency", "assist", "scene_unsafe")


class TestACallForHelp:
    @pytest.mark.parametrize("event", CALLS)
    def test_reaches_both_desks_with_the_tap_itself(self, world: World, event: str) -> None:
        row = world.given()
        data = {"note": "HE HAS A KNIFE", "position": {"lat": 47.61, "lon": -122.34}}
        made = world.document(event, row, data=data)
        assert world.push(made, now=after(10)) == []
        for desk in (world.supervisor, world.dispatcher):
            (body,) = shown(desk, "alerts").values()
            assert (body["kind"], body["level"], body["state"]) == (event, 3, "open")
            assert (body["unit"], body["note"]) == ("CARE21", "HE HAS A KNIFE")
            assert body["author_name"] == world.ours.people[0].display_name
            assert body["position"] == {"lat": 47.61, "lon": -122.34}
            assert body["address"] == "3RD AVE / PIKE ST"
        seqs = Item.objects.filter(
            holder__in=[world.supervisor.pk, world.dispatcher.pk],
            collection__in=["alerts", "facts"],
        ).filter(doc_id__in=[UUID(made["id"]), Alert.objects.get().pk])
        assert len(set(seqs.values_list("seq", flat=True))) == 1, "one commit, one moment"

    def test_is_shown_to_the_crew_as_open(self, world: World) -> None:
        row = world.given()
        made = world.document("emergency", row)
        world.push(made)
        fact = shown(world.ours.tablets[0], "facts")[UUID(made["id"])]
        assert fact["alert"]["state"] == "open"
        body = shown(world.ours.tablets[1], "assignments")[row.pk]
        assert [alert["kind"] for alert in body["alerts"]] == ["emergency"]

    def test_needs_no_assignment(self, world: World) -> None:
        for event in CALLS:
            made = world.document(event, None)
            assert world.push(made) == []
            sent = shown(world.ours.tablets[0], "facts")[UUID(made["id"])]
            assert sent["alert"]["state"] == "open"
        bodies = shown(world.dispatcher, "alerts").values()
        assert sorted(body["kind"] for body in bodies) == sorted(CALLS)
        assert {(body["unit"], body["assignment_id"]) for body in bodies} == {("CARE21", None)}

    def test_is_heard_whatever_is_wrong_with_it(self, world: World) -> None:
        row = world.given()
        for count, odd in enumerate(
            (
                {"assignment_id": "garbled"},
                {"data": "help"},
                {"data": {"note": 5}},
                {"device_time": "now"},
                {"counter": -1.5},
            ),
            1,
        ):
            assert world.push({**world.document("emergency", row), **odd}) == [], odd
            assert len(shown(world.dispatcher, "alerts")) == count

    def test_of_an_assignment_that_is_not_here_yet_is_heard(self, world: World) -> None:
        id = uuid7()
        made = world.document("emergency", id)
        world.push(made)
        assert len(shown(world.supervisor, "alerts")) == 1
        world.tap("opened", id, data={"entry": "on_view"})
        services.acknowledge_alert(alert=Alert.objects.get(), by=world.dispatcher, now=after(3))
        world.commit()
        sent = shown(world.ours.tablets[1], "facts")[UUID(made["id"])]
        assert sent["alert"]["acknowledged_by"] == world.dispatcher.display_name

    @pytest.mark.parametrize("on_a_call", [True, False])
    def test_that_waited_in_a_tablet_says_when_it_was_tapped(
        self, world: World, on_a_call: bool
    ) -> None:
        made = world.document("emergency", world.given() if on_a_call else None, now=after(-2))
        world.push(made, now=after(2400), offset_ms=-2000)
        (body,) = shown(world.dispatcher, "alerts").values()
        assert (body["state"], body["level"]) == ("open", 3)
        assert body["raised_at"] == "2026-03-04T20:40:00.000Z"
        assert (body["tapped_at"], body["late_s"]) == ("2026-03-04T20:00:00.000Z", 2400)
        services.acknowledge_alert(alert=Alert.objects.get(), by=world.dispatcher, now=after(2405))
        world.commit()
        (body,) = shown(world.dispatcher, "alerts").values()
        assert (body["state"], body["late_s"]) == ("acknowledged", 2400)

    def test_is_not_called_late_by_a_clock_in_doubt(self, world: World) -> None:
        made = world.document("emergency", world.given(), now=after(0))
        world.push(made, now=after(2400), offset_ms=None)
        (body,) = shown(world.dispatcher, "alerts").values()
        assert (body["tapped_at"], body["late_s"]) == ("2026-03-04T20:00:00.000Z", None)

    def test_twice_is_one_alert(self, world: World) -> None:
        row = world.given()
        made = world.document("emergency", row)
        for _ in range(3):
            world.push(made)
        assert Alert.objects.count() == 1

    def test_of_a_stranger_is_not_taken_for_the_crews(self, world: World) -> None:
        row = world.given()
        world.tap("emergency", row, by=world.theirs.tablets[0])
        assert Alert.objects.get().assignment_id is None
        assert not QuarantinedWrite.objects.exists()

    def test_that_was_a_mis_tap_still_wants_an_answer(self, world: World) -> None:
        row = world.given()
        made = world.document("emergency", row, now=after(5))
        world.push(made, now=after(5))
        world.tap(
            "corrected", row, data={"corrects": made["id"], "reason": "mis_tap"}, now=after(8)
        )
        assert Alert.objects.open().exists()

    def test_outlives_the_call(self, world: World) -> None:
        row = world.given()
        world.tap("emergency", row, now=after(5))
        world.tap("cleared", row, data={"disposition": "18"}, now=after(9))
        assert Alert.objects.open().exists()


class TestAnAnswer:
    @pytest.mark.parametrize("with_assignment", [True, False])
    def test_says_who_on_the_tablet_that_called(self, world: World, with_assignment: bool) -> None:
        made = world.document("emergency", world.given() if with_assignment else None)
        world.push(made)
        services.acknowledge_alert(alert=Alert.objects.get(), by=world.dispatcher, now=after(3))
        world.commit()
        answer = shown(world.ours.tablets[0], "facts")[UUID(made["id"])]["alert"]
        assert answer["state"] == "acknowledged"
        assert answer["acknowledged_by"] == world.dispatcher.display_name
        assert answer["acknowledged_at"] == "2026-03-04T20:00:03.000Z"
        for desk in (world.supervisor, world.dispatcher):
            (body,) = shown(desk, "alerts").values()
            assert body["acknowledged_by"] == world.dispatcher.display_name

    def test_reaches_whoever_called_even_after_the_call_went_to_others(self, world: World) -> None:
        row = world.given()
        made = world.document("emergency", row, now=after(5))
        world.push(made, now=after(5))
        services.reassign(
            assignment=row, to=world.theirs.unit, by=world.dispatcher, reason="", now=after(8)
        )
        services.acknowledge_alert(alert=Alert.objects.get(), by=world.dispatcher, now=after(9))
        world.commit()
        answer = shown(world.ours.tablets[0], "facts")[UUID(made["id"])]["alert"]
        assert answer["state"] == "acknowledged"

    def test_finds_a_call_that_goes_to_another_unit_meanwhile(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        world = committed_world
        row = world.given()
        made = world.document("emergency", row, now=after(5))
        world.push(made, now=after(5))
        alert = Alert.objects.get()
        held, go_on = threading.Event(), threading.Event()

        def reassign() -> None:
            with transaction.atomic():
                services.reassign(
                    assignment=row, to=world.theirs.unit, by=world.dispatcher, now=after(8)
                )
                held.set()
                assert go_on.wait(60)

        first = elsewhere.start(reassign)
        assert held.wait(60)
        second = elsewhere.start(
            lambda: services.acknowledge_alert(alert=alert, by=world.dispatcher, now=after(9))
        )
        elsewhere.until_waiting(second)
        go_on.set()
        first.result(60)
        second.result(60)
        for one in (world.ours.tablets[0], world.theirs.tablets[0]):
            answer = shown(one, "facts")[UUID(made["id"])]["alert"]
            assert answer["state"] == "acknowledged"

    def test_the_first_one_stands(self, world: World) -> None:
        world.tap("assist", world.given())
        alert = Alert.objects.get()
        first = services.acknowledge_alert(alert=alert, by=world.supervisor, now=after(3))
        second = services.acknowledge_alert(alert=alert, by=world.dispatcher, now=after(4))
        assert first.acknowledged_by == second.acknowledged_by == world.supervisor
        assert second.acknowledged_at == after(3)
        assert Entry.objects.about(alert.pk).filter(action="acknowledge").count() == 1

    @pytest.mark.parametrize("with_assignment", [True, False])
    def test_of_two_at_once_one_is_first(
        self, committed_world: World, elsewhere: Elsewhere, with_assignment: bool
    ) -> None:
        world = committed_world
        world.tap("emergency", world.given() if with_assignment else None)
        alert = Alert.objects.get()
        barrier = threading.Barrier(2)

        def answer(by: object) -> Alert:
            barrier.wait(60)
            return services.acknowledge_alert(alert=alert, by=by, now=after(3))  # type: ignore[arg-type]

        people = (world.supervisor, world.dispatcher)
        work = [elsewhere.start(lambda by=by: answer(by)) for by in people]
        names = {done.result(60).acknowledged_by for done in work}
        assert len(names) == 1
        assert Entry.objects.about(alert.pk).filter(action="acknowledge").count() == 1


class TestLeavingTheTablets:
    def clear(self, world: World, seconds: float) -> Assignment:
        row = world.given()
        world.tap("on_scene", row, now=after(seconds - 1))
        world.tap("cleared", row, data={"disposition": "18"}, now=after(seconds))
        row.refresh_from_db()
        return row

    def go(self, world: World, seconds: float) -> int:
        gone = services.let_cleared_go(now=after(seconds))
        world.commit()
        return gone

    def test_happens_when_the_time_is_over_and_not_before(self, world: World) -> None:
        row = self.clear(world, 100)
        assert row.leaves_at == after(3700)
        assert self.go(world, 3699.999) == 0
        assert shown(world.ours.tablets[0], "assignments")
        assert self.go(world, 3700) == 1
        for one in world.ours.tablets:
            assert not shown(one, "assignments")
            assert not shown(one, "facts")
        for desk in (world.supervisor, world.dispatcher):
            assert list(shown(desk, "assignments")) == [row.pk]
            assert set(shown(desk, "facts")) == set(Fact.objects.values_list("pk", flat=True))
        assert self.go(world, 9999) == 0

    def test_a_late_fact_is_shown_to_its_author_and_leaves_again(self, world: World) -> None:
        row = self.clear(world, 100)
        self.go(world, 3700)
        made = world.document("contact_made", row, now=after(90))
        assert world.push(made, now=after(5000)) == []
        assert set(shown(world.ours.tablets[0], "facts")) == {UUID(made["id"])}
        assert not shown(world.ours.tablets[0], "assignments")
        assert self.go(world, 8600) == 1
        assert not shown(world.ours.tablets[0], "facts")

    def test_a_fact_that_waited_while_the_call_left_is_late_too(self, world: World) -> None:
        """Its request began before, and had to wait: for the database, or for the row."""
        row = self.clear(world, 100)
        self.go(world, 3700)
        made = world.document("contact_made", row, now=after(90))
        assert world.push(made, now=after(3698)) == []
        assert set(shown(world.ours.tablets[0], "facts")) == {UUID(made["id"])}
        assert self.go(world, 7300) == 1
        assert not shown(world.ours.tablets[0], "facts")

    def test_takes_along_what_came_by_a_clock_that_is_ahead(self, world: World) -> None:
        row = self.clear(world, 100)
        world.tap("contact_made", row, now=after(3702))
        assert self.go(world, 3700) == 1
        assert not shown(world.ours.tablets[0], "facts")

    def test_a_call_that_is_reopened_comes_back_whole(self, world: World) -> None:
        row = world.given(number="1")
        world.call(number="1", now=after(60), event="cancel")
        self.go(world, 4000)
        assert not shown(world.ours.tablets[0], "facts")
        world.call(number="1", now=after(5000), event="reopen")
        assert list(shown(world.ours.tablets[0], "assignments")) == [row.pk]
        assert set(shown(world.ours.tablets[0], "facts")) == set(
            Fact.objects.of(row.pk).values_list("pk", flat=True)
        )

    def test_is_not_stopped_by_a_call_that_cannot_be_read(self, world: World) -> None:
        self.clear(world, 100)
        with connection.cursor() as cursor:
            cursor.execute("update dispatch_incident set details = 'x'::bytea")
        assert self.go(world, 3700) == 1
        assert not shown(world.ours.tablets[0], "assignments")
