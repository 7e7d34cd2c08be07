"""Every encounter of a call ends in a record, or is a debt of the crew until it has one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from apps.assignments.models import Assignment
from apps.assignments.services import let_cleared_go
from apps.casenotes.models import EncounterRecord, RecordKind
from apps.core.ids import uuid7
from apps.people import parts
from tests.integration.assignments.conftest import dropped, shown
from tests.integration.casenotes.conftest import (
    MET,
    NOON,
    Crew,
    Document,
    World,
    after,
    place,
    saves,
)

# What first aid says of an encounter in which somebody got naloxone.
A_DOSE = {"naloxone_given": 1, "doses": [{"dose": "4 mg"}]}


def record_of(crew: Crew, ordinal: int = 1) -> EncounterRecord:
    return EncounterRecord.objects.get(pk=place(crew.call, ordinal)[0])


def meet(crew: Crew, ordinal: int, *, now: datetime = NOON, **told: Any) -> list[Document]:
    """Somebody is written down as met on the call."""
    editor, number = str(crew.first.tablet.instance), next(saves)
    pk = place(crew.call, ordinal)[0]
    of = {"id": str(pk), "assignment_id": str(crew.call.pk), "ordinal": ordinal}
    named = {"person_id": str(uuid7()), "match": "possible", "role": "Patient"}
    document = {**of, **named, **told, "editor": editor, "edit_no": number}
    return crew.first.push("encounters", document, base=crew.first.believed.get(str(pk)), now=now)


class TestADebt:
    def test_is_what_a_cleared_call_leaves(self, world: World, crew: Crew) -> None:
        crew.met(world)
        assert not EncounterRecord.objects.exists()
        crew.cleared(world, now=after(60))
        row = record_of(crew)
        assert (row.kind, row.cleared_at, row.closing) == ("", after(60), "cleared")
        assert set(row.owed_by) == {user.pk for user in world.ours.people}
        assert list(EncounterRecord.objects.owed_by(crew.first.user)) == [row]
        assert list(EncounterRecord.objects.owed_by(crew.stranger.user)) == []

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
            user.pk: EncounterRecord.objects.visible_to(user).owed().exists()
            for user in (world.supervisor, crew.first.user, crew.second.user, crew.stranger.user)
        }
        assert list(seen.values()) == [True, True, True, False]

    def test_a_place_told_of_after_it_leaves_nothing_on_the_tablets(
        self, world: World, crew: Crew
    ) -> None:
        """Nobody was met there: it owes nothing."""
        crew.met(world)
        crew.first.write(crew.call, **MET)
        crew.first.sign(crew.call)
        crew.cleared(world, now=after(60))
        let_cleared_go(now=after(10_000))
        world.commit()
        encounter = place(crew.call, 2)[0]
        [answer] = meet(crew, 2, now=after(10_001), person_id=None, match="none")
        assert answer == {"id": str(encounter), "_deleted": True}
        for tablet in world.ours.tablets:
            assert encounter not in shown(tablet, "encounters")


class TestOfTwoWhoWereMet:
    """Each owes a record of their own."""

    def test_the_note_on_one_is_none_of_the_other(self, world: World, crew: Crew) -> None:
        crew.met(world)
        meet(crew, 2)
        crew.first.write(crew.call, **MET)
        crew.first.sign(crew.call)
        crew.cleared(world, now=after(60))
        assert record_of(crew).kind == RecordKind.FULL
        assert record_of(crew, 2).kind == ""
        assert set(record_of(crew, 2).owed_by) == {user.pk for user in world.ours.people}
        crew.first.write(crew.call, ordinal=2, **MET, now=after(70))
        crew.first.sign(crew.call, ordinal=2, now=after(80))
        assert (record_of(crew, 2).kind, record_of(crew, 2).settled_at) == ("full", after(80))
        assert record_of(crew).settled_at == after(60)

    def test_what_is_settled_leaves_the_tablets_and_what_is_owed_stays(
        self, world: World, crew: Crew
    ) -> None:
        crew.met(world)
        meet(crew, 2)
        crew.cleared(world, now=after(60))
        crew.first.write(crew.call, **MET, now=after(70))
        crew.first.sign(crew.call, now=after(80))
        let_cleared_go(now=after(10_000))
        world.commit()
        for tablet in world.ours.tablets:
            assert place(crew.call, 2)[0] in shown(tablet, "encounters")
            assert place(crew.call)[0] in dropped(tablet, "encounters")

    def test_who_is_told_of_when_all_was_settled_is_owed_and_kept(
        self, world: World, crew: Crew
    ) -> None:
        crew.met(world)
        crew.first.write(crew.call, **MET)
        crew.first.sign(crew.call)
        crew.cleared(world, now=after(60))
        let_cleared_go(now=after(10_000))
        world.commit()
        meet(crew, 2, now=after(10_001))
        assert record_of(crew, 2) in EncounterRecord.objects.owed_by(crew.second.user)
        for tablet in world.ours.tablets:
            assert place(crew.call, 2)[0] in shown(tablet, "encounters")
            assert place(crew.call)[0] in dropped(tablet, "encounters")

    def test_whom_somebody_names_only_afterwards_is_owed_and_taken_back_again(
        self, world: World, crew: Crew
    ) -> None:
        """A second encounter was begun, and nobody named in it until the call was over."""
        crew.met(world)
        meet(crew, 2, person_id=None, match="none")
        crew.cleared(world, now=after(60))
        assert not EncounterRecord.objects.filter(pk=place(crew.call, 2)[0]).exists()
        meet(crew, 2, now=after(70))
        assert record_of(crew, 2) in EncounterRecord.objects.owed_by(crew.first.user)
        let_cleared_go(now=after(10_000))
        world.commit()
        assert place(crew.call, 2)[0] in shown(crew.second.tablet, "encounters")
        meet(crew, 2, now=after(10_001), person_id=None, match="none")
        assert record_of(crew, 2) not in EncounterRecord.objects.owed()
        assert place(crew.call, 2)[0] in dropped(crew.second.tablet, "encounters")

    @pytest.mark.parametrize("role", ["Caller", "Witness", "PatientRelative"])
    def test_who_was_there_for_the_other_is_asked_for_none(
        self, world: World, crew: Crew, role: str
    ) -> None:
        crew.met(world)
        meet(crew, 2, role=role)
        crew.cleared(world, now=after(60))
        assert [row.pk for row in EncounterRecord.objects.owed()] == [place(crew.call)[0]]

    def test_who_was_there_for_the_other_and_was_given_a_dose_is_owed(
        self, world: World, crew: Crew, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def doses(encounter: UUID) -> Any:
            return A_DOSE if encounter == place(crew.call, 2)[0] else None

        monkeypatch.setitem(parts._parts, "doses", doses)
        meet(crew, 2, role="Caller")
        world.tap("unable_to_locate", crew.call, now=after(60))
        assert record_of(crew).kind == RecordKind.AUTOMATIC
        assert record_of(crew, 2).kind == ""

    def test_two_taps_are_a_record_of_both_who_were_looked_for(
        self, world: World, crew: Crew
    ) -> None:
        meet(crew, 2)
        world.tap("unable_to_locate", crew.call, now=after(60))
        assert EncounterRecord.objects.counted() == {"automatic": 2}
        crew.first.write(crew.call, ordinal=2, retry_plan={"again": "today"}, now=after(70))
        assert (record_of(crew).kind, record_of(crew, 2).kind) == (RecordKind.AUTOMATIC, "")

    def test_a_call_that_is_open_again_owes_nothing(self, world: World, crew: Crew) -> None:
        crew.met(world)
        meet(crew, 2)
        closing = world.document("cleared", crew.call, now=after(60), data={"disposition": "18"})
        again = {"corrects": closing["id"], "reason": "mis_tap"}
        assert world.push(closing, now=after(60)) == []
        assert EncounterRecord.objects.owed().count() == 2
        taken_back = world.document("corrected", crew.call, now=after(65), data=again)
        assert world.push(taken_back, now=after(65)) == []
        assert not EncounterRecord.objects.owed().exists()


class TestTwoTaps:
    @pytest.mark.parametrize("event", ["unable_to_locate", "cancelled"])
    def test_are_an_automatic_record(self, world: World, crew: Crew, event: str) -> None:
        world.tap(event, crew.call, now=after(60))
        row = record_of(crew)
        assert (row.kind, row.settled_at, row.closing) == (RecordKind.AUTOMATIC, after(60), event)
        assert not EncounterRecord.objects.owed().exists()

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
            return A_DOSE if encounter == place(crew.call)[0] else None

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
    assert [row.assignment_id for row in EncounterRecord.objects.owed()] == [first, second]


def test_kinds_are_counted_apart(world: World, crew: Crew) -> None:
    world.tap("cancelled", crew.call)
    second, third = world.given(), world.given()
    for row in (second, third):
        world.tap("on_scene", row)
        world.tap("cleared", row, data={"disposition": "18"})
    crew.first.write(second, **MET)
    crew.first.sign(second)
    assert EncounterRecord.objects.counted() == {"automatic": 1, "full": 1, "": 1}


def test_the_database_refuses_impossible_states(world: World, crew: Crew) -> None:
    world.tap("cancelled", crew.call)
    rows = EncounterRecord.objects.filter(assignment_id=crew.call.pk)
    for impossible in (
        {"kind": ""},
        {"kind": "some"},
        {"cleared_at": None},
        {"settled_at": None},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**impossible)
