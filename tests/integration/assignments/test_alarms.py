"""An unacknowledged call rises; the acknowledgement stops it everywhere; nothing is early."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from apps.accounts.auth import session_of
from apps.assignments import services
from apps.assignments.models import Alert, Assignment
from apps.audit.models import Entry
from apps.core.ids import uuid7
from tests.integration.assignments.conftest import (
    NOON,
    World,
    after,
    shown,
)
from tests.integration.conftest import Elsewhere

MICROSECOND = timedelta(microseconds=1)


def tick(world: World, seconds: float) -> int:
    raised = services.raise_due_alarms(now=after(seconds))
    world.commit()
    return raised


class TestEscalation:
    @pytest.mark.parametrize(("level", "seconds"), [(1, 30), (2, 60), (3, 90)])
    def test_is_never_early_and_not_late(self, world: World, level: int, seconds: int) -> None:
        row = world.given()
        for earlier in range(1, level):
            tick(world, 30 * earlier)
        assert services.raise_due_alarms(now=after(seconds) - MICROSECOND) == 0
        row.refresh_from_db()
        assert row.alarm_level == level - 1
        assert services.raise_due_alarms(now=after(seconds)) == 1
        row.refresh_from_db()
        assert (row.alarm_level, row.alarm_raised_at) == (level, after(seconds))

    def test_goes_to_the_second_responder_then_supervisors_then_dispatch(
        self, world: World
    ) -> None:
        row = world.given()

        def seen() -> tuple[object, int, int]:
            alarm = shown(world.ours.tablets[1], "assignments")[row.pk]["alarm"]
            desks = (world.supervisor, world.dispatcher)
            return (alarm["at"], *(len(shown(desk, "alerts")) for desk in desks))

        assert seen() == (None, 0, 0)
        tick(world, 30)
        assert seen() == ("second_responder", 0, 0)
        tick(world, 60)
        assert seen() == ("supervisors", 1, 0)
        tick(world, 90)
        assert seen() == ("dispatch_desk", 2, 1)
        assert tick(world, 900) == 0

    def test_that_comes_late_raises_all_that_is_due(self, world: World) -> None:
        row = world.given()
        assert tick(world, 300) == 1
        row.refresh_from_db()
        assert (row.alarm_level, row.alarm_due_at) == (3, None)
        assert sorted(Alert.objects.values_list("level", flat=True)) == [2, 3]

    def test_late_by_a_tick_delays_no_later_level(self, world: World) -> None:
        row = world.given()
        tick(world, 34)
        row.refresh_from_db()
        assert row.alarm_due_at == after(60)

    def test_says_in_the_alert_what_it_is_about(self, world: World) -> None:
        row = world.given()
        tick(world, 60)
        (body,) = shown(world.supervisor, "alerts").values()
        assert (body["kind"], body["level"], body["state"]) == ("unacknowledged", 2, "open")
        assert (body["unit"], body["assignment_id"]) == ("CARE21", str(row.pk))
        assert body["address"] == "3RD AVE / PIKE ST"

    def test_is_audited_as_carefields_own_act(self, world: World) -> None:
        row = world.given()
        tick(world, 30)
        entry = Entry.objects.about(row.pk).get(action="alarm")
        assert (entry.actor_kind, entry.detail) == ("system", {"level": 1})


class TestTheAcknowledgement:
    @pytest.mark.parametrize("seconds", [10, 35, 65, 95])
    def test_stops_it_everywhere(self, world: World, seconds: int) -> None:
        row = world.given()
        tick(world, seconds)
        world.acknowledge(row, now=after(seconds + 1))
        row.refresh_from_db()
        assert (row.alarm_from, row.alarm_level, row.alarm_due_at) == (None, 0, None)
        for one in world.ours.tablets:
            assert shown(one, "assignments")[row.pk]["alarm"] is None
        for desk in (world.supervisor, world.dispatcher):
            assert all(body["state"] == "stopped" for body in shown(desk, "alerts").values())
        assert tick(world, 1000) == 0

    def test_of_an_alert_by_the_desk_does_not_stop_the_alarm(self, world: World) -> None:
        row = world.given()
        tick(world, 60)
        services.acknowledge_alert(alert=Alert.objects.get(), by=world.supervisor, now=after(61))
        tick(world, 90)
        row.refresh_from_db()
        assert row.alarm_level == 3
        (body,) = shown(world.dispatcher, "alerts").values()
        assert body["state"] == "open"

    def test_of_an_older_revision_does_not_stop_it(self, world: World) -> None:
        row = world.given(number="1")
        caution = {"severity": "high", "kind": "weapon", "text": "KNIFE"}
        world.call(number="1", now=after(5), cautions=[caution])
        world.acknowledge(row, now=after(10))
        row.refresh_from_db()
        assert row.alarm_due_at == after(30)

    def test_taken_back_lets_it_go_on(self, world: World) -> None:
        row = world.given()
        made = world.document("acknowledged", row, data={"call_revision": 1}, now=after(5))
        world.push(made, now=after(5))
        world.tap(
            "corrected", row, data={"corrects": made["id"], "reason": "mis_tap"}, now=after(8)
        )
        row.refresh_from_db()
        assert row.alarm_due_at == after(38)

    def test_is_not_needed_once_it_is_closed(self, world: World) -> None:
        row = world.given()
        world.tap("declined", row, data={"agency": "care", "reason": "weapon"}, now=after(5))
        assert tick(world, 1000) == 0


class TestBothAtOnce:
    """The tap that acknowledges and the tick that raises lock the same row."""

    def test_the_acknowledgement_first_there_is_no_alarm(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        world = committed_world
        row = world.given()
        held, go_on = threading.Event(), threading.Event()

        def acknowledge() -> None:
            with transaction.atomic():
                world.acknowledge(row, now=after(29))
                held.set()
                assert go_on.wait(60)

        tap = elsewhere.start(acknowledge)
        assert held.wait(60)
        # It passes over the row instead of waiting for it.
        assert elsewhere.do(lambda: services.raise_due_alarms(now=after(30))) == 0
        go_on.set()
        tap.result(60)
        assert services.raise_due_alarms(now=after(35)) == 0
        row.refresh_from_db()
        assert (row.alarm_level, row.alarm_from) == (0, None)
        assert not Entry.objects.filter(action="alarm").exists()

    def test_the_alarm_first_it_is_stopped_at_once(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        world = committed_world
        row = world.given()
        held, go_on = threading.Event(), threading.Event()

        def raise_it() -> None:
            with transaction.atomic():
                assert services.raise_due_alarms(now=after(60)) == 1
                held.set()
                assert go_on.wait(60)

        def acknowledge() -> None:
            """By the verb itself: a push that failed would be judged once more, row by row."""
            telling = services.Telling(id=uuid7(), event="acknowledged", assignment_id=row.pk)
            session = session_of(world.ours.tablets[0].tablet)
            services.record_from_tablet(telling=telling, session=session, now=after(60))

        alarm = elsewhere.start(raise_it)
        assert held.wait(60)
        tap = elsewhere.start(acknowledge)
        elsewhere.until_waiting(tap)
        go_on.set()
        alarm.result(60)
        tap.result(60)
        row.refresh_from_db()
        assert (row.alarm_level, row.alarm_from) == (0, None)
        (body,) = shown(world.supervisor, "alerts").values()
        assert body["state"] == "stopped"

    @pytest.mark.parametrize("attempt", range(4))
    def test_in_any_order_one_of_them_wins(
        self, committed_world: World, elsewhere: Elsewhere, attempt: int
    ) -> None:
        world = committed_world
        rows = [world.given(now=NOON) for _ in range(4)]
        barrier = threading.Barrier(len(rows) + 2)

        def acknowledge(row: Assignment) -> None:
            barrier.wait(60)
            world.acknowledge(row, now=after(60))

        def raise_them() -> int:
            barrier.wait(60)
            return services.raise_due_alarms(now=after(60))

        taps = [elsewhere.start(lambda row=row: acknowledge(row)) for row in rows]
        ticks = [elsewhere.start(raise_them) for _ in range(2)]
        for work in (*taps, *ticks):
            work.result(60)
        raised = sum(work.result() for work in ticks)
        assert Entry.objects.filter(action="alarm").count() == raised <= len(rows)
        assert Alert.objects.count() == raised
        assert not Alert.objects.filter(stopped_at=None).exists()
        assert not Assignment.objects.exclude(alarm_from=None, alarm_level=0).exists()
        assert services.raise_due_alarms(now=after(1000)) == 0

    def test_two_ticks_raise_each_alarm_once(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        world = committed_world
        rows = [world.given(now=NOON) for _ in range(6)]
        barrier = threading.Barrier(3)

        def raise_them() -> int:
            barrier.wait(60)
            return services.raise_due_alarms(now=after(60))

        ticks = [elsewhere.start(raise_them) for _ in range(3)]
        assert sum(work.result(60) for work in ticks) == len(rows)
        assert Alert.objects.count() == len(rows)
        assert Entry.objects.filter(action="alarm").count() == len(rows)


def test_one_broken_call_silences_no_other(
    committed_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world = committed_world
    broken, sound = world.given(now=NOON), world.given(now=after(1))
    with connection.cursor() as cursor:
        cursor.execute(
            "update dispatch_incident set details = 'x'::bytea where id = %s", [broken.incident_id]
        )
    assert services.raise_due_alarms(now=after(40)) == 1
    sound.refresh_from_db()
    broken.refresh_from_db()
    assert (sound.alarm_level, broken.alarm_level) == (1, 0)
    assert "a due assignment failed" in caplog.text
