"""Doses of an encounter, stock, recalls: for whoever may see them, and written down."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from apps.accounts.models import Role
from apps.assignments.models import Assignment
from apps.audit.models import Entry
from apps.core.clock import iso
from apps.firstaid import codes
from apps.firstaid.models import NaloxoneDose
from apps.people.ids import encounter_id
from apps.people.parts import parts_of
from tests.factories import person
from tests.integration.assignments.conftest import World, after
from tests.integration.firstaid.conftest import LAST_DAY, Stock, Tablets, documented

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(world: World) -> Client:
    client = Client()
    client.force_login(world.supervisor)
    return client


@pytest.fixture
def case(world: World, tablets: Tablets) -> Assignment:
    """A call on which somebody was met, and given a dose."""
    row = world.given()
    world.tap("contact_made", row)
    tablets.dose(row, breathing_before=codes.GASPING)
    return row


def get(client: Client, address: str) -> Any:
    answer = client.get(f"/api/v1/{address}")
    assert answer.status_code == 200, answer.content
    return answer.json()


class TestDoses:
    def test_of_an_encounter_with_what_is_still_asked(self, desk: Client, case: Assignment) -> None:
        told = get(desk, f"encounters/{encounter_id(case.pk)}/doses")

        [dose] = told["doses"]
        assert (dose["dose"], dose["route"]) == ("4 mg", "In the nose")
        asked = [one["question"] for one in told["open"]]
        assert asked == [codes.QUESTIONS[q] for q in ("fire_called", "airway", "breathing")]
        assert Entry.objects.filter(action="read", subject_type="naloxone_dose").count() == 1

    def test_are_not_for_whoever_may_not_see_the_encounter(
        self, world: World, desk: Client, case: Assignment
    ) -> None:
        address = f"/api/v1/encounters/{encounter_id(case.pk)}/doses"
        desk.force_login(person(Role.SUPERVISOR))
        assert desk.get(address).status_code == 404
        desk.force_login(world.dispatcher)
        assert desk.get(address).status_code == 403


class TestParts:
    def test_doses_and_aid_are_part_of_the_encounter(
        self, world: World, tablets: Tablets, case: Assignment
    ) -> None:
        tablets.aid(case, procedures=[codes.RECOVERY_POSITION], given_by="care")
        tablets.log(
            "facts",
            case,
            kind="overdose_answer",
            question="fire_called",
            answer="called",
            now=after(30),
        )

        told = parts_of(encounter_id(case.pk))
        assert told["doses"]["answers"][0]["answer"] == "Called"
        assert told["doses"]["naloxone_given"] == 1
        assert told["aid"][0]["procedures"] == ["Positioned (recovery position)"]
        assert told["aid"][0]["given_by"] == "CARE"

    def test_an_answer_says_when_they_were_called_and_who_was_a_witness(
        self, world: World, tablets: Tablets, case: Assignment
    ) -> None:
        """When they were called is said by the tablet's clock, here ten minutes ahead."""
        by, ten_minutes = world.ours.tablets[0], 600
        told = {"kind": "overdose_answer", "assignment_id": case.pk}
        for number, said in enumerate(
            (
                {
                    "question": "fire_called",
                    "answer": "called",
                    "called_at": after(ten_minutes + 25).isoformat(),
                },
                {"question": "handover", "answer": "refused", "witness": "Engine 2, Kim"},
                {"question": "breathing", "answer": codes.GASPING, "response": codes.IMPROVED},
                {"question": "fire_called", "answer": "called", "called_at": "soon"},
            )
        ):
            document = documented(by, after(ten_minutes + 30 + number), **told, **said)
            tablets.push("facts", document, offset_ms=ten_minutes * 1000)

        first, refused, breathing, unread = parts_of(encounter_id(case.pk))["doses"]["answers"]
        assert (first["at"], first["called_at"]) == (iso(after(30)), iso(after(25)))
        assert refused["witness"] == "Engine 2, Kim"
        assert breathing["response"] == "Better"
        assert unread["called_at"] is None

    def test_nothing_was_done_is_no_part(self, world: World) -> None:
        row = world.given()
        assert {"doses", "aid"} & parts_of(encounter_id(row.pk)).keys() == set()

    def test_a_correction_moves_a_dose_to_another_person(
        self, world: World, tablets: Tablets, case: Assignment
    ) -> None:
        other: UUID = encounter_id(case.pk, 2)
        first = tablets.dose(case)
        tablets.dose(case, corrects=first, encounter_id=other)

        assert len(parts_of(encounter_id(case.pk))["doses"]["doses"]) == 1
        assert len(parts_of(other)["doses"]["doses"]) == 1

    @pytest.mark.parametrize("named", ["their own call", "no call"])
    def test_of_another_call_says_nothing_of_the_encounter_that_it_names(
        self, world: World, tablets: Tablets, case: Assignment, named: str
    ) -> None:
        """Anybody on a call of their own would take back what was given on somebody else's."""
        here = encounter_id(case.pk)
        stood = parts_of(here)
        other = world.theirs.unit
        there = world.assignment(
            world.call(units=[world.status("Dispatched", of=other.call_sign)]), other
        )
        on = there if named == "their own call" else None
        by = world.theirs.tablets[0]
        given = NaloxoneDose.objects.get().pk

        tablets.dose(on, by=by, encounter_id=here, dose=8)
        tablets.dose(on, by=by, encounter_id=here, corrects=given, withdrawn=True)
        tablets.aid(on, by=by, encounter_id=here, procedures=[codes.RECOVERY_POSITION])
        tablets.log(
            "facts",
            on,
            by=by,
            kind="overdose_answer",
            question="fire_called",
            answer="called",
            encounter_id=here,
        )

        assert parts_of(here) == stood


