"""A call from CAD reaches the units that CAD put on it, and follows what CAD says."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.assignments.models import Alert, Assignment, Fact
from apps.assignments.services import follow_incident
from apps.audit.models import Entry
from apps.changes.models import Change
from apps.dispatch.models import Incident
from tests.integration.assignments.conftest import (
    NOON,
    World,
    after,
    dropped,
    events,
    shown,
    told,
)


class TestANewCall:
    def test_is_given_to_each_care_unit_on_it_once(self, world: World) -> None:
        incident = world.call(
            units=[world.status("Dispatched"), world.status("Dispatched", of="CARE22")]
        )
        rows = Assignment.objects.filter(incident=incident)
        assert {row.unit for row in rows} == {world.ours.unit, world.theirs.unit}
        assert all(row.state == "assigned" and row.alarm_due_at == after(30) for row in rows)

    def test_without_a_care_unit_is_given_to_nobody(self, world: World) -> None:
        world.call(units=[world.status("Dispatched", of="3M21")])
        assert not Assignment.objects.exists()

    def test_is_on_both_tablets_and_both_desks(self, world: World) -> None:
        row = world.given()
        for holder in (*world.ours.tablets, world.supervisor, world.dispatcher):
            assert list(shown(holder, "assignments")) == [row.pk]
        assert not any(shown(one, "assignments") for one in world.theirs.tablets)

    def test_says_first_what_may_endanger_the_crew(self, world: World) -> None:
        caution = {"severity": "high", "kind": "weapon", "text": "KNIFE SEEN"}
        row = world.given(cautions=[caution], narrative=[{"text": "MAN AT THE STOP"}])
        body = shown(world.ours.tablets[0], "assignments")[row.pk]
        assert list(body)[:5] == ["cautions", "withheld", "call_revision", "needs_ack", "state"]
        assert body["cautions"][0]["text"] == "KNIFE SEEN"
        assert body["needs_ack"] is True
        assert body["address"] == "3RD AVE / PIKE ST"
        assert body["unit"]["call_sign"] == "CARE21"
        assert body["alarm"] == {
            "level": 0,
            "at": None,
            "awaited_since": "2026-03-04T20:00:00.000Z",
            "raised_at": None,
            "due_at": "2026-03-04T20:00:30.000Z",
        }
        assert body["evaluation"]["text"]

    def test_names_police_and_fire_units_beside_ours(self, world: World) -> None:
        row = world.given(
            units=[world.status("Dispatched"), world.status("OnScene", of="3M21", at=after(-60))]
        )
        units = shown(world.ours.tablets[0], "assignments")[row.pk]["units"]
        assert [(unit["call_sign"], unit["agency"], unit["status"]) for unit in units] == [
            ("CARE21", "care", "Dispatched"),
            ("3M21", "spd", "OnScene"),
        ]

    def test_costs_eight_statements_a_unit(self, world: World) -> None:
        incident = world.call(units=[])
        incident.units.create(
            unit=world.ours.unit,
            call_sign="CARE21",
            agency="care",
            source="cad",
            times={"Dispatched": NOON.isoformat()},
            attached_at=NOON,
        )
        with CaptureQueriesContext(connection) as queries:
            follow_incident(incident_id=incident.pk, now=NOON)
        assert len(queries) == 8, "\n".join(query["sql"][:150] for query in queries)
        assert world.assignment(incident)

    def test_is_audited(self, world: World) -> None:
        row = world.given()
        entry = Entry.objects.about(row.pk).get()
        assert (entry.actor_kind, entry.action) == ("cad", "create")

    def test_that_came_when_it_was_over_leaves_a_record(self, world: World) -> None:
        row = world.given(event="cancel")
        assert (row.state, row.closing) == ("closed", "cancelled")
        assert row.alarm_due_at is None

    def test_keeps_a_large_narrative_within_a_document(self, world: World) -> None:
        notes = [
            {"at": after(minute).isoformat(), "text": f"{minute:03} " + "X" * 3000}
            for minute in range(60)
        ]
        caution = {"severity": "high", "kind": "violence", "text": "V" * 5000}
        row = world.given(narrative=notes, cautions=[caution])
        body = shown(world.ours.tablets[0], "assignments")[row.pk]
        assert len(json.dumps(body)) < 64 * 1024
        assert body["cautions"][0]["text"] == "V" * 5000
        assert body["narrative"][-1]["text"].startswith("059")
        assert body["cut"] == 60 - len(body["narrative"])


class TestARepeat:
    def test_changes_nothing(self, world: World) -> None:
        row = world.given(number="1")
        before = (Change.objects.count(), Fact.objects.count())
        world.call(number="1", now=NOON)
        follow_incident(incident_id=row.incident_id, now=NOON)
        assert Fact.objects.count() == before[1]
        assert Assignment.objects.count() == 1


class TestAnUpdate:
    def test_that_is_material_asks_for_a_new_acknowledgement(self, world: World) -> None:
        row = world.given(number="1")
        world.acknowledge(row, now=after(5))
        row.refresh_from_db()
        assert row.alarm_due_at is None
        caution = {"severity": "high", "kind": "weapon", "text": "KNIFE"}
        world.call(number="1", now=after(60), cautions=[caution])
        row.refresh_from_db()
        assert (row.alarm_level, row.alarm_due_at) == (0, after(90))
        body = shown(world.ours.tablets[1], "assignments")[row.pk]
        assert (body["call_revision"], body["needs_ack"]) == (2, True)
        assert body["cautions"][0]["text"] == "KNIFE"
        world.acknowledge(row, revision=2, now=after(70))
        assert not shown(world.ours.tablets[1], "assignments")[row.pk]["needs_ack"]

    def test_that_is_not_material_reaches_the_tablets_quietly(self, world: World) -> None:
        row = world.given(number="1")
        world.acknowledge(row, now=after(5))
        world.call(number="1", now=after(60), narrative=[{"text": "CALLER WAITS OUTSIDE"}])
        body = shown(world.ours.tablets[0], "assignments")[row.pk]
        assert body["narrative"][-1]["text"] == "CALLER WAITS OUTSIDE"
        assert not body["needs_ack"]

    def test_does_not_put_the_alarm_of_an_unacknowledged_call_off(self, world: World) -> None:
        row = world.given(number="1")
        world.call(number="1", now=after(20), address="1ST AVE / UNION ST")
        row.refresh_from_db()
        assert row.alarm_due_at == after(30)
        assert row.incident.call_revision == 2

    def test_that_names_police_makes_it_a_dual_dispatch_until_the_crew_is_there(
        self, world: World
    ) -> None:
        row = world.given(number="1")
        assert row.entry_kind == "solo_911"
        world.call(number="1", now=after(9), units=[world.status("Dispatched", of="3M21")])
        row.refresh_from_db()
        assert row.entry_kind == "dual_911"
        assert shown(world.ours.tablets[0], "assignments")[row.pk]["entry_kind"] == "dual_911"

    def test_that_names_police_whom_the_crew_called_leaves_a_solo_dispatch(
        self, world: World
    ) -> None:
        row = world.given(number="1")
        world.tap("on_scene", row, now=after(60))
        world.call(number="1", now=after(90), units=[world.status("Dispatched", of="3M21")])
        row.refresh_from_db()
        assert row.entry_kind == "solo_911"

    def test_that_adds_a_unit_gives_it_the_call_too(self, world: World) -> None:
        row = world.given(number="1")
        units = [world.status("Dispatched"), world.status("Dispatched", of="CARE22", at=after(60))]
        world.call(number="1", now=after(60), units=units)
        second = world.assignment(row.incident, world.theirs.unit)
        assert second.alarm_due_at == after(90)
        assert list(shown(world.theirs.tablets[0], "assignments")) == [second.pk]


class TestAnEnd:
    def test_a_cancelled_incident_closes_and_silences(self, world: World) -> None:
        row = world.given(number="1")
        world.call(number="1", now=after(60), event="cancel")
        row.refresh_from_db()
        assert (row.state, row.closing, row.alarm_due_at) == ("closed", "cancelled", None)
        assert row.closed_at == after(60)
        body = shown(world.ours.tablets[0], "assignments")[row.pk]
        assert body["incident_status"] == "cancelled"
        world.call(number="1", now=after(61), event="cancel")
        assert events(row).count("cancelled") == 1

    def test_contact_outlives_a_cancellation(self, world: World) -> None:
        row = world.given(number="1")
        world.tap("on_scene", row, now=after(50))
        world.tap("contact_made", row, now=after(55))
        for second in (60, 70):
            world.call(number="1", now=after(second), event="cancel")
        row.refresh_from_db()
        assert row.state == "contact"
        assert "closing_refused" in row.flags
        assert events(row).count("cancelled") == 1

    @pytest.mark.parametrize(
        ("taps", "state"),
        [
            ((), "closed"),
            (("acknowledged", "en_route"), "closed"),
            (("on_scene",), "on_scene"),
            (("on_scene", "contact_made"), "contact"),
        ],
    )
    def test_a_closed_incident_ends_only_what_has_not_arrived(
        self, world: World, taps: tuple[str, ...], state: str
    ) -> None:
        row = world.given(number="1")
        for event in taps:
            world.tap(event, row, now=after(10), data={"call_revision": 1})
        world.call(number="1", now=after(60), event="close")
        row.refresh_from_db()
        assert row.state == state

    def test_a_reopened_incident_comes_back_and_alarms(self, world: World) -> None:
        row = world.given(number="1")
        world.acknowledge(row, now=after(5))
        world.call(number="1", now=after(60), event="cancel")
        world.call(number="1", now=after(90), event="reopen")
        row.refresh_from_db()
        assert (row.state, row.closed_at, row.leaves_at) == ("assigned", None, None)
        assert row.alarm_due_at == after(120)
        assert events(row)[-2:] == ["cancelled", "reopened"]
        world.call(number="1", now=after(100), event="reopen")
        assert events(row).count("reopened") == 1

    @pytest.mark.parametrize(
        "again", [{"event": "reopen", "units": []}, {"event": "reopen"}], ids=["opened", "sent"]
    )
    def test_times_are_measured_from_when_the_call_began_again(
        self, world: World, again: dict[str, Any]
    ) -> None:
        row = world.given(number="1")
        world.call(number="1", now=after(60), event="cancel", units=[])
        world.call(number="1", now=after(90), **again)
        world.acknowledge(row, now=after(97))
        body = shown(world.ours.tablets[0], "assignments")[row.pk]
        assert body["times"]["assigned"]["at"] == told(after(90))
        assert body["durations"]["assigned_to_acknowledged"] == 7
        assert "missing_time" not in [flag["code"] for flag in body["flags"]]

    def test_a_reopened_incident_leaves_what_the_crew_cleared_cleared(self, world: World) -> None:
        row = world.given(number="1")
        world.tap("cleared", row, now=after(50), data={"disposition": "18"})
        world.call(number="1", now=after(60), event="close")
        world.call(number="1", now=after(90), event="reopen")
        row.refresh_from_db()
        assert (row.state, row.closing) == ("closed", "cleared")

    def test_a_unit_that_cad_sends_once_more_gets_the_call_again(self, world: World) -> None:
        row = world.given(number="1")
        world.call(number="1", now=after(30), units=[world.status("EnRoute", at=after(30))])
        world.tap("cleared", row, now=after(50), data={"disposition": "18"})
        units = [world.status("Dispatched", at=after(500))]
        world.call(number="1", now=after(500), units=units)
        row.refresh_from_db()
        assert (row.state, row.alarm_due_at) == ("assigned", after(530))

    @pytest.mark.parametrize("sign", ["CARE21", "CARE22"])
    def test_a_unit_that_cad_sends_after_the_end_gets_the_call(
        self, world: World, sign: str
    ) -> None:
        """Whether or not CAD says that it has opened the call again, and under a number of last
        year's call too: nobody is sent to what is over."""
        world.call(number="1")
        over = world.status("Cleared", at=after(60))
        world.call(number="1", now=after(60), event="close", units=[over])
        sent = world.status("Dispatched", of=sign, at=after(120))
        world.call(number="1", now=after(120), units=[sent])
        crew = {"CARE21": world.ours, "CARE22": world.theirs}[sign]
        row = world.assignment(unit=crew.unit)
        assert (row.state, row.closed_at, row.alarm_due_at) == ("assigned", None, after(150))
        assert shown(crew.tablets[0], "assignments")[row.pk]["needs_ack"] is True

    def test_a_unit_that_cad_takes_off_loses_it_alone(self, world: World) -> None:
        both = [world.status("Dispatched"), world.status("Dispatched", of="CARE22")]
        incident = world.call(number="1", units=both)
        off = world.status("AssignmentCancelled", at=after(60))
        world.call(number="1", now=after(60), units=[off, both[1]])
        assert world.assignment(incident).closing == "cancelled"
        assert world.assignment(incident, world.theirs.unit).state == "assigned"

    def test_a_unit_that_cad_names_as_inactive_loses_it(self, world: World) -> None:
        row = world.given(number="1")
        off = world.status("Dispatched", active=False)
        world.call(number="1", now=after(60), units=[off])
        row.refresh_from_db()
        assert row.closing == "cancelled"

    def test_a_word_that_was_overtaken_brings_no_unit_back(self, world: World) -> None:
        row = world.given(number="1")
        off = world.status("Dispatched", active=False)
        world.call(number="1", now=after(60), units=[off])
        world.call(number="1", now=after(30), units=[world.status("EnRoute", at=after(30))])
        row.refresh_from_db()
        assert (row.state, row.closing) == ("closed", "cancelled")
        assert "reopened" not in events(row)


