"""What the crew signed and answered besides the timeline: who died, how it ended, what was seen.
The CSV, the partners' event and NEMSIS say the same of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.assignments.models import Assignment
from apps.casenotes.models import Signature
from apps.changes.models import Change
from apps.firstaid import events
from apps.firstaid.exports import nemsis, odmap
from apps.firstaid.exports.care import Care
from apps.firstaid.exports.records import LeftOut, read
from apps.people.models import Encounter
from tests.factories import NOON
from tests.integration.assignments.conftest import World, after
from tests.integration.casenotes.conftest import MET, Writer
from tests.integration.firstaid.conftest import Stock, Tablets
from tests.integration.firstaid.exports.conftest import answer, dose, encounter_of, over
from tests.unit.firstaid.exports.cases import AGENCY

FOUND_DEAD: dict[str, Any] = {
    "narrative": "Cold, no pulse. Engine 2 pronounced.",
    "disposition": "39",
    "death": {
        "pronounced_by": "sfd",
        "pronounced_at": "2026-03-04T20:10:00Z",
        "examiner_notified_at": "2026-03-04T20:12:00Z",
        "examiner_notified_by": "sfd",
    },
}
DEAD = b"<eDisposition.19>4219009</eDisposition.19>"


def care_of(encounter: Encounter) -> Care:
    [found] = read([encounter]).cares
    return found


def outcomes(encounter: Encounter) -> set[str]:
    """What each of the three says."""
    care = care_of(encounter)
    event, told = odmap.event_of(care, decimals=3), events.overdose(encounter.pk)
    assert event is not None
    assert told is not None
    in_xml = "Fatal" if DEAD in nemsis.report(care, AGENCY) else "Non-Fatal"
    return {event.outcome, str(told["outcome"]), in_xml}


def signed(world: World, row: Assignment, **content: Any) -> Writer:
    writer = Writer(world, world.ours.tablets[0])
    writer.write(row, now=after(700), **content)
    assert writer.sign(row, now=after(800)) == []
    return writer


class TestADeath:
    def test_is_what_the_log_says_at_the_handover(self, world: World) -> None:
        row = over(world)
        dose(row)
        assert outcomes(encounter_of(row)) == {"Non-Fatal"}
        answer(row, "handover", "dead")
        assert outcomes(encounter_of(row)) == {"Fatal"}
        assert care_of(encounter_of(row)).medics_came, "who pronounced it may have counted it"

    def test_is_not_what_was_answered_by_mistake(self, world: World) -> None:
        row = over(world)
        dose(row)
        answer(row, "handover", "dead")
        answer(row, "handover", "medics")
        assert outcomes(encounter_of(row)) == {"Non-Fatal"}

    def test_is_not_that_of_somebody_else_on_the_call(self, world: World) -> None:
        row = over(world)
        other = Encounter(
            assignment_id=row.pk, ordinal=2, opened_at=NOON, opened_by="tablet", content={}
        )
        other.save(force_insert=True)
        dose(row)
        dose(row, of=other)
        answer(row, "handover", "dead", of=other)
        assert outcomes(encounter_of(row)) == {"Non-Fatal"}
        assert outcomes(other) == {"Fatal"}

    def test_is_what_was_signed(self, world: World) -> None:
        row, writer = over(world, disposition=None), Writer(world, world.ours.tablets[0])
        dose(row)
        writer.write(row, now=after(700), **FOUND_DEAD)
        assert outcomes(encounter_of(row)) == {"Non-Fatal"}, "a draft is nobody's word yet"
        assert writer.sign(row, now=after(800)) == []
        assert outcomes(encounter_of(row)) == {"Fatal"}

    def test_is_the_timelines(self, world: World) -> None:
        row = over(world, disposition="39")
        dose(row)
        assert outcomes(encounter_of(row)) == {"Fatal"}

    def test_is_told_partners_when_it_is_answered(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        row = over(world)
        encounter = encounter_of(row)
        told = {"kind": "overdose_answer", "assignment_id": row.pk}
        tablets.log("facts", None, **told, question="airway", answer="open")
        assert not Change.objects.filter(event="dose.handed_over").exists()
        tablets.log("facts", None, **told, question="handover", answer="dead")
        assert Change.objects.filter(event="dose.handed_over", subject=encounter.pk).exists()


class TestTheEnd:
    def test_is_the_signed_notes_where_the_timeline_has_none(self, world: World) -> None:
        row = over(world, disposition=None)
        assert care_of(encounter_of(row)).response.disposition == ""
        signed(world, row, **{**MET, "disposition": "44"})
        found = care_of(encounter_of(row))
        assert (found.response.disposition, found.medics_came) == ("44", True)
        assert b"<eDisposition.30>4230005<" in nemsis.report(found, AGENCY)

    def test_is_the_timelines_where_it_has_one(self, world: World) -> None:
        row = over(world, disposition="16")
        signed(world, row, **{**MET, "disposition": "44"})
        assert care_of(encounter_of(row)).response.disposition == "16"


class TestWhatWasSeen:
    SEEN: dict[str, Any] = {"barriers": ["3101035", "3101027"], "mental_status": ["3519025"]}

    def test_is_told_in_the_notes_codes_once_they_are_signed(self, world: World) -> None:
        row, writer = over(world), Writer(world, world.ours.tablets[0])
        writer.write(row, now=after(700), **MET, **self.SEEN)
        found = care_of(encounter_of(row))
        assert (found.barriers, found.mental_status) == ((), ())
        writer.sign(row, now=after(800))
        found = care_of(encounter_of(row))
        assert set(found.barriers) == {"3101035", "3101027"}
        assert found.mental_status == ("3519025",)

    def test_is_not_told_of_a_restricted_note(self, world: World) -> None:
        report = {
            "about": "child",
            "known_at": "2026-03-04T20:04:00Z",
            "observed": "Alone.",
            "reported_at": "2026-03-04T20:09:00Z",
            "reported_to": ["dcyf"],
            "report_number": "none given",
        }
        row = over(world)
        signed(world, row, **MET, **self.SEEN, mandated_report=report)
        found = care_of(encounter_of(row))
        assert (found.barriers, found.mental_status) == ((), ())

    def test_that_does_not_open_keeps_no_other_back(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole, broken = over(world), over(world)
        signed(world, whole, **MET, **self.SEEN)
        with monkeypatch.context() as elsewhere:
            field = Signature._meta.get_field("content")
            elsewhere.setattr(field, "place", lambda _: "another row")
            signed(world, broken, **MET, **self.SEEN)
        found = read([encounter_of(broken), encounter_of(whole)])
        assert [care.mental_status for care in found.cares] == [("3519025",)]
        assert found.left_out == {encounter_of(broken).pk: LeftOut.UNREADABLE}

    def test_takes_the_same_number_of_statements_however_many_notes(self, world: World) -> None:
        def statements(count: int) -> int:
            rows = [over(world) for _ in range(count)]
            for row in rows:
                signed(world, row, **MET, **self.SEEN)
            encounters = [encounter_of(row) for row in rows]
            with CaptureQueriesContext(connection) as asked:
                assert all(care.mental_status for care in read(encounters).cares)
            return len(asked)

        assert statements(1) == statements(3)