class TestStock:
    def test_of_a_unit(self, world: World, stock: Stock, desk: Client) -> None:
        [kit] = get(desk, f"stock?unit={world.ours.unit.pk}")

        assert (kit["label"], kit["unit"]) == ("Bag 21", "CARE21")
        assert kit["stock"] == [
            {
                "product": "Naloxone nasal spray 4 mg/0.1 mL",
                "lot": "A1",
                "expires_on": LAST_DAY.isoformat(),
                "quantity": 2,
            }
        ]

    def test_is_that_of_ones_own_team(self, stock: Stock, desk: Client) -> None:
        assert len(get(desk, "stock")) == 2
        desk.force_login(person(Role.SUPERVISOR))
        assert get(desk, "stock") == []

    def test_takes_a_uuid(self, desk: Client) -> None:
        assert desk.get("/api/v1/stock?unit=CARE21").status_code == 400


class TestRecall:
    def test_lists_units_and_doses(
        self, world: World, stock: Stock, tablets: Tablets, desk: Client
    ) -> None:
        sure = tablets.dose(world.given(), lot_id=stock.lot.pk)
        perhaps = tablets.dose(world.given())
        answer = desk.post(
            f"/api/v1/lots/{stock.lot.pk}/recall",
            {"number": "Z-1"},
            content_type="application/json",
        )

        assert answer.status_code == 200, answer.content
        told = answer.json()
        assert [(one["kit"], one["quantity"]) for one in told["in_kits"]] == [
            ("Bag 21", 1),
            ("Store", 8),
        ]
        assert [one["dose"] for one in told["doses"]] == [str(sure)]
        assert [one["dose"] for one in told["maybe"]] == [str(perhaps)]
        assert told["doses"][0]["unit"] == "CARE21"
        assert told == get(desk, f"lots/{stock.lot.pk}/recall")
        looks = Entry.objects.filter(action="read", subject_type="naloxone_dose")
        assert {pk for entry in looks for pk in entry.subject_ids} == {sure, perhaps}
