"""The gravest outcomes: what their parts need, and by when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apps.casenotes.content import deadlines, problems, restricted
from apps.casenotes.content.examples import HIGH_RISK, REFUSED
from apps.casenotes.content.grave import (
    INTERVALS,
    NEEDS,
    PARTS,
    Interval,
    interval,
    interval_items,
    lacking,
)
from tests.factories import NOON

REPORT = {
    "about": "child",
    "known_at": "2026-03-04T22:00:00Z",
    "observed": "Bruises on both arms; told that her uncle hits her.",
    "reported_at": "2026-03-04T23:30:00Z",
    "reported_to": ["dcyf"],
    "report_number": "26-114",
    "restricted": True,
}
MINOR = {
    "age": 15,
    "age_basis": "said",
    "guardian": "not_reached",
    "guardian_note": "Two calls to the mother, no answer.",
    "consent": "own",
}
DEATH = {
    "pronounced_by": "sfd",
    "pronounced_at": "2026-03-04T22:10:00Z",
    "examiner_notified_at": "2026-03-04T22:25:00Z",
    "examiner_notified_by": "spd",
}
WHOLE: dict[str, dict[str, Any]] = {
    "involuntary": HIGH_RISK["involuntary"],
    "mandated_report": REPORT,
    "minor": MINOR,
    "death": DEATH,
    "refusal": REFUSED["refusal"],
}


def pointers(name: str, part: Any) -> list[str]:
    return [error.pointer for error in lacking({name: part}, name, NOON)]


@pytest.mark.parametrize("name", PARTS)
class TestEachPart:
    def test_is_whole_with_what_it_needs(self, name: str) -> None:
        assert pointers(name, WHOLE[name]) == []
        assert problems({name: WHOLE[name]}) == []

    def test_needs_each_of_its_needs(self, name: str) -> None:
        for key in NEEDS[name]:
            part = {**WHOLE[name], key: None}
            assert f"/{name}/{key}" in pointers(name, part)

    def test_needs_everything_when_it_was_only_opened(self, name: str) -> None:
        needs = [f"/{name}/{key}" for key in NEEDS[name]]
        assert pointers(name, {}) == needs
        assert pointers(name, "a text") == needs

    def test_names_only_fields_that_it_has(self, name: str) -> None:
        assert set(NEEDS[name]) <= set(PARTS[name].fields)


class TestInvoluntary:
    def test_care_never_detains(self) -> None:
        part = {**WHOLE["involuntary"], "decided_by": "care"}
        assert pointers("involuntary", part) == ["/involuntary/decided_by"]
        assert problems({"involuntary": part}) == ["care_never_decides:involuntary.decided_by"]

    def test_another_code_is_kept_and_flagged_and_has_to_be_mended(self) -> None:
        part = {**WHOLE["involuntary"], "decided_by": "judge"}
        assert pointers("involuntary", part) == ["/involuntary/decided_by"]
        assert problems({"involuntary": part}) == ["unknown_code:involuntary.decided_by"]

    def test_whoever_was_taken_was_taken_somewhere(self) -> None:
        part = {**WHOLE["involuntary"], "taken_to": ""}
        assert pointers("involuntary", part) == ["/involuntary/taken_to"]
        assert pointers("involuntary", {**part, "taken_by": "not_taken"}) == []


class TestMinor:
    @pytest.mark.parametrize(("age", "may"), [(12, False), (13, True), (17, True), (0, False)])
    def test_own_consent_is_from_13(self, age: int, may: bool) -> None:
        found = pointers("minor", {**MINOR, "age": age})
        assert found == ([] if may else ["/minor/consent"])

    def test_a_guardian_may_consent_at_any_age(self) -> None:
        assert pointers("minor", {**MINOR, "age": 9, "consent": "guardian"}) == []

    @pytest.mark.parametrize("guardian", ["not_reached", "not_known", "unsafe", "not_wanted"])
    def test_a_guardian_who_was_not_contacted_needs_a_why(self, guardian: str) -> None:
        part = {**MINOR, "guardian": guardian, "guardian_note": " "}
        assert pointers("minor", part) == ["/minor/guardian_note"]

    @pytest.mark.parametrize("guardian", ["present", "contacted"])
    def test_one_who_was_needs_none(self, guardian: str) -> None:
        assert pointers("minor", {**MINOR, "guardian": guardian, "guardian_note": None}) == []

    def test_an_age_that_is_none_is_flagged(self) -> None:
        for age in (18, -1, "13", True, 12.5):
            assert problems({"minor": {"age": age}}) == ["bad_shape:minor.age"]


class TestDeath:
    def test_care_never_pronounces(self) -> None:
        part = {**DEATH, "pronounced_by": "care"}
        assert pointers("death", part) == ["/death/pronounced_by"]
        assert problems({"death": part}) == ["care_never_decides:death.pronounced_by"]

    def test_a_time_that_cannot_be_read_has_to_be_mended(self) -> None:
        for time in ("22:10", "2026-03-04T22:10:00", "yesterday"):
            part = {**DEATH, "pronounced_at": time}
            assert pointers("death", part) == ["/death/pronounced_at"]
            assert problems({"death": part}) == ["bad_time:death.pronounced_at"]


class TestRefusal:
    @pytest.mark.parametrize("capacity", ["no", "unable"])
    def test_doubt_about_capacity_needs_what_was_seen(self, capacity: str) -> None:
        part = {**WHOLE["refusal"], "capacity": capacity}
        assert pointers("refusal", part) == ["/refusal/capacity_observed"]
        assert pointers("refusal", {**part, "capacity_observed": "Did not know the year."}) == []

    def test_nobody_is_a_witness_too(self) -> None:
        assert pointers("refusal", {**WHOLE["refusal"], "witness": "none"}) == []

    def test_among_codes_one_that_is_not_known_is_an_answer(self) -> None:
        part = {**WHOLE["refusal"], "left": ["tent"]}
        assert pointers("refusal", part) == []
        assert problems({"refusal": part}) == ["unknown_code:refusal.left"]


class TestDeadlines:
    def test_a_child_is_reported_within_48_hours(self) -> None:
        [deadline] = deadlines({"mandated_report": REPORT})
        assert deadline.code == "child_report"
        assert deadline.done_at is not None
        assert deadline.due_at - deadline.done_at == timedelta(hours=46, minutes=30)
        assert not deadline.overdue(deadline.due_at + timedelta(days=9))

    def test_until_then_it_is_not_overdue(self) -> None:
        [deadline] = deadlines({"mandated_report": {**REPORT, "reported_at": None}})
        assert not deadline.overdue(deadline.due_at)
        assert deadline.overdue(deadline.due_at + timedelta(seconds=1))

    def test_a_vulnerable_adult_at_once(self) -> None:
        [deadline] = deadlines({"mandated_report": {**REPORT, "about": "vulnerable_adult"}})
        assert deadline.code == "vulnerable_adult_report"
        assert deadline.due_at.isoformat() == "2026-03-04T22:00:00+00:00"
        # Nobody has said how long "at once" may take.
        assert not deadline.overdue(deadline.due_at + timedelta(days=1))
        undone = replace(deadline, done_at=None)
        assert undone.overdue(deadline.due_at + timedelta(seconds=1))

    def test_what_was_done_late_stays_overdue(self) -> None:
        late = {**REPORT, "reported_at": "2026-03-07T22:00:00Z"}
        [deadline] = deadlines({"mandated_report": late})
        assert deadline.overdue(NOON)

    def test_the_medical_examiner_at_once(self) -> None:
        [deadline] = deadlines({"death": DEATH})
        assert (deadline.code, deadline.due_at.minute) == ("death_notice", 10)

    @pytest.mark.parametrize(
        "content",
        [
            {},
            {"mandated_report": {}},
            {"mandated_report": {**REPORT, "known_at": "?"}},
            {"mandated_report": {**REPORT, "about": "dog"}},
            {"mandated_report": {**REPORT, "about": ["child"]}},
            {"death": {"pronounced_at": None}},
        ],
    )
    def test_what_does_not_say_when_sets_none(self, content: dict[str, Any]) -> None:
        assert deadlines(content) == ()


class TestIntervals:
    def test_each_has_its_citation_and_waits_for_counsel(self) -> None:
        for one in INTERVALS:
            assert one.citation.startswith("RCW ")
            assert one.read
            assert "counsel" in one.to_confirm
            assert (one.within is None) != (one.age is None)

    def test_tablets_get_them_with_their_dates(self) -> None:
        items = {item["code"]: item for item in interval_items()}
        assert items["child_report"]["within_hours"] == 48
        assert items["vulnerable_adult_report"]["within_hours"] == 0
        assert items["own_consent"]["age"] == 13
        [dated] = interval_items((Interval("x", "", "RCW 1", "", age=1, effective_from=NOON),))
        assert (dated["effective_from"], dated["effective_to"]) == (NOON.isoformat(), None)

    def test_the_version_of_the_day_holds(self) -> None:
        old = Interval("x", "", "RCW 1", "", age=13, effective_to=NOON)
        new = Interval("x", "", "RCW 1", "", age=14, effective_from=NOON)
        later = Interval("x", "", "RCW 1", "", age=15, effective_from=NOON + timedelta(days=1))
        versions = (later, old, new)
        assert interval("x", NOON - timedelta(1), intervals=versions) is old
        assert interval("x", NOON, intervals=versions) is new
        assert interval("x", NOON + timedelta(days=2), intervals=versions) is later
        assert interval("y", NOON, intervals=versions) is None


@pytest.mark.parametrize(
    ("content", "is_restricted"),
    [
        ({}, False),
        ({"mandated_report": {}}, True),
        ({"mandated_report": REPORT}, True),
        ({"mandated_report": {"restricted": None}}, True),
        ({"mandated_report": {"restricted": "no"}}, True),
        ({"mandated_report": "a text"}, True),
        ({"mandated_report": {**REPORT, "restricted": False}}, False),
        ({"death": DEATH}, False),
    ],
)
def test_a_mandated_report_is_restricted_unless_it_says_otherwise(
    content: dict[str, Any], is_restricted: bool
) -> None:
    assert restricted(content) is is_restricted
