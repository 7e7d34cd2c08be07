from __future__ import annotations

import json

import pytest

from apps.referrals import codes, states
from apps.referrals.states import FINAL, NEGATIVE, OPEN, RULES, NotNow, after, awaits, lacks
from tests.data import shared_data


def test_the_states_are_those_of_the_profile() -> None:
    known = json.loads(shared_data("code_lists.json").read_text())["fhir_referral_task_status"]

    assert set(codes.TASK_STATUSES) == set(known)


def test_every_negative_state_is_reached_with_a_reason_alone() -> None:
    for verb, rule in RULES.items():
        if set(rule.to.values()) & NEGATIVE:
            assert "reason" in rule.needs, verb


def test_what_is_over_stays_so() -> None:
    for verb, rule in RULES.items():
        if verb != "error":
            assert not rule.frm & FINAL, verb


def test_nothing_is_answered_that_was_never_sent() -> None:
    for verb in states.PARTNERS:
        with pytest.raises(NotNow):
            after(verb, status="draft", by="partner")


@pytest.mark.parametrize("verb", ["send", "cancel", "reply", "warm_handoff", "error"])
def test_a_partner_does_not_do_what_is_ours(verb: str) -> None:
    with pytest.raises(NotNow):
        after(verb, status="requested", by="partner")


def test_care_does_not_answer_for_a_partner_but_by_telephone() -> None:
    with pytest.raises(NotNow):
        after("accept", status="requested", by="care")


@pytest.mark.parametrize(
    ("verb", "before", "then"),
    [
        ("accept", "requested", "accepted"),
        ("accept", "in-progress", "in-progress"),
        ("appointment", "requested", "accepted"),
        ("ask", "requested", "requested"),
        ("hold", "accepted", "on-hold"),
        ("attended", "requested", "in-progress"),
        ("not_attended", "in-progress", "in-progress"),
        ("served", "requested", "completed"),
        ("not_served", "in-progress", "failed"),
    ],
)
def test_what_follows(verb: str, before: str, then: str) -> None:
    assert after(verb, status=before, by="partner") == then


def test_attendance_and_services_are_no_states() -> None:
    assert not {"attended", "served", "enrolled"} & set(codes.TASK_STATUSES)


def test_a_reason_is_a_code_or_words() -> None:
    assert lacks("decline", {"reason": "", "reason_code": None}) == ["reason"]
    assert lacks("decline", {"reason": "no bed"}) == []
    assert lacks("appointment", {}) == ["appointment_at"]


def test_whom_the_clocks_wait_for() -> None:
    assert {status: awaits(status) for status in codes.TASK_STATUSES} == {
        **dict.fromkeys(FINAL | {"draft"}, "nothing"),
        **dict.fromkeys(OPEN, "outcome"),
        "requested": "answer",
    }
