"""Every dispatch ends in a record, or is a debt of its crew until it has one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from apps.assignments.models import Assignment
from apps.assignments.services import let_cleared_go
from apps.casenotes.models import DispatchRecord, RecordKind
from apps.people import parts
from tests.integration.assignments.conftest import dropped, shown
from tests.integration.casenotes.conftest import MET, Crew, World, after, place


def record_of(crew: Crew) -> DispatchRecord:
    return DispatchRecord.objects.get(pk=crew.call.pk)


class TestADebt:
    def test_is_what_a_cleared_call_leaves(self, world: World, crew: Crew) -> None:
        crew.met(world)
        assert not DispatchRecord.objects.exists()
        crew.cleared(world, now=after(60))
        row = record_of(crew)
        assert (row.kind, row.cleared_at, row.closing) == ("", after(60), "cleared")
        assert set(row.owed_by) == {user.pk for user in world.ours.people}
        assert list(DispatchRecord.objects.owed_by(crew.first.user)) == [row]
        assert list(DispatchRecord.objects.owed_by(crew.stranger.user)) == []

    def test_is_settled_by_a_signature(self, world: World, crew: Crew) -> None:
        crew.met(world)
        crew.first.write(crew.call, **MET)
        crew.cleared(world, now=after(60))
        assert record_of(crew).kind == ""
        crew.first.sign(crew.call, now=after(90))
        row = record_of(crew)
        assert (row.kind, row.settled_at, row.owed_by) == (RecordKind.FULL, after(90), [])

    def test_is_none_where_the_note_was_signed_before(self, world: World, crew: Crew) -> None:
        crew.met(world)
        crew.first.write(crew.call, **MET)
        crew.first.sign(crew.call)
        crew.cleared(world, now=after(60))
        assert record_of(crew).kind == RecordKind.FULL

    def test_is_seen_by_the_team_s_supervisor_and_its_crew_alone(
        self, world: World, crew: Crew
    ) -> None:
        crew.met(world)
        crew.cleared(world, now=after(60))
        assert let_cleared_go(now=after(10_000)) == 1
        world.commit()
        seen = {
            user.pk: DispatchRecord.objects.visible_to(user).owed().exists()
            for user in (world.supervisor, crew.first.user, crew.second.user, crew.stranger.user)
        }
        assert list(seen.values()) == [True, True, True, False]

    def test_a_person_told_of_after_it_leaves_nothing_on_the_tablets(
        self, world: World, crew: Crew
    ) -> None:
        crew.met(world)
        crew.first.write(crew.call, **MET)
        crew.first.sign(crew.call)
        crew.cleared(world, now=after(60))
        let_cleared_go(now=after(10_000))
        world.commit()
        encounter = place(crew.call, 2)[0]
        told = {"id": str(encounter), "assignment_id": str(crew.call.pk), "ordinal": 2}
        late = {**told, "place": "the bus stop", "editor": str(crew.first.tablet.instance)}
        [answer] = crew.first.push("encounters", {**late, "edit_no": 900}, now=after(10_001))
        assert answer == {"id": str(encounter), "_deleted": True}
        for tablet in world.ours.tablets:
            assert encounter not in shown(tablet, "encounters")


class TestTwoTaps:
    @pytest.mark.parametrize("event", ["unable_to_locate", "cancelled"])
    def test_are_an_automatic_record(self, world: World, crew: Crew, event: str) -> None:
        world.tap(event, crew.call, now=after(60))
        row = record_of(crew)
        assert (row.kind, row.settled_at, row.closing) == (RecordKind.AUTOMATIC, after(60), event)
        assert not DispatchRecord.objects.owed().exists()

    def test_leave_no_encounter_on_the_tablets(self, world: World, crew: Crew) -> None:
        world.tap("unable_to_locate", crew.call, now=after(60))
        encounter = place(crew.call)[0]
        assert encounter in shown(world.ours.tablets[0], "encounters")
        let_cleared_go(now=after(10_000))
        world.commit()
        for tablet in world.ours.tablets:
            assert encounter in dropped(tablet, "encounters")

    def test_are_not_enough_once_a_note_is_begun(self, world: World, crew: Crew) -> None:
        world.tap("unable_to_locate", crew.call, now=after(60))
        crew.first.write(crew.call, retry_plan={"again": "today"}, now=after(70))
        assert record_of(crew).kind == ""
        crew.first.sign(crew.call, now=after(80))
        assert record_of(crew).kind == RecordKind.MINIMAL

    def test_are_not_enough_where_a_dose_was_given(
        self, world: World, crew: Crew, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def doses(encounter: UUID) -> Any:
            return [{"dose": 4}] if encounter == place(crew.call)[0] else None

        monkeypatch.setitem(parts._parts, "doses", doses)
        world.tap("unable_to_locate", crew.call, now=after(60))
        assert record_of(crew).kind == ""

    def test_that_were_taken_back_are_no_record(self, world: World, crew: Crew) -> None:
        taps = [world.document("unable_to_locate", crew.call, now=after(60))]
        taps.append(
            world.document(
                "corrected",
                crew.call,
                now=after(65),
                data={"corrects": taps[0]["id"], "reason": "mis_tap"},
            )
        )
        for tap in taps:
            assert world.push(tap, now=after(65)) == []
        crew.call.refresh_from_db()
        assert crew.call.closed_at is None
        row = record_of(crew)
        assert (row.kind, row.cleared_at, row.settled_at) == ("", None, None)


def test_the_oldest_debt_comes_first(world: World, crew: Crew) -> None:
    def closed(row: Assignment, at: datetime) -> UUID:
        world.tap("on_scene", row, now=at)
        world.tap("cleared", row, now=at, data={"disposition": "18"})
        return row.pk

    second = closed(world.given(), after(200))
    first = closed(crew.call, after(100))
    assert [row.pk for row in DispatchRecord.objects.owed()] == [first, second]


def test_kinds_are_counted_apart(world: World, crew: Crew) -> None:
    world.tap("cancelled", crew.call)
    second, third = world.given(), world.given()
    for row in (second, third):
        world.tap("on_scene", row)
        world.tap("cleared", row, data={"disposition": "18"})
    crew.first.write(second, **MET)
    crew.first.sign(second)
    assert DispatchRecord.objects.counted() == {"automatic": 1, "full": 1, "": 1}


def test_the_database_refuses_impossible_states(world: World, crew: Crew) -> None:
    world.tap("cancelled", crew.call)
    rows = DispatchRecord.objects.filter(pk=crew.call.pk)
    for impossible in (
        {"kind": ""},
        {"kind": "some"},
        {"cleared_at": None},
        {"settled_at": None},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**impossible)
