"""The handoff is the incident's: one ledger, whichever unit's call it is read on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.test.client import Client as Browser
from django.test.utils import CaptureQueriesContext

from apps.accounts.auth import session_of
from apps.accounts.models import User
from apps.assignments import services
from apps.assignments.admin import tables
from apps.assignments.models import Alert, Assignment
from apps.assignments.records import look_at
from apps.changes.models import StoredDocument
from apps.core.ids import uuid7
from apps.dispatch.models import Source
from tests.factories import EnrolledTablet
from tests.integration.assignments.conftest import World, after, shown
from tests.integration.conftest import Elsewhere

RELEASE = {"agency": "spd", "unit": "3M21", "decided_by": "spd", "care_agreed": True}
CLEARED = {"disposition": "18"}


def both_given(world: World, **members: Any) -> tuple[Assignment, Assignment]:
    """A call with police on it that both CARE units have, both of them on scene."""
    units = [
        world.status("Dispatched"),
        world.status("Dispatched", of="CARE22"),
        world.status("OnScene", of="3M21"),
    ]
    incident = world.call(units=units, **members)
    first, second = (
        world.assignment(incident, unit) for unit in (world.ours.unit, world.theirs.unit)
    )
    world.tap("on_scene", first, now=after(60))
    world.tap("on_scene", second, by=world.theirs.tablets[0], now=after(60))
    return first, second


def police(holder: EnrolledTablet | User, row: Assignment) -> dict[str, Any]:
    found: dict[str, Any] = shown(holder, "assignments")[row.pk]["handoff"]["police"]
    return found


def send_further(world: World, row: Assignment) -> None:
    """A desk gives the call to the other unit, too."""
    services.assign(
        incident=row.incident,
        unit=world.theirs.unit,
        source=Source.DESK,
        by=world.dispatcher,
        reason="x",
        now=after(2200),
    )
    world.commit()


def test_counts_until_the_last_unit_of_ours_has_cleared(world: World) -> None:
    first, second = both_given(world)
    theirs = world.theirs.tablets[0]
    world.tap("police_released", first, data=RELEASE, now=after(300))
    world.tap("cleared", first, data=CLEARED, now=after(2100))
    for holder, row in ((world.ours.tablets[0], first), (theirs, second)):
        assert (police(holder, row)["complete"], police(holder, row)["seconds_given_back"]) == (
            False,
            None,
        )
    assert "not known" in tables.handoff(look_at(first))

    world.tap("cleared", second, by=theirs, data=CLEARED, now=after(3900))
    for holder, row in ((world.ours.tablets[0], first), (theirs, second)):
        assert police(holder, row)["complete"]
        assert police(holder, row)["seconds_given_back"] == 3600
    browser = Browser()
    browser.force_login(world.supervisor, backend="django.contrib.auth.backends.ModelBackend")
    for row in (first, second):
        told = browser.get(f"/api/v1/assignments/{row.pk}").json()
        assert told["handoff"] == shown(world.supervisor, "assignments")[row.pk]["handoff"]
        assert "<strong>1 h 0 min</strong>" in tables.handoff(look_at(row))


def test_what_one_unit_tells_of_it_is_on_the_tablets_of_the_other(world: World) -> None:
    first, second = both_given(world)
    told = {**RELEASE, "note": "SAID BY OFFICER JONES"}
    made = world.document("police_released", first, data=told, now=after(300))
    world.push(made, now=after(300))
    theirs = world.theirs.tablets[0]
    assert police(theirs, second)["released_at"] == "2026-03-04T20:05:00Z"
    assert police(theirs, second) == police(world.ours.tablets[0], first)
    # The fact itself is the first unit's, and so are its words.
    assert made["id"] not in {str(pk) for pk in shown(theirs, "facts")}
    assert "JONES" not in str(shown(theirs, "assignments"))

    world.tap("corrected", first, data={"corrects": made["id"], "reason": "x"}, now=after(900))
    assert police(theirs, second)["released_at"] is None


def test_what_tells_nothing_of_it_shows_nothing_anew(world: World) -> None:
    first, second = both_given(world)

    def version() -> int:
        return StoredDocument.objects.get(collection="assignments", doc_id=second.pk).rev

    before = version()
    world.tap("contact_made", first, now=after(90))
    assert version() == before
    world.tap("police_released", first, data=RELEASE, now=after(300))
    assert version() == before + 1


def test_brings_no_call_back_to_a_tablet_that_it_has_left(world: World) -> None:
    first, second = both_given(world)
    theirs = world.theirs.tablets[0]
    world.tap("cleared", second, by=theirs, data=CLEARED, now=after(100))
    services.let_cleared_go(now=after(3700))
    world.tap("police_released", first, data=RELEASE, now=after(3800))
    assert not shown(theirs, "assignments")
    assert police(world.dispatcher, second)["released_at"] == "2026-03-04T21:03:20Z"


def test_a_further_unit_has_it_and_keeps_it_open(world: World) -> None:
    row = world.given(units=[world.status("Dispatched"), world.status("OnScene", of="3M21")])
    world.tap("police_released", row, data=RELEASE, now=after(300))
    world.tap("cleared", row, data=CLEARED, now=after(2100))
    assert police(world.dispatcher, row)["complete"]
    send_further(world, row)
    [further] = shown(world.theirs.tablets[0], "assignments").values()
    assert further["handoff"]["police"]["released_at"] == "2026-03-04T20:05:00Z"
    assert not further["handoff"]["police"]["complete"]
    assert not police(world.dispatcher, row)["complete"]


class TestAtOnce:
    """Two things happen to one incident: the second waits, and reads what the first has left."""

    def play(
        self, elsewhere: Elsewhere, first: Callable[[], object], second: Callable[[], object]
    ) -> None:
        held, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic():
                first()
                held.set()
                assert go_on.wait(60)

        one = elsewhere.start(hold)
        assert held.wait(60)
        two = elsewhere.start(second)
        elsewhere.until_waiting(two)
        go_on.set()
        one.result(60)
        two.result(60)

    def test_taps_of_two_units_are_both_in_it(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        world = committed_world
        first, second = both_given(world)
        theirs, secured = world.theirs.tablets[0], {"agency": "spd"}
        self.play(
            elsewhere,
            lambda: world.tap("police_released", first, data=RELEASE, now=after(300)),
            lambda: world.tap("scene_secured", second, by=theirs, data=secured, now=after(310)),
        )
        for row in (first, second):
            handoff = shown(world.dispatcher, "assignments")[row.pk]["handoff"]
            assert handoff["police"]["released_at"] == "2026-03-04T20:05:00Z"
            assert handoff["scene"] == "secured"

    def test_an_answer_to_one_unit_shows_what_the_other_tells(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        world = committed_world
        first, second = both_given(world)
        world.tap("assist", second, by=world.theirs.tablets[0], now=after(200))
        alert = Alert.objects.get()
        self.play(
            elsewhere,
            lambda: world.tap("police_released", first, data=RELEASE, now=after(300)),
            lambda: services.acknowledge_alert(alert=alert, by=world.dispatcher, now=after(310)),
        )
        assert police(world.dispatcher, second)["released_at"] == "2026-03-04T20:05:00Z"

    def test_what_a_desk_tells_is_shown_to_a_unit_that_is_sent_meanwhile(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        world = committed_world
        row = world.given(units=[world.status("Dispatched"), world.status("OnScene", of="3M21")])
        telling = services.Telling(
            id=uuid7(),
            event="police_released",
            assignment_id=row.pk,
            data=RELEASE,
            device_time=after(300),
        )
        self.play(
            elsewhere,
            lambda: send_further(world, row),
            lambda: services.record_from_desk(
                telling=telling, by=world.dispatcher, now=after(2300)
            ),
        )
        [further] = shown(world.theirs.tablets[0], "assignments").values()
        assert further["handoff"]["police"]["released_at"] == "2026-03-04T20:05:00Z"


def test_costs_no_statement_for_each_further_unit(world: World) -> None:
    first, _ = both_given(world)
    session = session_of(world.ours.tablets[0].tablet)

    def costs(row: Assignment, seconds: float) -> int:
        telling = services.Telling(
            id=uuid7(),
            event="police_released",
            assignment_id=row.pk,
            data=RELEASE,
            device_time=after(seconds),
        )
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            services.record_from_tablet(telling=telling, session=session, now=after(seconds))
        return len(queries)

    alone = world.given(number="1", units=[world.status("Dispatched")])
    assert costs(first, 400) == costs(alone, 400)
