from __future__ import annotations

from typing import Any

import pytest

from apps.referrals.outputs import Outputs, after, closes
from tests.factories import NOON

NOTHING = Outputs({}, None, None, None, None)


def then(verb: str, status: str, before: Outputs = NOTHING, **told: Any) -> Outputs:
    return after(verb, told, before=before, status=status, at=NOON)


def test_a_negative_state_has_its_reason_and_no_other_has() -> None:
    held = then("hold", "on-hold", reason_code="waitlist")
    assert (held.reason, held.said["reason_code"]) == ("On a waiting list", "waitlist")

    assert then("accept", "accepted", held).reason is None


def test_a_reason_in_words_leaves_no_code_of_the_one_before() -> None:
    held = then("hold", "on-hold", reason_code="waitlist")
    over = then("cancel", "cancelled", held, reason="Found a bed elsewhere.")
    assert (over.reason, over.said["reason_code"]) == ("Found a bed elsewhere.", None)

    asked = then("ask", "on-hold", held, text="Which door?")
    assert (asked.reason, asked.said["reason_code"]) == ("On a waiting list", "waitlist")


def test_the_partners_number_stays() -> None:
    taken = then("accept", "accepted", case_number="A1")

    assert then("begin", "in-progress", taken).case_number == "A1"


def test_an_appointment_holds_until_another_is_set() -> None:
    first = then("appointment", "accepted", appointment_at="2026-03-05T17:00:00.000Z")
    later = then("ask", "accepted", first, text="Which door?")

    assert later.said["appointment_at"] == "2026-03-05T17:00:00.000Z"
    assert later.said["question"] == "Which door?"


def test_a_new_question_waits_for_its_own_reply() -> None:
    asked = then("ask", "requested", text="1?")
    replied = then("reply", "requested", asked, text="yes")
    assert replied.said["reply"] == "yes"

    assert then("ask", "requested", replied, text="2?").said["reply"] is None


def test_attendance_is_told_apart_from_service() -> None:
    came = then("attended", "in-progress")
    failed = then("not_served", "failed", came, reason_code="no_funds")

    assert (failed.attended, failed.served) == (True, False)


@pytest.mark.parametrize(
    ("statuses", "closed"),
    [
        (["completed"], True),
        (["completed", "rejected", "draft"], True),
        (["completed", "on-hold"], False),
        (["rejected", "failed", "cancelled"], False),
        ([], False),
    ],
)
def test_only_an_outcome_closes_the_loop(statuses: list[str], closed: bool) -> None:
    assert closes(statuses) is closed
