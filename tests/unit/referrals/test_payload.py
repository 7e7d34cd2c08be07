from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.people.safety import mark_of
from apps.people.schemas import PERSON
from apps.referrals import known, payload
from apps.referrals.consenting import RULES_OF_PART_2, Grant
from apps.referrals.payload import Datum, Payload, digest, for_basis, for_partner, with_notices
from tests.factories import NOON

SHELTER, CLINIC, PROGRAMME = UUID(int=1), UUID(int=2), UUID(int=3)
SPOKEN = Grant(
    id=UUID(int=9),
    form="verbal",
    purpose="referral",
    recipients=frozenset({SHELTER}),
    categories=frozenset({"identity", "needs", "safety", "substance_use"}),
    given_at=NOON,
    expires_at=NOON + timedelta(days=30),
    witness=True,
)
SIGNED = replace(SPOKEN, id=UUID(int=8), form="written", signed=True, signature_here=True)
ENVELOPE = {"id": "r", "task": {"id": "t"}}
DATA = [
    Datum("person.given_name", "Dana", "identity"),
    Datum("person.contacts[]", {"kind": "phone", "value": "206-555-0100"}, "contact"),
    Datum("details[]", {"text": "on methadone"}, "substance_use", part2=True),
    Datum("details[]", {"text": "smelt of beer"}, "substance_use"),
    Datum("needs[]", "sobering", "needs"),
]


def told(*grants: Grant, needs: tuple[str, ...] = ("sobering",), to: UUID = SHELTER) -> Payload:
    return for_partner(DATA, recipient=to, needs=needs, grants=grants, now=NOON)


class TestPerField:
    def test_what_the_consent_opens_and_no_more(self) -> None:
        found = told(SPOKEN)

        assert found.told == {
            "person": {"given_name": "Dana"},
            "details": [{"text": "smelt of beer"}],
            "needs": ["sobering"],
        }
        assert found.consents == (SPOKEN.id,)
        assert found.withheld == 2
        assert not found.part2

    def test_a_signature_opens_what_a_programme_told(self) -> None:
        found = told(SIGNED)

        assert {"text": "on methadone"} in found.told["details"]
        assert found.part2

    def test_each_field_rests_on_the_consent_that_opens_it(self) -> None:
        assert told(SPOKEN, replace(SIGNED, given_at=NOON + timedelta(hours=1))).consents == (
            SPOKEN.id,
            SIGNED.id,
        )

    def test_no_more_than_the_need_asks_for(self) -> None:
        assert told(SIGNED, needs=("food-insecurity",)).told == {"needs": ["sobering"]}

    def test_nothing_for_whom_nobody_named(self) -> None:
        assert told(SIGNED, to=CLINIC).places == ()

    def test_places_name_fields_and_never_values(self) -> None:
        assert told(SPOKEN).places == ("person.given_name", "details[]", "needs[]")


class TestWhatLeaves:
    def test_without_consent_nothing_but_call_us(self) -> None:
        document = with_notices(told(), envelope=ENVELOPE, phone="206-555-0199", consents=[])

        assert document == {
            **ENVELOPE,
            "call_us": {"text": payload.CALL_US, "phone": "206-555-0199"},
        }

    def test_with_part_2_the_statement_and_a_copy_of_the_consent(self) -> None:
        copy = {"purpose": "referral"}
        document = with_notices(
            told(SIGNED), envelope=ENVELOPE, phone="206-555-0199", consents=[copy]
        )

        assert document["notice"] == RULES_OF_PART_2
        assert document["consents"] == [copy]

    def test_else_neither(self) -> None:
        document = with_notices(told(SPOKEN), envelope=ENVELOPE, phone="", consents=[{"a": 1}])

        assert not {"notice", "consents"} & set(document)

    def test_the_hash_is_of_what_is_said_and_not_of_its_spelling(self) -> None:
        assert digest({"a": 1, "b": [2.0]}) == digest(json.loads('{"b":[2],"a":1.0}'))
        assert digest({"a": 1}) != digest({"a": 2})


