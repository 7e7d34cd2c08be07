"""What tablets tell: taken, flagged, refused, early, late, repeated."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.auth import TabletSession, session_of
from apps.assignments import schemas, services
from apps.assignments.models import Alert, Assignment, Fact
from apps.assignments.services import NotYours, Telling
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.dispatch import services as dispatch
from apps.sync.models import QuarantinedWrite
from tests.factories import tablet
from tests.integration.assignments.conftest import (
    NOON,
    World,
    after,
    events,
    refusals,
    shown,
)
from tests.integration.conftest import Elsewhere


class TestATap:
    def test_moves_the_state_on_every_screen(self, world: World) -> None:
        row = world.given()
        assert world.tap("en_route", row, now=after(20), data={"call_revision": 1}) == []
        row.refresh_from_db()
        assert (row.state, row.acknowledged_revision, row.alarm_due_at) == ("en_route", 1, None)
        for holder in (*world.ours.tablets, world.supervisor, world.dispatcher):
            assert shown(holder, "assignments")[row.pk]["state"] == "en_route"

    def test_is_sent_as_it_was_made_with_what_the_server_knows(self, world: World) -> None:
        row = world.given()
        made = world.document("en_route", row, data={"note": "via 4th"}, now=after(20))
        assert world.push(made, now=after(25), offset_ms=700) == []
        sent = shown(world.ours.tablets[1], "facts")[UUID(made["id"])]
        assert {name: sent[name] for name in made} == made
        assert sent["author_id"] == str(world.ours.people[0].pk)
        assert sent["author_name"] == world.ours.people[0].display_name
        assert (sent["unit"], sent["source"]) == ("CARE21", "tablet")
        assert sent["received_at"] == "2026-03-04T20:00:25.000Z"
        assert (sent["clock_offset_ms"], sent["clock_uncertainty_ms"]) == (700, 50)
        assert sent["flags"] == []
        assert sent["order"] == Fact.objects.get(pk=made["id"]).order

    def test_keeps_the_clients_spelling_of_its_time(self, world: World) -> None:
        row = world.given()
        for spelling in (
            "2026-03-04T20:00:20+00:00",
            "2026-03-04T12:00:20-08:00",
            "2026-03-04T20:00:20Z",
        ):
            made = world.document("en_route", row, device_time=spelling)
            world.push(made, now=after(25))
            assert Fact.objects.get(pk=made["id"]).device_time == after(20)
            sent = shown(world.ours.tablets[0], "facts")[UUID(made["id"])]
            assert sent["device_time"] == spelling

    def test_is_audited_with_tablet_and_person(self, world: World) -> None:
        row = world.given()
        world.tap("en_route", row)
        entry = Entry.objects.about(row.pk).get(action="record")
        first = world.ours.tablets[0]
        assert (entry.actor_kind, entry.actor_id) == ("tablet", world.ours.people[0].pk)
        assert entry.tablet_id == first.tablet.pk
        assert entry.detail["event"] == "en_route"

    def test_costs_few_statements(self, world: World) -> None:
        row = world.given()
        telling = Telling(id=uuid7(), event="en_route", assignment_id=row.pk, device_time=NOON)
        on = session(world)
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            services.record_from_tablet(telling=telling, session=on, now=after(5))
        own = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
        assert len(own) == 11, "\n".join(sql[:150] for sql in own)

    def test_of_either_responder_acknowledges_for_both(self, world: World) -> None:
        row = world.given()
        world.acknowledge(row, by=world.ours.tablets[1], now=after(9))
        for one in world.ours.tablets:
            assert shown(one, "assignments")[row.pk]["alarm"] is None

    def test_documents_are_valid_under_the_published_schemas(self, world: World) -> None:
        row = world.given(units=[world.status("EnRoute"), world.status("OnScene", of="3M21")])
        world.tap("emergency", row)
        world.tap("cleared", row, data={"disposition": "18"})
        services.raise_due_alarms(now=after(100))
        for collection, schema in (
            ("assignments", schemas.ASSIGNMENT),
            ("facts", schemas.FACT),
            ("alerts", schemas.ALERT),
        ):
            jsonschema.Draft202012Validator.check_schema(schema)
            checker = jsonschema.Draft202012Validator(schema)
            bodies = [*shown(world.dispatcher, collection).values(), *schema["examples"]]
            assert len(bodies) > len(schema["examples"])
            for body in (*bodies, {"id": str(row.pk), "_deleted": True}):
                checker.validate(body)
                assert set(body) <= {*schema["properties"], "editor", "edit_no", "_deleted"}


def session(world: World) -> TabletSession:
    return session_of(world.ours.tablets[0].tablet)


class TestOddTaps:
    def test_are_taken_and_flagged(self, world: World) -> None:
        row = world.given()
        for event, odd in (
            ("cleared", {"data": {"disposition": "99"}}),
            ("cleared", {"data": "done"}),
            ("en_route", {"data": {"note": 7}}),
            ("en_route", {"counter": "seven"}),
            ("en_route", {"counter": 2**63}),
            ("en_route", {"device_time": "yesterday"}),
            ("en_route", {"device_time": 1772654400}),
            ("en_route", {"device_time": "0001-01-01T00:00:00+14:00"}),
            ("declined", {"data": {"agency": "spd", "reason": "x", "officer": "J. Doe"}}),
        ):
            made = {**world.document(event, row), **odd}
            assert world.push(made) == [], odd
            assert "bad_field" in Fact.objects.get(pk=made["id"]).flags, odd
            sent = shown(world.ours.tablets[0], "facts")[UUID(made["id"])]
            assert "bad_field" in sent["flags"]
            jsonschema.Draft202012Validator(schemas.FACT).validate(sent)

    def test_name_nobody_where_a_unit_declines(self, world: World) -> None:
        """A unit declines. Who typed a name all the same has not lost it; nobody is shown it."""
        row = world.given()
        unit = {"agency": "spd", "unit": "2K3", "reason": "handled"}
        said = {**unit, "badge": 7, "officer": "J. Doe"}
        made = world.document("declined", row, data=said)
        assert world.push(made) == []
        correction = {
            "corrects": made["id"],
            "reason": "wrong_detail",
            "data": {"officer": "J. Roe"},
        }
        corrected = world.document("corrected", row, data=correction)
        assert world.push(corrected) == []
        for document in (made, corrected):
            assert world.push(document) == []  # a repeat is one
            sent = shown(world.ours.tablets[0], "facts")[UUID(document["id"])]
            assert "Doe" not in str(sent)
            assert "Roe" not in str(sent)
            assert "bad_field" in sent["flags"]
        first, second = Fact.objects.filter(pk__in=[made["id"], corrected["id"]]).order_by("order")
        assert first.data == unit
        assert first.unread == {"data": {"badge": 7, "officer": "J. Doe"}}
        assert second.data["data"] == {}
        assert second.unread == {"data": {"data": {"officer": "J. Roe"}}}

    def test_that_lack_something_are_taken(self, world: World) -> None:
        row = world.given()
        for missing in ("data", "device_time", "counter", "editor", "edit_no"):
            made = world.document("en_route", row)
            del made[missing]
            assert world.push(made) == [], missing
            assert Fact.objects.filter(pk=made["id"]).exists()

    def test_keep_what_no_column_holds(self, world: World) -> None:
        row = world.given()
        world.tap("en_route", row, mood="fine", device_time="yesterday")
        fact = Fact.objects.get(event="en_route")
        assert fact.unread == {"mood": "fine", "device_time": "yesterday"}
        assert "mood" not in shown(world.ours.tablets[0], "facts")[fact.pk]

    def test_out_of_order_are_taken_and_flagged(self, world: World) -> None:
        row = world.given()
        world.tap("on_scene", row, now=after(100))
        world.tap("en_route", row, now=after(101), device_time="2026-03-04T20:05:00.000Z")
        row.refresh_from_db()
        assert row.state == "on_scene"
        assert row.flags

    def test_of_an_earlier_fact_are_flagged_there_too_once_it_shows(self, world: World) -> None:
        row = world.given()
        target = world.document("on_scene", row, now=after(50))
        world.tap(
            "corrected", row, data={"corrects": target["id"], "reason": "mis_tap"}, now=after(55)
        )
        early = Fact.objects.get(event="corrected")
        assert shown(world.ours.tablets[0], "facts")[early.pk]["flags"] == ["target_missing"]
        world.push(target, now=after(60))
        assert shown(world.ours.tablets[0], "facts")[early.pk]["flags"] == []
        row.refresh_from_db()
        assert row.state == "assigned"


class TestARefusal:
    def test_keeps_the_tap_in_quarantine(self, world: World) -> None:
        row = world.given()
        for written, pointer in (
            ({"event": "teleported"}, "/event"),
            ({"event": None}, "/event"),
            ({"event": "cad_status"}, "/event"),
            ({"event": "reassigned"}, "/event"),
            ({"assignment_id": None}, "/assignment_id"),
            ({"assignment_id": "the first one"}, "/assignment_id"),
        ):
            made = {**world.document("en_route", row), **written}
            assert refusals(world.push(made))[0].startswith(f"{pointer}:"), written
            assert not Fact.objects.filter(pk=made["id"]).exists()
            assert QuarantinedWrite.objects.filter(doc_id=made["id"]).exists()

    def test_meets_whoever_has_nothing_to_do_with_the_call(self, world: World) -> None:
        row = world.given()
        stranger = world.theirs.tablets[0]
        assert refusals(world.tap("en_route", row, by=stranger))[0].startswith("/assignment_id:")
        assert events(row) == ["assigned"]

    def test_meets_a_former_crew_of_long_ago(self, world: World) -> None:
        dispatch.leave_crew(user=world.ours.people[0], by=SYSTEM, now=NOON + timedelta(minutes=1))
        row = world.given(now=after(3600))
        assert refusals(world.tap("en_route", row, now=after(3601)))

    def test_does_not_meet_who_left_the_crew_during_the_call(self, world: World) -> None:
        row = world.given()
        dispatch.leave_crew(user=world.ours.people[0], by=SYSTEM, now=after(60))
        world.commit()
        made = world.document("en_route", row, now=after(50))
        assert world.push(made, now=after(70)) == []
        assert UUID(made["id"]) in shown(world.ours.tablets[0], "facts")

    def test_does_not_meet_a_supervisor_who_sees_the_call(self, world: World) -> None:
        row = world.given()
        theirs = tablet(world.supervisor, of=world.team)
        assert world.tap("on_scene", row, by=theirs, now=after(30)) == []
        assert Fact.objects.get(event="on_scene").unit is None


class TestARepeat:
    def test_changes_nothing(self, world: World) -> None:
        row = world.given()
        made = world.document("en_route", row)
        for _ in range(3):
            assert world.push(made) == []
        assert events(row) == ["assigned", "en_route"]

    def test_that_bypasses_the_ledger_changes_nothing_either(self, world: World) -> None:
        row = world.given()
        telling = Telling(id=uuid7(), event="en_route", assignment_id=row.pk, device_time=NOON)
        for _ in range(2):
            services.record_from_tablet(telling=telling, session=session(world), now=NOON)
        assert events(row) == ["assigned", "en_route"]

    def test_with_another_content_is_refused(self, world: World) -> None:
        row, other = world.given(), world.given(number="2")
        first = Telling(id=uuid7(), event="en_route", assignment_id=row.pk)
        services.record_from_tablet(telling=first, session=session(world), now=NOON)
        for change in ({"event": "on_scene"}, {"assignment_id": other.pk}, {"data": {"note": "x"}}):
            second = Telling(
                **{"id": first.id, "event": "en_route", "assignment_id": row.pk, **change}
            )
            with pytest.raises(ProblemError), transaction.atomic():
                services.record_from_tablet(telling=second, session=session(world), now=NOON)


def test_of_two_taps_at_once_both_count(committed_world: World, elsewhere: Elsewhere) -> None:
    """Whoever comes second derives the state from both, although it is told what came first."""
    world = committed_world
    row = world.given()
    held, go_on = threading.Event(), threading.Event()

    def ahead() -> None:
        with transaction.atomic():
            world.tap("on_scene", row, now=after(20))
            held.set()
            assert go_on.wait(60)

    first = elsewhere.start(ahead)
    assert held.wait(60)
    other = world.ours.tablets[1]
    second = elsewhere.start(lambda: world.tap("en_route", row, by=other, now=after(10)))
    elsewhere.until_waiting(second)
    go_on.set()
    first.result(60)
    assert second.result(60) == []
    assert events(row) == ["assigned", "on_scene", "en_route"]
    row.refresh_from_db()
    assert row.state == "on_scene"
    assert shown(other, "assignments")[row.pk]["state"] == "on_scene"


class TestAnEarlyFact:
    def test_waits_for_its_assignment_and_is_counted_in(self, world: World) -> None:
        id = uuid7()
        world.tap("on_scene", id, now=after(20))
        early = Fact.objects.get()
        sent = shown(world.ours.tablets[0], "facts")[early.pk]
        assert sent["flags"] == ["not_here_yet"]
        assert not shown(world.ours.tablets[1], "facts")

        world.tap("opened", id, data={"entry": "on_view"}, now=after(21), device_time=None)
        row = Assignment.objects.get(pk=id)
        assert row.state == "on_scene"
        here = shown(world.ours.tablets[1], "facts")
        assert set(here) == set(Fact.objects.values_list("pk", flat=True))
        assert here[early.pk]["flags"] == []

    @pytest.mark.parametrize("opened_first", [True, False])
    def test_meets_its_assignment_even_at_the_same_moment(
        self, committed_world: World, elsewhere: Elsewhere, opened_first: bool
    ) -> None:
        world = committed_world
        id = uuid7()
        opened = world.document("opened", id, data={"entry": "on_view"}, now=after(20))
        early = world.document("on_scene", id, by=world.ours.tablets[1], now=after(21))
        held, go_on = threading.Event(), threading.Event()

        def ahead() -> None:
            with transaction.atomic():
                if opened_first:
                    world.push(opened, now=after(22))
                else:
                    world.push(early, by=world.ours.tablets[1], now=after(22))
                held.set()
                assert go_on.wait(60)

        def behind() -> None:
            if opened_first:
                world.push(early, by=world.ours.tablets[1], now=after(22))
            else:
                world.push(opened, now=after(22))

        first = elsewhere.start(ahead)
        assert held.wait(60)
        second = elsewhere.start(behind)
        elsewhere.until_waiting(second)
        go_on.set()
        first.result(60)
        second.result(60)
        assert Assignment.objects.get(pk=id).state == "on_scene"
        assert set(shown(world.ours.tablets[0], "facts")) == set(
            Fact.objects.values_list("pk", flat=True)
        )


class TestTheDesk:
    def tell(self, world: World, row: Assignment, event: str, **more: Any) -> Fact | None:
        telling = Telling(**{"id": uuid7(), "event": event, "assignment_id": row.pk, **more})
        fact = services.record_from_desk(telling=telling, by=world.dispatcher, now=after(10))
        world.commit()
        return fact

    def test_says_what_it_hears_by_radio(self, world: World) -> None:
        row = world.given()
        assert self.tell(world, row, "acknowledged")
        row.refresh_from_db()
        assert row.alarm_due_at is None
        assert Fact.objects.get(event="acknowledged").source == "desk"

    def test_does_not_say_what_has_a_verb_or_is_a_tablets(self, world: World) -> None:
        row = world.given()
        for event in ("received", "opened", "reassigned", "cancelled", "nonsense"):
            with pytest.raises(ProblemError):
                self.tell(world, row, event)

    def test_cannot_tell_of_no_assignment(self, world: World) -> None:
        with pytest.raises(NotYours):
            self.tell(world, Assignment(), "on_scene")


def test_a_fact_that_comes_after_closing_is_taken(world: World) -> None:
    row = world.given()
    world.tap("cleared", row, now=after(100), data={"disposition": "18"})
    assert world.tap("contact_made", row, now=after(200)) == []
    row.refresh_from_db()
    assert row.state == "closed"
    assert "contact_after_close" in row.flags
    assert not Alert.objects.exists()


def test_facts_of_several_calls_wait_for_them_in_one_order(
    world: World, elsewhere: Elsewhere
) -> None:
    """Whatever order they were told in: two tablets of a unit would wait for each other."""
    first, second = sorted((world.given(), world.given()), key=lambda row: row.pk)
    told_of = [world.document("on_scene", row) for row in (second, first)]
    with transaction.atomic():
        Assignment.objects.select_for_update(no_key=True).get(pk=first.pk)
        pushing = elsewhere.start(lambda: world.push(*told_of))
        elsewhere.until_waiting(pushing)
        Assignment.objects.select_for_update(no_key=True, nowait=True).get(pk=second.pk)
    assert pushing.result(60) == []
