"""What rooms know of encounters, read together for the rules that go through many of them."""

from __future__ import annotations

import pytest

from apps.accounts.models import Partner
from apps.people.ids import record_id
from apps.people.signs import register_signs, signs_of
from tests.factories import NOON
from tests.integration.referrals.conftest import Case, after, case, shelter, world

__all__ = ["case", "shelter", "world"]

pytestmark = pytest.mark.django_db


def test_of_a_note_a_dose_and_a_referral(case: Case, shelter: Partner) -> None:
    place = {"assignment_id": str(case.assignment.pk), "encounter_id": str(case.encounter)}
    screen = {"q1": "yes", "q2": "yes", "q3": "yes", "q4": "no", "q5": "no", "q6": "no"}
    note = record_id(case.encounter, "case_note")
    case.save("case_notes", note, **place, outcome="contact_made", screen=screen)
    for given in (after(60), after(180)):
        dose = {"id": str(record_id(case.encounter, str(given))), **place, "counter": 1}
        case.push("naloxone_doses", {**dose, "given_at": given.isoformat()}, now=after(240))
    case.refer(shelter, now=after(300))

    assert signs_of([case.encounter]) == {
        case.encounter: {
            "outcome": "contact_made",
            "risk": "moderate",
            "dose_at": after(180),
            "referral_at": after(300),
        }
    }


def test_what_was_not_given_or_withdrawn_or_is_no_naloxone_is_none(
    case: Case, shelter: Partner
) -> None:
    place = {"assignment_id": str(case.assignment.pk), "encounter_id": str(case.encounter)}
    dose = {"id": str(record_id(case.encounter, "dose")), **place, "counter": 1}
    case.push("naloxone_doses", {**dose, "withheld": "8801019"}, now=NOON)
    oxygen = {"id": str(record_id(case.encounter, "oxygen")), **place, "counter": 2}
    case.push("naloxone_doses", {**oxygen, "drug": "7806"}, now=NOON)
    task = case.asks(shelter)
    told = {"referral_id": str(task.referral_id), "reason": "typed by mistake"}
    assert case.tell("referral_answer", verb="withdraw", **told) == []

    assert "referral_at" not in signs_of([case.encounter])[case.encounter]
    assert "dose_at" not in signs_of([case.encounter])[case.encounter]


def test_of_what_nobody_knows_nothing_is_said(case: Case) -> None:
    assert signs_of([]) == {}
    assert signs_of([case.person]) == {case.person: {}}


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        register_signs("note", lambda encounters: {})
