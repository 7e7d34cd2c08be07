"""Assign, reassign, cancel, link: what a desk and responders decide."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import transaction

from apps.accounts.models import User
from apps.assignments import services
from apps.assignments.models import Assignment, Fact
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core.problems import ProblemError
from apps.dispatch.models import Agency, EntryKind, Incident, Source, Unit
from apps.dispatch.services import load_reference
from tests.integration.assignments.conftest import (
    NOON,
    Crew,
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


def row_now(row: Assignment) -> Assignment:
    """The assignment as it stands."""
    return Assignment.objects.select_related("incident").get(pk=row.pk)


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
