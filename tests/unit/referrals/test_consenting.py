from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.referrals import codes
from apps.referrals.consenting import (
    BASIS_RULES,
    MINIMUM,
    RULES_OF_PART_2,
    Grant,
    in_force,
    lacking,
    necessary_for,
    opened_by_basis,
    opens,
    problems,
)
from tests.factories import NOON

SHELTER, CLINIC = UUID(int=1), UUID(int=2)
SPOKEN = Grant(
    id=UUID(int=9),
    form="verbal",
    purpose="referral",
    recipients=frozenset({SHELTER}),
    categories=frozenset({"identity", "needs", "substance_use"}),
    given_at=NOON,
    expires_at=NOON + timedelta(days=30),
    witness=True,
)
SIGNED = replace(SPOKEN, form="written", witness=False, signed=True, signature_here=True)
TOMORROW = NOON + timedelta(days=1)


def let(grant: Grant, category: str = "identity", **more: Any) -> bool:
    asked = {"part2": False, "recipient": SHELTER, "now": TOMORROW, **more}
    return opens(grant, category, **asked)


class TestWhatAConsentOpens:
    def test_what_it_names_to_whom_it_names(self) -> None:
        assert let(SPOKEN)
        assert not let(SPOKEN, "health")
        assert not let(SPOKEN, recipient=CLINIC)

    def test_spoken_nothing_of_a_part_2_programme(self) -> None:
        assert not let(SPOKEN, "substance_use", part2=True)
        assert let(SIGNED, "substance_use", part2=True)

    def test_nothing_of_a_programme_before_the_signature_is_here(self) -> None:
        on_its_way = replace(SIGNED, signature_here=False)
        assert not let(on_its_way, "substance_use", part2=True)
        assert let(on_its_way, "substance_use")

    def test_by_source_and_not_by_topic(self) -> None:
        assert let(SPOKEN, "substance_use", part2=False)
        assert not let(SPOKEN, "identity", part2=True)

    def test_until_it_ends_or_is_revoked(self) -> None:
        assert not let(SPOKEN, now=NOON + timedelta(days=30))
        assert not let(replace(SPOKEN, revoked_at=NOON))

    def test_no_more_than_its_purpose_is_about(self) -> None:
        assert not let(replace(SIGNED, purpose="transport"), "substance_use")
        assert not let(replace(SIGNED, purpose="anything"))

    @pytest.mark.parametrize(
        ("lacks", "flag"),
        [
            ({"witness": False}, "no_witness"),
            ({"form": "written"}, "no_signature"),
            ({"expires_at": None}, "no_expiry"),
            ({"recipients": frozenset()}, "no_recipient"),
            ({"categories": frozenset()}, "no_categories"),
            ({"purpose": ""}, "no_purpose"),
            ({"recorded_at": NOON - timedelta(days=2)}, "given_later"),
            ({"recorded_at": NOON + timedelta(days=400)}, "given_long_ago"),
            ({"expires_at": NOON + timedelta(days=800)}, "too_long"),
            ({"expires_at": NOON}, "ends_before"),
        ],
    )
    def test_nothing_while_it_lacks_something(self, lacks: dict[str, Any], flag: str) -> None:
        grant = replace(SPOKEN, **lacks)

        assert flag in problems(grant)
        assert flag in codes.FLAGS
        assert not in_force(grant, TOMORROW)
        assert not let(grant)


class TestOtherBases:
    def test_all_but_consent_have_a_rule(self) -> None:
        assert set(BASIS_RULES) == set(codes.BASES) - {"consent"}

    def test_an_emergency_opens_part_2_and_a_handover_does_not(self) -> None:
        assert opened_by_basis("medical_emergency", "substance_use", part2=True)
        assert not opened_by_basis("treatment_handover", "substance_use", part2=True)
        assert opened_by_basis("treatment_handover", "substance_use", part2=False)

    def test_a_threat_opens_what_is_needed_against_it(self) -> None:
        assert opened_by_basis("imminent_threat", "whereabouts", part2=False)
        assert not opened_by_basis("imminent_threat", "health", part2=False)

    def test_consent_is_never_one_of_them(self) -> None:
        assert not opened_by_basis("consent", "identity", part2=False)

    def test_the_record_of_an_emergency_names_what_2_51_asks_for(self) -> None:
        assert lacking("medical_emergency", {}) == [
            *("no_affiliation", "no_nature", "no_recipient_named", "no_time"),
        ]
        told = {"recipient": "Medic 10", "affiliation": "SFD", "at": NOON, "nature": "overdose"}
        assert lacking("medical_emergency", told) == []


class TestMinimumNecessary:
    def test_every_need_that_is_listed_is_known(self) -> None:
        assert set(MINIMUM) <= set(codes.NEEDS)
        assert all(kinds <= set(codes.DATA_CATEGORIES) for kinds in MINIMUM.values())

    def test_a_food_bank_needs_no_name(self) -> None:
        assert "identity" not in necessary_for(["food-insecurity"])

    def test_what_is_asked_for_together_is_needed_together(self) -> None:
        both = necessary_for(["food-insecurity", "medical-care"])

        assert {"identity", "health"} <= both

    def test_nothing_asked_for_needs_nothing(self) -> None:
        assert necessary_for([]) == frozenset()


def test_the_statement_is_that_of_the_rule_of_2024() -> None:
    assert RULES_OF_PART_2.startswith("This record which has been disclosed to you is protected")
    assert "2.12(c)(5)" in RULES_OF_PART_2