class TestStatusesFromCAD:
    def test_become_facts_of_source_cad_with_their_own_times(self, world: World) -> None:
        row = world.given(number="1")
        units = [
            world.status("EnRoute", at=after(60)),
            world.status("OnScene", of="3M21", at=after(30)),
        ]
        world.call(number="1", now=after(61), units=units)
        facts = {fact.event: fact for fact in Fact.objects.of(row.pk).filter(source="cad")}
        assert facts["en_route"].device_time == after(60)
        assert facts["cad_status"].data["unit"] == "3M21"
        assert facts["cad_status"].data["status"] == "arrived"
        row.refresh_from_db()
        assert row.state == "en_route"

    def test_a_movement_and_its_place_are_one(self, world: World) -> None:
        """A unit on its way to the hospital is not there, and one that arrives there is not at the
        scene."""
        row = world.given(number="1")
        for minute, both in enumerate(
            [["OnScene"], ["Transporting"], ["Transporting", "Hospital"], ["Arrived", "Hospital"]]
        ):
            at = after(60 * minute + 60)
            units = [world.status(one, at=at) for one in both]
            statuses = [one for unit in units for one in unit["statuses"]]
            for _ in range(2):
                world.call(number="1", now=at, units=[{**units[0], "statuses": statuses}])
            row.refresh_from_db()
            states = ("on_scene", "transporting", "transporting", "at_destination")
            assert row.state == states[minute]
        cad = Fact.objects.filter(source="cad").order_by("order").values_list("event", flat=True)
        assert [event for event in cad if event != "assigned"] == [
            *("on_scene", "transporting", "transporting", "arrived_destination"),
        ]

    def test_told_again_are_the_same_facts(self, world: World) -> None:
        row = world.given(number="1")
        message = {"units": [world.status("EnRoute", at=after(60))]}
        for second in (61, 62, 63):
            world.call(number="1", now=after(second), **message)
        assert events(row, "cad") == ["assigned", "en_route"]

    def test_out_of_order_are_taken(self, world: World) -> None:
        row = world.given(number="1")
        world.call(number="1", now=after(90), units=[world.status("OnScene", at=after(90))])
        world.call(number="1", now=after(60), units=[world.status("EnRoute", at=after(60))])
        row.refresh_from_db()
        assert row.state == "on_scene"
        times = shown(world.ours.tablets[0], "assignments")[row.pk]["times"]
        assert times["en_route"]["at"] < times["on_scene"]["at"]

    def test_release_of_police_gives_time_back(self, world: World) -> None:
        units = [world.status("Dispatched"), world.status("OnScene", of="3M21", at=after(60))]
        row = world.given(number="1", units=units)
        world.tap("on_scene", row, now=after(120))
        gone = world.status("Cleared", of="3M21", at=after(300))
        world.call(number="1", now=after(300), units=[gone])
        world.tap("cleared", row, now=after(1500), data={"disposition": "18"})
        handoff = shown(world.dispatcher, "assignments")[row.pk]["handoff"]
        assert handoff["police"]["seconds_given_back"] == 1200
        assert str(world.ours.people[0].pk) not in json.dumps(handoff)

    def test_of_the_unit_itself_closes_when_cad_says_cleared(self, world: World) -> None:
        row = world.given(number="1")
        world.call(number="1", now=after(90), units=[world.status("Cleared", at=after(90))])
        row.refresh_from_db()
        assert row.closing == "cleared"
        back = world.status("EnRoute", at=after(200))
        world.call(number="1", now=after(200), units=[back])
        row.refresh_from_db()
        assert (row.state, row.closed_at) == ("en_route", None)


def test_a_failing_reaction_takes_the_call_back_with_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("apps.assignments.reactions.follow_incident", fail)
    with pytest.raises(RuntimeError):
        world.call(number="1")
    assert not Incident.objects.exists()
    assert not Alert.objects.exists()


def test_time_scale_shortens_the_alarms(world: World, settings: object) -> None:
    settings.TIME_SCALE = 10  # type: ignore[attr-defined]
    assert world.given().alarm_due_at == NOON + timedelta(seconds=3)


def test_nothing_is_dropped_from_tablets_by_an_update(world: World) -> None:
    world.given(number="1")
    world.call(number="1", now=after(10), priority=9)
    assert not dropped(world.ours.tablets[0], "assignments")
