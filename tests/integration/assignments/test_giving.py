"""Assign, reassign, cancel: what a desk and responders decide."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import transaction

from apps.assignments import services
from apps.assignments.models import Assignment, Fact
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core.problems import ProblemError
from apps.dispatch.models import Agency, Incident, Source, Unit
from apps.dispatch.services import load_reference
from tests.integration.assignments.conftest import (
    NOON,
    World,
    after,
    dropped,
    events,
    shown,
)
from tests.integration.conftest import Elsewhere

# Outside the area of every rule that ships.
FAR_AWAY: dict[str, Any] = {
    "beat": "U1",
    "address": "NE 65TH ST",
    "location": {"lat": 47.676, "lon": -122.31},
    "exclusions": {"violence": "yes"},
    "units": [],
}


def assign(world: World, incident: Incident, **given: Any) -> Assignment:
    row = services.assign(
        **{
            "incident": incident,
            "unit": world.ours.unit,
            "source": Source.DESK,
            "by": world.dispatcher,
            "now": after(10),
            **given,
        }
    )
    world.commit()
    return row


class TestAssign:
    def test_gives_a_call_that_no_unit_had(self, world: World) -> None:
        incident = world.call(units=[])
        row = assign(world, incident, reason="Asked for by police")
        assert (row.source, row.given_by, row.alarm_due_at) == ("desk", world.dispatcher, after(40))
        assert list(shown(world.ours.tablets[0], "assignments")) == [row.pk]
        unit = incident.units.get()
        assert (unit.unit, unit.source) == (world.ours.unit, "desk")

    def test_against_the_verdict_takes_a_reason(self, world: World) -> None:
        incident = world.call(**FAR_AWAY)
        assert incident.verdict in {"not_eligible", "not_determined"}
        for empty in ("", "  "):
            with pytest.raises(ProblemError) as refused:
                assign(world, incident, reason=empty)
            assert [error.pointer for error in refused.value.errors] == ["/reason"]
        assert not Assignment.objects.exists()

    def test_an_override_is_seen_by_everybody(self, world: World) -> None:
        row = assign(world, world.call(**FAR_AWAY), reason="Police on scene ask for CARE")
        body = shown(world.ours.tablets[0], "assignments")[row.pk]
        assert body["override"]["reason"] == "Police on scene ask for CARE"
        assert body["override"]["by"] == world.dispatcher.display_name
        entry = Entry.objects.about(row.pk).get(action="assign")
        assert entry.detail["override"] is True
        assert "Police" not in str(entry.detail)

    def test_by_cad_takes_none(self, world: World) -> None:
        world.call(**{**FAR_AWAY, "units": [world.status("Dispatched")]})
        assert world.assignment().override_reason is None

    def test_of_an_eligible_call_is_no_override(self, world: World) -> None:
        incident = world.call(units=[])
        Incident.objects.filter(pk=incident.pk).update(verdict="eligible")
        assert assign(world, incident).override_reason is None

    def test_of_a_further_unit_is_by_what_is_known_now(self, world: World) -> None:
        load_reference(by=SYSTEM, now=NOON)
        known = {"violence": "no", "medical": "no"}
        incident = world.call(number="1", exclusions=known)
        assert incident.verdict == "eligible"
        danger = [{"text": "threatened a nurse"}]
        incident = world.call(number="1", now=after(60), cautions=danger)
        assert (incident.verdict, incident.verdict_now) == ("eligible", "not_eligible")
        with pytest.raises(ProblemError):
            assign(world, incident, unit=world.theirs.unit)
        further = assign(world, incident, unit=world.theirs.unit, reason="Police are there")
        assert further.override_reason == "Police are there"

    def test_twice_is_once(self, world: World) -> None:
        incident = world.call(units=[])
        assert assign(world, incident, reason="x") == assign(world, incident, reason="x")
        assert events(world.assignment()) == ["assigned"]

    def test_of_a_unit_that_closed_it_reopens(self, world: World) -> None:
        incident = world.call()
        row = world.assignment(incident)
        world.tap("declined", row, data={"agency": "care", "reason": "weapon"}, now=after(5))
        again = assign(world, incident, reason="Scene secured since", now=after(100))
        assert again == row
        assert (again.state, again.alarm_due_at) == ("assigned", after(130))

    def test_of_an_incident_that_is_over_is_refused(self, world: World) -> None:
        incident = world.call(number="1", units=[])
        world.call(number="1", units=[], event="cancel", now=after(5))
        with pytest.raises(ProblemError, match="cancelled"):
            assign(world, incident, reason="x")

    def test_of_police_is_refused(self, world: World) -> None:
        unit = Unit.objects.create(call_sign="3M21", agency=Agency.SPD)
        with pytest.raises(ProblemError):
            assign(world, world.call(units=[]), unit=unit, reason="x")

    def test_at_once_with_cad_makes_one_assignment(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        world = committed_world
        incident = world.call(number="1", units=[])
        held, go_on = threading.Event(), threading.Event()

        def by_cad() -> None:
            with transaction.atomic():
                world.call(number="1", now=after(20))
                held.set()
                assert go_on.wait(60)

        first = elsewhere.start(by_cad)
        assert held.wait(60)
        second = elsewhere.start(lambda: assign(world, incident, reason="x"))
        elsewhere.until_waiting(second)
        go_on.set()
        first.result(60)
        second.result(60)
        assert events(world.assignment(incident)) == ["assigned"]


class TestReassign:
    @staticmethod
    def reassign(world: World, row: Assignment, **given: Any) -> Assignment:
        moved = services.reassign(
            **{
                "assignment": row,
                "to": world.theirs.unit,
                "by": world.dispatcher,
                "reason": "nearer",
                "now": after(60),
                **given,
            }
        )
        world.commit()
        return moved

    def test_moves_the_call_with_its_history(self, world: World) -> None:
        row = world.given()
        world.acknowledge(row, now=after(5))
        world.tap("en_route", row, now=after(20), data={"call_revision": 1})
        facts = set(Fact.objects.of(row.pk).values_list("pk", flat=True))
        moved = self.reassign(world, row)
        new = set(Fact.objects.of(row.pk).values_list("pk", flat=True))

        assert (moved.unit, moved.former_units) == (world.theirs.unit, [world.ours.unit.pk])
        assert (moved.state, moved.alarm_due_at) == ("assigned", after(90))
        for old in world.ours.tablets:
            assert not shown(old, "assignments")
            assert not shown(old, "facts")
            assert dropped(old, "assignments") == {row.pk}
            assert dropped(old, "facts") == facts
        for taking in world.theirs.tablets:
            assert list(shown(taking, "assignments")) == [row.pk]
            assert set(shown(taking, "facts")) == new
        assert shown(world.theirs.tablets[0], "assignments")[row.pk]["needs_ack"]

    def test_to_the_same_unit_changes_nothing(self, world: World) -> None:
        row = world.given()
        assert self.reassign(world, row, to=world.ours.unit) == row
        assert events(row) == ["assigned"]

    def test_is_not_undone_by_the_next_message_of_cad(self, world: World) -> None:
        row = world.given(number="1")
        self.reassign(world, row)
        world.call(number="1", now=after(100), priority=9)
        assert Assignment.objects.get().unit == world.theirs.unit

    def test_is_not_undone_by_what_cad_said_before_it(self, world: World) -> None:
        row = world.given(number="1")
        self.reassign(world, row, now=after(60))
        late = world.status("EnRoute", at=after(55))
        world.call(number="1", now=after(62), units=[late])
        assert Assignment.objects.get().unit == world.theirs.unit
        off = row.incident.units.get(unit=world.ours.unit)
        assert off.detached_at == after(60)
        again = world.status("Dispatched", at=after(90))
        world.call(number="1", now=after(90), units=[again])
        assert world.assignment(row.incident).state == "assigned"

    def test_to_a_unit_that_has_the_incident_is_refused(self, world: World) -> None:
        both = [world.status("Dispatched"), world.status("Dispatched", of="CARE22")]
        row = world.assignment(world.call(units=both))
        with pytest.raises(ProblemError, match="has this incident already"):
            self.reassign(world, row)

    def test_of_a_cleared_one_is_refused_of_a_declined_one_is_not(self, world: World) -> None:
        declined, cleared = world.given(number="1"), world.given(number="2", now=after(1))
        reason = {"agency": "care", "reason": "weapon"}
        world.tap("declined", declined, data=reason, now=after(5))
        world.tap("cleared", cleared, data={"disposition": "18"}, now=after(5))
        assert self.reassign(world, declined).state == "assigned"
        with pytest.raises(ProblemError, match="closed"):
            self.reassign(world, cleared)

    def test_and_back_again(self, world: World) -> None:
        row = world.given()
        self.reassign(world, row)
        back = self.reassign(world, row, to=world.ours.unit, now=after(120))
        assert (back.unit, back.former_units) == (world.ours.unit, [world.theirs.unit.pk])
        assert list(shown(world.ours.tablets[0], "assignments")) == [row.pk]
        assert not shown(world.theirs.tablets[0], "assignments")

    def test_stops_the_alarm_of_the_former_unit(self, world: World) -> None:
        row = world.given()
        services.raise_due_alarms(now=after(61))
        self.reassign(world, row, now=after(62))
        alert = next(iter(shown(world.supervisor, "alerts").values()))
        assert alert["state"] == "stopped"

    def test_late_taps_of_the_former_unit_are_taken_and_shown_to_who_made_them(
        self, world: World
    ) -> None:
        row = world.given()
        self.reassign(world, row)
        world.acknowledge(row, now=after(70))
        row.refresh_from_db()
        assert row.alarm_due_at is not None, "the new unit has acknowledged nothing"
        late = Fact.objects.get(event="acknowledged")
        assert late.unit == world.ours.unit
        assert set(shown(world.ours.tablets[0], "facts")) == {late.pk}
        assert not shown(world.ours.tablets[1], "facts")
        assert late.pk in shown(world.theirs.tablets[0], "facts")


class TestCancel:
    def test_closes_and_takes_the_unit_off(self, world: World) -> None:
        row = world.given(number="1")
        for _ in range(2):
            services.cancel(
                assignment=row, by=world.supervisor, reason="Caller called back", now=after(10)
            )
        world.commit()
        row.refresh_from_db()
        assert (row.state, row.closing) == ("closed", "cancelled")
        assert row.incident.units.get().detached_at == after(10)
        assert events(row) == ["assigned", "cancelled"]
        world.call(number="1", now=after(60), priority=9)
        row.refresh_from_db()
        assert row.state == "closed"

    def test_after_contact_is_refused(self, world: World) -> None:
        row = world.given()
        world.tap("contact_made", row, now=after(5))
        with pytest.raises(ProblemError, match="Contact"):
            services.cancel(assignment=row, by=world.supervisor, reason="x", now=after(10))
        assert "cancelled" not in events(row)

    def test_takes_a_reason(self, world: World) -> None:
        with pytest.raises(ProblemError):
            services.cancel(assignment=world.given(), by=world.supervisor, reason=" ", now=NOON)


@pytest.mark.parametrize("on", ["ours", "theirs"])
def test_a_tap_finds_a_call_that_goes_to_another_unit_meanwhile(
    committed_world: World, elsewhere: Elsewhere, on: str
) -> None:
    world = committed_world
    row = world.given()
    held, go_on = threading.Event(), threading.Event()

    def reassign() -> None:
        with transaction.atomic():
            TestReassign.reassign(world, row, now=after(10))
            held.set()
            assert go_on.wait(60)

    first = elsewhere.start(reassign)
    assert held.wait(60)
    by = getattr(world, on).tablets[0]
    second = elsewhere.start(lambda: world.tap("en_route", row, by=by, now=after(11)))
    elsewhere.until_waiting(second)
    go_on.set()
    first.result(60)
    assert second.result(60) == []
    assert Fact.objects.get(event="en_route").flags == []
    body = shown(world.theirs.tablets[0], "assignments")[row.pk]
    assert body["unit"]["call_sign"] == "CARE22"
    assert body["state"] == ("assigned" if on == "ours" else "en_route")


def test_a_tap_publishes_the_call_as_it_stands_when_it_has_the_row(
    committed_world: World, elsewhere: Elsewhere
) -> None:
    """An update and a tap at once: the tap waits for the row and must not publish the old call."""
    world = committed_world
    row = world.given(number="1")
    held, go_on = threading.Event(), threading.Event()
    caution = {"severity": "high", "kind": "weapon", "text": "KNIFE"}

    def update() -> None:
        with transaction.atomic():
            world.call(number="1", now=after(10), cautions=[caution])
            held.set()
            assert go_on.wait(60)

    first = elsewhere.start(update)
    assert held.wait(60)
    second = elsewhere.start(lambda: world.tap("en_route", row, now=after(11)))
    elsewhere.until_waiting(second)
    go_on.set()
    first.result(60)
    assert second.result(60) == []
    body = shown(world.ours.tablets[0], "assignments")[row.pk]
    assert [one["text"] for one in body["cautions"]] == ["KNIFE"]
    assert body["state"] == "en_route"