class TestAnotherBasis:
    def test_an_emergency_tells_medics_all(self) -> None:
        assert for_basis(DATA, basis="medical_emergency").withheld == 0

    def test_a_handover_leaves_out_what_a_programme_told(self) -> None:
        found = for_basis(DATA, basis="treatment_handover")

        assert found.told["details"] == [{"text": "smelt of beer"}]


class TestOfAPerson:
    @pytest.fixture
    def record(self) -> dict[str, Any]:
        return {
            "given_name": "Dana",
            "description": "the man with the dog",
            "own_words": "leave me be",
            "care_plan": "see the clinic",
            "contested": "I am not 45",
            "contacts": [
                {"id": "a", "kind": "phone", "value": "1", "safe": False},
                {"id": "b", "kind": "phone", "value": "2"},
            ],
            "safety_notes": [
                {"id": "c", "text": "old", "expires_on": "2026-03-03"},
                {"id": "d", "text": "knife once", "source": "seen"},
                {"id": "e", "text": "said the clinic", "source": "partner"},
                {"id": "f", "text": "said who", "source": "detox"},
            ],
        }

    def test_what_is_not_safe_is_never_told(self, record: dict[str, Any]) -> None:
        values = [one.value for one in known.of_person(record, today=date(2026, 3, 4))]

        assert {"kind": "phone", "value": "2"} in values
        assert all("1" not in str(value) for value in values if isinstance(value, dict))

    def test_what_is_over_is_not_told(self, record: dict[str, Any]) -> None:
        notes = [
            one
            for one in known.of_person(record, today=date(2026, 3, 4))
            if one.category == "safety"
        ]

        assert [(one.value["text"], one.part2) for one in notes] == [
            ("knife once", False),
            ("said the clinic", True),
            ("said who", True),
        ]

    def test_nor_what_a_supervisor_has_ended(self, record: dict[str, Any]) -> None:
        reviews = [{"of": mark_of(one), "verdict": "ended"} for one in record["safety_notes"]]
        told = known.of_person(record, reviews=reviews, today=date(2026, 3, 4))

        assert "safety" not in {one.category for one in told}

    def test_the_responders_own_words_stay_with_them(self, record: dict[str, Any]) -> None:
        told = str(list(known.of_person(record, today=date(2026, 3, 4))))

        for name in ("description", "own_words", "care_plan", "contested"):
            assert record[name] not in told

    def test_a_field_without_a_category_is_not_told(self) -> None:
        everything = dict.fromkeys(PERSON["properties"], "secret")
        told = {one.place for one in known.of_person(everything, today=date(2026, 3, 4))}

        assert told == {f"person.{name}" for name in known._OF_PERSON}


class TestOfAReferral:
    def test_details_are_protected_by_their_source(self) -> None:
        details = [
            {"category": "health", "text": "1", "source": "seen"},
            {"category": "health", "text": "2", "source": "partner"},
            {
                "category": "needs",
                "text": "3",
                "source": "partner",
                "source_partner_id": str(PROGRAMME),
            },
            {
                "category": "health",
                "text": "4",
                "source": "partner",
                "source_partner_id": str(CLINIC),
            },
            {"category": "health", "text": "5", "part2": True},
            {"category": "unheard-of", "text": "6"},
            {"category": "health", "text": "7", "source_partner_id": str(PROGRAMME)},
            {
                "category": "health",
                "text": "8",
                "source": "seen",
                "source_partner_id": str(PROGRAMME),
            },
            {"category": "health", "text": "9", "source": "a newer app's"},
            {"category": "health", "text": "10"},
        ]

        found = list(known.of_referral({"details": details}, programmes={PROGRAMME}))

        assert [(one.value["text"], one.part2) for one in found] == [
            ("1", False),
            ("2", True),
            ("3", True),
            ("4", False),
            ("5", True),
            ("7", True),
            ("8", True),
            ("9", True),
            ("10", False),
        ]
