"""CAD merges two calls: one goes on with what was told of both."""

from __future__ import annotations

from typing import Any

import pytest

from apps.assignments.models import Assignment, Fact
from apps.assignments.services import follow_incident
from apps.dispatch.models import Incident
from tests.integration.assignments.conftest import (
    NOON,
    World,
    after,
    shown,
)

HAMMER = {"severity": "high", "kind": "weapon", "text": "HAMMER"}


class TestAMerge:
    @staticmethod
    def merge(world: World, gone: Incident, into: Incident, seconds: float) -> None:
        relation = {"kind": "REPLACED", "cad_number": into.cad_number}
        world.call(number=gone.cad_number, now=after(seconds), merges=[relation], event="merge")

    def test_takes_the_assignment_along_with_its_history(self, world: World) -> None:
        gone, into = world.call(), world.call(units=[])
        row = world.assignment(gone)
        world.tap("en_route", row, now=after(30), data={"call_revision": 1})
        self.merge(world, gone, into, 60)
        row.refresh_from_db()
        assert row.incident_id == into.pk
        assert row.state == "en_route"
        assert Assignment.objects.count() == 1
        body = shown(world.ours.tablets[0], "assignments")[row.pk]
        assert body["cad_number"] == into.cad_number

    def test_of_two_calls_of_one_unit_keeps_what_is_further_along(self, world: World) -> None:
        gone, into = world.call(), world.call()
        first, second = world.assignment(gone), world.assignment(into)
        world.tap("on_scene", first, now=after(30))
        self.merge(world, gone, into, 60)
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.incident_id, first.state) == (into.pk, "on_scene")
        assert (second.incident_id, second.closing) == (gone.pk, "cancelled")
        closing = shown(world.ours.tablets[0], "assignments")[second.pk]["closing"]
        assert closing["disposition"] == "22"
        assert second.alarm_due_at is None

    def test_of_two_calls_with_contact_ends_neither(self, world: World) -> None:
        gone, into = world.call(), world.call()
        for row in (world.assignment(gone), world.assignment(into)):
            world.tap("contact_made", row, now=after(30))
        self.merge(world, gone, into, 60)
        assert {row.state for row in Assignment.objects.all()} == {"contact"}

    @pytest.mark.parametrize(
        ("other", "again"),
        [
            ({}, False),
            ({"address": "PIER 62"}, True),
            ({"location": {"lat": 47.6117, "lon": -122.3381}}, True),
            ({"location": {"lat": 47.6100, "lon": -122.3381}}, False),
            ({"cautions": [{"severity": "high", "kind": "weapon", "text": "KNIFE"}]}, True),
            ({"cautions": [{"severity": "low", "kind": "premise", "text": "STEPS"}]}, False),
        ],
    )
    def test_with_another_place_or_danger_is_acknowledged_anew(
        self, world: World, other: dict[str, Any], again: bool
    ) -> None:
        gone, into = world.call(), world.call(units=[], **other)
        row = world.assignment(gone)
        world.call(number=gone.cad_number, now=after(2), cautions=[HAMMER])
        world.acknowledge(row, revision=2, now=after(5))
        self.merge(world, gone, into, 60)
        body = shown(world.ours.tablets[0], "assignments")[row.pk]
        assert body["needs_ack"] is again
        assert body["call_revision"] >= 2
        if again:
            world.acknowledge(row, revision=body["call_revision"], now=after(70))
            assert not shown(world.ours.tablets[0], "assignments")[row.pk]["needs_ack"]

    def test_hides_no_unit_that_cad_sends_under_the_former_number(self, world: World) -> None:
        merge = {"kind": "REPLACING", "cad_number": "2"}
        into = world.call(number="1", now=after(30), units=[], merges=[merge])
        gone = world.call(number="2", now=NOON)
        assert gone.merged_into_id == into.pk
        row = world.assignment(into)
        assert (row.state, row.alarm_due_at) == ("assigned", after(30))
        assert list(shown(world.ours.tablets[0], "assignments")) == [row.pk]
        world.call(number="2", now=NOON)
        assert Assignment.objects.count() == 1

    def test_keeps_what_police_do_under_the_former_number_in_the_ledger(self, world: World) -> None:
        merge = {"kind": "REPLACING", "cad_number": "2"}
        row = world.given(number="1", now=after(30), merges=[merge])
        there = [world.status("OnScene", of="3M21", at=after(60))]
        world.call(number="2", now=after(60), units=there)
        world.tap("on_scene", row, now=after(120))
        gone = [world.status("Cleared", of="3M21", at=after(300))]
        world.call(number="2", now=after(300), units=gone)
        world.tap("cleared", row, now=after(1500), data={"disposition": "18"})
        handoff = shown(world.dispatcher, "assignments")[row.pk]["handoff"]
        assert handoff["police"]["seconds_given_back"] == 1200

    def test_told_twice_changes_nothing(self, world: World) -> None:
        gone, into = world.call(), world.call()
        self.merge(world, gone, into, 60)
        before = list(Fact.objects.values_list("id", flat=True))
        self.merge(world, gone, into, 70)
        follow_incident(incident_id=gone.pk, now=after(80))
        assert list(Fact.objects.values_list("id", flat=True)) == before
