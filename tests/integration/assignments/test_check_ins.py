"""A crew on scene is asked whether all is well; its silence rises; a check-in ends it."""

from __future__ import annotations

import random
import threading
from datetime import datetime, timedelta
from typing import Any

import jsonschema
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.auth import session_of
from apps.accounts.models import Tablet
from apps.assignments import schemas, services
from apps.assignments.models import Alert, Assignment
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.dispatch import services as dispatch
from apps.dispatch.models import CallType
from tests.factories import NOON, EnrolledTablet
from tests.integration.assignments.conftest import World, after, shown
from tests.integration.conftest import Elsewhere

pytestmark = pytest.mark.django_db
MICROSECOND = timedelta(microseconds=1)
# Minutes after noon at which a crew that came at noon, and is not heard of, rises.
DUE, SUPERVISORS, DISPATCH = 20, 22, 24


def minutes(count: float) -> datetime:
    return after(60 * count)


def tick(world: World, minute: float) -> int:
    asked = services.ask_for_check_ins(now=minutes(minute))
    world.commit()
    return asked


def on_scene(world: World, minute: float = 0, **call: Any) -> Assignment:
    """A call with our crew at the place."""
    row = world.given(**call)
    world.acknowledge(row)
    assert world.tap("on_scene", row, now=minutes(minute)) == []
    row.refresh_from_db()
    return row


def check_in(world: World, row: Assignment, minute: float, *, came: float | None = None) -> None:
    """Both tablets may say it; the second one does. `came`: when it got through."""
    by = world.ours.tablets[1]
    document = world.document("check_in", row, by=by, now=minutes(minute))
    assert world.push(document, by=by, now=minutes(minute if came is None else came)) == []
    row.refresh_from_db()


def owed(world: World, row: Assignment) -> Any:
    """What a tablet of the crew is told of its check-in; None: nothing is owed."""
    return shown(world.ours.tablets[0], "assignments")[row.pk]["check_in"]


def alerts(who: Any) -> list[tuple[str, int, str]]:
    return [(body["kind"], body["level"], body["state"]) for body in shown(who, "alerts").values()]


def seen(tablet: EnrolledTablet, minute: float | None) -> None:
    at = None if minute is None else minutes(minute)
    Tablet.objects.filter(pk=tablet.tablet.pk).update(last_seen_at=at)


