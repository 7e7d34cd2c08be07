"""A call that a crew opens by itself: on view, on patrol, without a CAD number."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.assignments.models import Assignment
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.dispatch import services as dispatch
from apps.dispatch.models import Incident
from tests.factories import tablet
from tests.integration.assignments.conftest import (
    World,
    after,
    refusals,
    shown,
)


class TestOpened:
    def start(self, world: World, **written: Any) -> tuple[UUID, list[dict[str, Any]]]:
        id = uuid7()
        return id, world.tap("opened", id, now=after(30), **written)

    def test_makes_incident_and_assignment(self, world: World) -> None:
        for entry in ("on_view", "patrol", "community_engagement", "follow_up"):
            data = {
                "entry": entry,
                "address": "2ND AVE / PINE ST",
                "location": {"lat": 47.61, "lon": -122.34},
                "note": "MAN ASLEEP IN A DOORWAY",
            }
            id, answer = self.start(world, data=data)
            assert answer == []
            row = Assignment.objects.get(pk=id)
            assert (row.entry_kind, row.source) == (entry, "responder")
            assert row.unit == world.ours.unit
            assert row.incident.cad_number is None
            for holder in (*world.ours.tablets, world.supervisor, world.dispatcher):
                body = shown(holder, "assignments")[id]
                assert body["address"] == "2ND AVE / PINE ST"
                assert body["location"]["lat"] == 47.61
                assert body["narrative"][0]["text"] == "MAN ASLEEP IN A DOORWAY"
            assert not row.alarm_due_at, "whoever started it need not acknowledge it"

    def test_odd_details_are_flagged(self, world: World) -> None:
        for data in (
            {},
            {"entry": "dual_911"},
            {"location": "here"},
            {"location": {"lat": 1}},
            {"address": 7},
            {"call_type": "WELFARE\x00CHECK", "address": "2ND\x00AVE"},
        ):
            id, answer = self.start(world, data=data)
            assert answer == [], data
            assert Assignment.objects.get(pk=id).entry_kind == "on_view"

    def test_twice_is_once(self, world: World) -> None:
        id = uuid7()
        made = world.document("opened", id, data={"entry": "patrol"})
        for _ in range(2):
            assert world.push(made) == []
        world.tap("opened", id, by=world.ours.tablets[1], data={"entry": "patrol"})
        assert Incident.objects.count() == Assignment.objects.count() == 1

    def test_of_a_broken_clock_is_taken(self, world: World) -> None:
        for time in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
            made = world.document("opened", uuid7(), data={"entry": "patrol"}, device_time=time)
            assert world.push(made, offset_ms=90_000) == [], time
        assert Assignment.objects.count() == 2

    def test_offline_belongs_to_the_unit_of_that_time(self, world: World) -> None:
        id = uuid7()
        made = world.document("opened", id, data={"entry": "on_view"}, now=after(30))
        dispatch.leave_crew(user=world.ours.people[0], by=SYSTEM, now=after(600))
        world.commit()
        assert world.push(made, now=after(7200)) == []
        row = Assignment.objects.get(pk=id)
        assert row.unit == world.ours.unit
        assert row.incident.occurred_at == after(30)

    def test_by_somebody_without_a_crew_waits_in_quarantine(self, world: World) -> None:
        loner = tablet(world.supervisor, of=world.team)
        answer = world.tap("opened", uuid7(), by=loner, data={"entry": "on_view"})
        assert refusals(answer)
        assert not Incident.objects.exists()
