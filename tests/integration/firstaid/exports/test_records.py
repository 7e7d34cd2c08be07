"""From rows to plain values: what an encounter is made of, and what keeps it out."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.assignments.services import assign
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.dispatch import services as dispatch
from apps.dispatch.models import Source
from apps.firstaid import codes
from apps.firstaid.exports.care import Care
from apps.firstaid.exports.records import LeftOut, read
from apps.firstaid.models import NaloxoneDose
from apps.people import parts
from apps.people.models import Encounter, Match, Person
from tests.factories import NOON
from tests.integration.assignments.conftest import World, after
from tests.integration.firstaid.exports.conftest import aid, answer, dose, encounter_of, over


def care_of(row: Any, **options: Any) -> Care:
    [found] = read([encounter_of(row)], **options).cares
    return found


def test_the_call_is_told_by_its_facts(world: World) -> None:
    dispatch.load_reference(by=SYSTEM, now=NOON)
    row = over(world, number="26000000077", initial_call_type="OVERDOSE", disposition="44")
    told = care_of(row).response
    assert told.id == row.pk
    assert (told.unit, told.entry_kind, told.cad_number) == (
        "CARE21",
        row.entry_kind,
        "26000000077",
    )
    assert told.call_type == "2301053"
    assert told.called_at == NOON
    assert told.notified_at == NOON
    assert told.times["contact"] == after(180)
    assert told.back_in_service_at == after(600)
    assert (told.closing, told.disposition) == ("cleared", "44")
    assert told.times["contact"].utcoffset() == timedelta(hours=-8), "by the city's clock"


def test_nobody_called_where_responders_began(world: World) -> None:
    pk = uuid7()
    world.tap("opened", pk, data={"entry_kind": "on_view"})
    world.tap("contact_made", pk, now=after(60))
    world.tap("cleared", pk, now=after(600), data={"disposition": "18"})
    row = world.assignment()
    assert care_of(row).response.called_at is None


def test_milestones_from_before_a_reopening_count_and_the_last_end(world: World) -> None:
    row = over(world)
    assign(
        incident=row.incident,
        unit=row.unit,
        source=Source.DESK,
        by=world.dispatcher,
        reason="He has come back.",
        now=after(700),
        actor=SYSTEM,
    )
    assert read([encounter_of(row)]).cares == []
    world.tap("cleared", row, now=after(900), data={"disposition": "18"})
    told = care_of(row).response
    assert told.times["contact"] == after(180)
    assert told.notified_at == NOON
    assert told.back_in_service_at == after(900)


def test_an_open_call_is_left_out(world: World) -> None:
    row = world.given()
    world.tap("contact_made", row, now=after(60))
    encounter = encounter_of(row)
    assert read([encounter]).left_out == {encounter.pk: LeftOut.OPEN}


def test_an_encounter_whose_call_is_not_here_is_left_out(world: World) -> None:
    encounter = Encounter(assignment_id=uuid7(), opened_at=NOON, opened_by="tablet", content={})
    encounter.save(force_insert=True)
    assert read([encounter]).left_out == {encounter.pk: LeftOut.OPEN}


def test_a_dose_stands_as_it_was_corrected_and_as_was_answered_later(world: World) -> None:
    row = over(world)
    wrong = dose(row, route="9927015")
    right = dose(row, route=codes.INTRANASAL, corrects=wrong)
    answer(row, "breathing", codes.BREATHING_NORMALLY, about=right)
    [given] = care_of(row).doses
    assert (given.id, given.route) == (right.pk, codes.INTRANASAL)
    assert given.breathing_after == codes.BREATHING_NORMALLY


def test_what_names_no_encounter_is_the_first_ones(world: World) -> None:
    row = over(world)
    other = Encounter(
        assignment_id=row.pk, ordinal=2, opened_at=NOON, opened_by="tablet", content={}
    )
    other.save(force_insert=True)
    mine, theirs = dose(row), dose(row, of=other)
    seen = aid(row, injuries=["overdose"], of=other)
    first, second = read([encounter_of(row), other]).cares
    assert [one.id for one in first.doses] == [mine.pk]
    assert first.aids == ()
    assert [one.id for one in second.doses] == [theirs.pk]
    assert [one.id for one in second.aids] == [seen.pk]


def test_an_act_that_names_an_encounter_alone_is_nothing_of_it(world: World) -> None:
    """Anybody may tell one: who was on a call is asked of its assignment."""
    row = over(world)
    dose(None, of=encounter_of(row))
    assert care_of(row).doses == ()


def test_a_dose_without_its_time_by_the_citys_clock(world: World) -> None:
    row = over(world)
    dose(row)
    [given] = care_of(row).doses
    assert given.at == after(300)
    assert given.at.utcoffset() == timedelta(hours=-8)


@pytest.mark.parametrize(
    "told",
    [
        {"disposition": "44"},
        {"answer": ("handover", "medics")},
        {"answer": ("handover", "dead")},
        {"answer": ("fire_called", "on_scene")},
        {"given_by": "medics"},
        {"fire": True},
    ],
)
def test_whether_another_service_may_have_counted_it(world: World, told: dict[str, Any]) -> None:
    row = over(world, disposition=told.get("disposition", "18"))
    assert care_of(row).medics_came is ("disposition" in told)
    if "answer" in told:
        answer(row, *told["answer"])
    if "given_by" in told:
        dose(row, given_by=told["given_by"])
    if "fire" in told:
        engine = {"unit_id": "e5@sfd.seattle.wa.us", "call_sign": "E5", "active": True,
                  "statuses": [{"status": "OnScene", "at": "2026-03-04T20:05:00Z"}]}  # fmt: skip
        world.call(number=row.incident.cad_number, now=after(650), units=[engine])
    assert care_of(row).medics_came is True


def test_who_it_was_is_told_once_it_is_confirmed(world: World) -> None:
    row = over(world)
    person = Person(created_at=NOON, created_by=uuid7(), content={
        "given_name": "Ada", "birth_date": "1990-03-05", "sex": "9919001",
        "housing": "unsheltered", "interpreter": True,
    })  # fmt: skip
    person.save(force_insert=True)
    encounter = encounter_of(row)
    encounter.person_id, encounter.match = person.pk, Match.POSSIBLE
    encounter.save()
    assert care_of(row).patient is None
    assert care_of(row).barriers == ()
    encounter.match = Match.CONFIRMED
    encounter.save()
    found = care_of(row)
    assert found.patient is not None
    assert (found.patient.id, found.patient.age) == (person.pk, 35)
    assert (found.patient.sex, found.patient.homeless) == ("9919001", True)
    assert found.barriers == ("3101007",)


@pytest.mark.parametrize(
    ("content", "age"),
    [
        ({"birth_date": "1990-03-04", "birth_year": 1950}, 36),
        ({"birth_date": "soon", "birth_year": 1950}, 76),
        ({"approximate_age": 45}, 45),
        ({}, None),
    ],
)
def test_an_age_is_the_best_that_is_known(
    world: World, content: dict[str, Any], age: int | None
) -> None:
    row = over(world)
    person = Person(created_at=NOON, created_by=uuid7(), content=content)
    person.save(force_insert=True)
    Encounter.objects.filter(pk=encounter_of(row).pk).update(
        person_id=person.pk, match=Match.CONFIRMED
    )
    patient = care_of(row).patient
    assert patient is not None
    assert patient.age == age


def test_of_merged_persons_the_one_that_holds(world: World) -> None:
    row = over(world)
    holds, former = (Person(created_at=NOON, created_by=uuid7(), content={}) for _ in range(2))
    holds.save(force_insert=True)
    former.merged_into, former.merged_at, former.merged_by = holds, NOON, uuid7()
    former.save(force_insert=True)
    Encounter.objects.filter(pk=encounter_of(row).pk).update(
        person_id=former.pk, match=Match.CONFIRMED
    )
    patient = care_of(row).patient
    assert patient is not None
    assert patient.id == holds.pk


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ({"state": "signed", "narrative": "He was cold."}, "He was cold."),
        (
            {"state": "locked", "narrative": "He was cold.", "addenda": ["And hungry."]},
            "He was cold.\n\nAddendum: And hungry.",
        ),
        ({"state": "draft", "narrative": "He was co"}, None),
        ({"state": "signed", "restricted": True, "narrative": "A child."}, None),
        ({"state": "signed"}, None),
        (None, None),
    ],
)
def test_a_narrative_is_told_where_it_is_asked_for_and_signed(
    world: World, monkeypatch: pytest.MonkeyPatch, note: Any, told: str | None
) -> None:
    monkeypatch.setattr(parts, "_parts", {"note": lambda _: note})
    row = over(world)
    assert care_of(row).narrative is None
    assert care_of(row, narrative=True).narrative == told


def test_without_a_room_for_notes_there_is_no_narrative(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_parts", {})
    assert care_of(over(world), narrative=True).narrative is None


def test_a_record_that_does_not_open_keeps_no_other_back(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = over(world), over(world)
    with monkeypatch.context() as elsewhere:
        field = NaloxoneDose._meta.get_field("data")
        elsewhere.setattr(field, "place", lambda _: "another row")
        dose(broken, note="the man with the dog")
    with caplog.at_level(logging.ERROR):
        found = read([encounter_of(broken), encounter_of(whole)])
    assert [care.id for care in found.cares] == [encounter_of(whole).pk]
    assert found.left_out == {encounter_of(broken).pk: LeftOut.UNREADABLE}
    assert str(encounter_of(broken).pk) in caplog.text
    assert "Undecryptable" in caplog.text


def test_a_page_takes_the_same_number_of_statements_however_long(world: World) -> None:
    def statements(count: int) -> int:
        rows = [over(world) for _ in range(count)]
        encounters = [encounter_of(row) for row in rows]
        for row in rows:
            dose(row)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert len(read(encounters).cares) == count
        return len(asked)

    assert statements(1) == statements(3)