class TestTheTimer:
    def test_runs_from_the_first_on_scene_until_the_scene_is_left(self, world: World) -> None:
        row = on_scene(world)
        assert owed(world, row) == {
            "every_s": 1200.0,
            "due_at": "2026-03-04T20:20:00.000Z",
            "last_at": "2026-03-04T20:00:00.000Z",
            "level": 0,
            "prompt": {"sound": False, "bright": False, "haptic": True},
            "reached_at": None,
        }
        world.tap("contact_made", row, now=minutes(4))
        assert owed(world, row)["due_at"] == "2026-03-04T20:24:00.000Z"
        world.tap("transporting", row, now=minutes(6))
        assert owed(world, row) is None
        assert tick(world, 500) == 0

    def test_needs_no_tablet(self, world: World) -> None:
        """CAD says that they are there; nobody of them ever touches a tablet."""
        row = world.given(units=[world.status("OnScene")])
        assert tick(world, DISPATCH) == 1
        row.refresh_from_db()
        assert row.check_in_level == 3
        assert alerts(world.dispatcher) == [("check_in", 3, "open")]

    @pytest.mark.parametrize(("level", "minute"), [(1, DUE), (2, SUPERVISORS), (3, DISPATCH)])
    def test_is_never_early_and_not_late(self, world: World, level: int, minute: int) -> None:
        row = on_scene(world)
        for earlier in range(1, level):
            tick(world, DUE + 2 * (earlier - 1))
        assert services.ask_for_check_ins(now=minutes(minute) - MICROSECOND) == 0
        assert tick(world, minute) == 1
        row.refresh_from_db()
        assert (row.check_in_level, row.check_in_reached_at) == (level, minutes(minute))

    def test_asks_the_tablets_then_supervisors_then_dispatch(self, world: World) -> None:
        row = on_scene(world)

        def told() -> tuple[int, list[Any], list[Any]]:
            level = owed(world, row)["level"]
            return level, alerts(world.supervisor), alerts(world.dispatcher)

        tick(world, DUE)
        assert told() == (1, [], [])
        tick(world, SUPERVISORS)
        assert told() == (2, [("check_in", 2, "open")], [])
        tick(world, DISPATCH)
        assert told() == (3, [("check_in", 3, "open")], [("check_in", 3, "open")])
        assert Alert.objects.count() == 1, "one silence is one alert"
        assert tick(world, 600) == 0
        levels = Entry.objects.about(row.pk).filter(action="ask-check-in").order_by("id")
        assert [(e.actor_kind, e.detail) for e in levels] == [
            ("system", {"level": level}) for level in (1, 2, 3)
        ]

    def test_that_comes_late_raises_all_that_is_due(self, world: World) -> None:
        on_scene(world)
        assert tick(world, 90) == 1
        assert alerts(world.dispatcher) == [("check_in", 3, "open")]

    def test_that_is_told_of_late_begins_with_a_question(self, world: World) -> None:
        """A tablet comes out of a basement an hour after they arrived."""
        row = world.given()
        document = world.document("on_scene", row, now=minutes(1))
        world.push(document, now=minutes(61))
        tick(world, 61)
        assert owed(world, row)["level"] == 1
        assert alerts(world.supervisor) == []
        tick(world, 63)
        assert alerts(world.supervisor) == [("check_in", 2, "open")]

    def test_goes_by_the_call_type(self, world: World) -> None:
        kind, _ = CallType.objects.get_or_create(code="SERVICE - WELFARE CHECK")
        kind.check_in_minutes = 7
        dispatch.save_call_type(call_type=kind, by=SYSTEM, now=NOON)
        row = on_scene(world)
        assert owed(world, row)["every_s"] == 420.0
        assert tick(world, 7) == 1

    def test_has_an_interval_that_is_one(self, world: World) -> None:
        with pytest.raises(IntegrityError, match="dispatch_check_in_takes_time"):
            CallType.objects.create(code="X", check_in_minutes=0)

    def test_shows_documents_that_are_valid(self, world: World) -> None:
        row = on_scene(world)
        tick(world, DISPATCH)
        jsonschema.validate(shown(world.ours.tablets[0], "assignments")[row.pk], schemas.ASSIGNMENT)
        (alert,) = shown(world.dispatcher, "alerts").values()
        jsonschema.validate(alert, schemas.ALERT)


class TestACheckIn:
    @pytest.mark.parametrize("minute", [5, DUE + 1, SUPERVISORS + 1, DISPATCH + 1])
    def test_begins_the_next_interval_and_ends_what_had_risen(
        self, world: World, minute: int
    ) -> None:
        row = on_scene(world)
        for before in (DUE, SUPERVISORS, DISPATCH):
            if before < minute:
                tick(world, before)
        check_in(world, row, minute)
        assert (row.check_in_level, row.check_in_reached_at) == (0, None)
        assert all(alert[2] == "stopped" for alert in alerts(world.supervisor))
        tick(world, minute + 20 - 0.01)
        assert not Alert.objects.open().exists()
        tick(world, minute + 22)
        assert alerts(world.supervisor)[-1] == ("check_in", 2, "open")

    def test_by_radio_is_the_desks_word(self, world: World) -> None:
        row = on_scene(world)
        tick(world, SUPERVISORS)
        telling = services.Telling(id=uuid7(), event="check_in", assignment_id=row.pk)
        services.record_from_desk(telling=telling, by=world.dispatcher, now=minutes(23))
        world.commit()
        assert alerts(world.supervisor) == [("check_in", 2, "stopped")]
        assert owed(world, row)["due_at"] == "2026-03-04T20:43:00.000Z"

    def test_made_in_time_and_come_late_stops_what_it_should(self, world: World) -> None:
        row = on_scene(world)
        tick(world, DISPATCH)
        check_in(world, row, 19, came=30)
        assert alerts(world.dispatcher) == [("check_in", 3, "stopped")]
        assert row.check_in_level == 0

    def test_from_long_ago_does_not_end_a_silence_that_goes_on(self, world: World) -> None:
        row = on_scene(world)
        tick(world, DISPATCH)
        check_in(world, row, 3, came=40)
        assert alerts(world.dispatcher) == [("check_in", 3, "open")]
        tick(world, 60)
        assert Alert.objects.count() == 1

    def test_of_the_crew_that_had_the_call_before_is_none(self, world: World) -> None:
        row = on_scene(world)
        tick(world, SUPERVISORS)
        services.reassign(
            assignment=row, to=world.theirs.unit, by=world.dispatcher, now=minutes(23)
        )
        world.commit()
        assert Alert.objects.get().stopped_at == minutes(23)
        row.refresh_from_db()
        assert row.check_in_next_at is None

    @pytest.mark.parametrize("event", ["scene_secured", "contact_made"])
    def test_is_every_tap_of_theirs(self, world: World, event: str) -> None:
        row = on_scene(world)
        world.tap(event, row, data={"agency": "care"}, now=minutes(15))
        assert tick(world, DUE) == 1, "the row is looked at, and left"
        assert owed(world, row)["level"] == 0
        assert not Entry.objects.filter(action="ask-check-in").exists()
        tick(world, 35)
        assert owed(world, row)["level"] == 1

    def test_writes_no_row_for_a_tap_that_only_moves_it(self, world: World) -> None:
        """What the same tap costs before they are there."""
        row = world.given()
        world.acknowledge(row)
        session = session_of(world.ours.tablets[0].tablet)

        def costs(minute: float) -> int:
            telling = services.Telling(
                id=uuid7(),
                event="police_arrived",
                assignment_id=row.pk,
                data={"agency": "spd", "unit": "3M21"},
                device_time=minutes(minute),
            )
            with CaptureQueriesContext(connection) as queries, transaction.atomic():
                services.record_from_tablet(telling=telling, session=session, now=minutes(minute))
            return len(queries)

        costs(1)
        before = costs(1.5)
        world.tap("on_scene", row, now=minutes(2))
        assert costs(3) == before

    def test_is_no_call_for_help(self, world: World) -> None:
        row = on_scene(world)
        world.tap("emergency", row, now=minutes(15))
        tick(world, DISPATCH)
        kinds = sorted(alert[0] for alert in alerts(world.dispatcher))
        assert kinds == ["check_in", "emergency"]


class TestAtOnce:
    def test_ticks_raise_it_once(self, committed_world: World, elsewhere: Elsewhere) -> None:
        world = committed_world
        rows = [on_scene(world) for _ in range(4)]
        barrier = threading.Barrier(3)

        def raise_them() -> int:
            barrier.wait(60)
            return services.ask_for_check_ins(now=minutes(DISPATCH))

        ticks = [elsewhere.start(raise_them) for _ in range(3)]
        assert sum(work.result(60) for work in ticks) == len(rows)
        assert Alert.objects.count() == len(rows)

    @pytest.mark.parametrize("attempt", range(3))
    def test_a_check_in_and_a_tick_leave_nothing_open(
        self, committed_world: World, elsewhere: Elsewhere, attempt: int
    ) -> None:
        world = committed_world
        row = on_scene(world)
        barrier = threading.Barrier(3)

        def answer() -> None:
            barrier.wait(60)
            check_in(world, Assignment.objects.get(pk=row.pk), SUPERVISORS)

        def ask() -> None:
            barrier.wait(60)
            services.ask_for_check_ins(now=minutes(SUPERVISORS))

        for work in [elsewhere.start(answer), *(elsewhere.start(ask) for _ in range(2))]:
            work.result(60)
        row.refresh_from_db()
        assert row.check_in_level == 0
        assert not Alert.objects.open().exists()


@pytest.mark.parametrize("seed", range(6))
def test_in_whatever_order_they_come_the_same_is_owed(world: World, seed: int) -> None:
    """Both tablets go on without signal, and are missed; what they tell comes in any order."""
    dice = random.Random(seed)
    row = on_scene(world)
    tick(world, DISPATCH)
    told = sorted(dice.uniform(1, 45) for _ in range(5))
    documents = []
    for minute in told:
        by = dice.choice(world.ours.tablets)
        event = dice.choice(["check_in", "scene_secured"])
        data = {"agency": "care"}
        documents.append((by, world.document(event, row, by=by, now=minutes(minute), data=data)))
    dice.shuffle(documents)
    for by, document in documents:
        world.push(document, by=by, now=minutes(51))
        if dice.random() < 0.5:
            tick(world, 51)
    tick(world, 51)
    found = owed(world, row)
    assert found is not None
    assert datetime.fromisoformat(found["last_at"]) == minutes(told[-1])
    silent = told[-1] + SUPERVISORS <= 51
    (alert,) = Alert.objects.all()
    assert (alert.stopped_at is None) is silent
    assert found["level"] == (3 if silent else 1 if told[-1] + DUE <= 51 else 0)
