"""The gravest outcomes: what their parts need, and by when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.casenotes.content import deadlines, problems, restricted
from apps.casenotes.content.examples import HIGH_RISK, REFUSED
from apps.casenotes.content.grave import NEEDS, PARTS, Deadline, lacking
from apps.casenotes.policies import Policies, Policy, Version, shipped
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


[SHIPPED] = shipped()


def pointers(name: str, part: Any, policy: Policy = SHIPPED.policy) -> list[str]:
    return [error.pointer for error in lacking({name: part}, name, policy)]


def deadlines_of(content: dict[str, Any], *policies: Version) -> tuple[Deadline, ...]:
    return deadlines(content, Policies([SHIPPED, *policies]))


def later(at: datetime, **intervals: dict[str, Any]) -> Version:
    """A policy from a day on, with intervals that are told otherwise; an empty one is none."""
    told = SHIPPED.policy.definition()
    changed = [{**one, **intervals.get(one["code"], {})} for one in told["intervals"]]
    kept = [one for one in changed if intervals.get(one["code"]) != {}]
    return Version(version="later", effective_from=at, definition={**told, "intervals": kept})


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

    def test_own_consent_is_from_the_age_of_the_policy_or_from_any(self) -> None:
        older = later(NOON, own_consent={"age": 16}).policy
        assert pointers("minor", MINOR, older) == ["/minor/consent"]
        assert pointers("minor", {**MINOR, "age": 3}, later(NOON, own_consent={}).policy) == []

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
        [deadline] = deadlines_of({"mandated_report": REPORT})
        assert deadline.code == "child_report"
        assert deadline.done_at is not None
        assert deadline.due_at - deadline.done_at == timedelta(hours=46, minutes=30)
        assert not deadline.overdue(deadline.due_at + timedelta(days=9))

    def test_until_then_it_is_not_overdue(self) -> None:
        [deadline] = deadlines_of({"mandated_report": {**REPORT, "reported_at": None}})
        assert not deadline.overdue(deadline.due_at)
        assert deadline.overdue(deadline.due_at + timedelta(seconds=1))

    def test_a_vulnerable_adult_at_once(self) -> None:
        [deadline] = deadlines_of({"mandated_report": {**REPORT, "about": "vulnerable_adult"}})
        assert deadline.code == "vulnerable_adult_report"
        assert deadline.due_at.isoformat() == "2026-03-04T22:00:00+00:00"
        # Nobody has said how long "at once" may take.
        assert not deadline.overdue(deadline.due_at + timedelta(days=1))
        undone = replace(deadline, done_at=None)
        assert undone.overdue(deadline.due_at + timedelta(seconds=1))

    def test_what_was_done_late_stays_overdue(self) -> None:
        late = {**REPORT, "reported_at": "2026-03-07T22:00:00Z"}
        [deadline] = deadlines_of({"mandated_report": late})
        assert deadline.overdue(NOON)

    def test_the_medical_examiner_at_once(self) -> None:
        [deadline] = deadlines_of({"death": DEATH})
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
        assert deadlines_of(content) == ()

    def test_each_runs_by_the_law_of_when_it_began(self) -> None:
        """What is decided later shortens nothing that runs already, and takes nothing back."""
        known_at = datetime(2026, 3, 4, 22, tzinfo=UTC)
        shorter = {"child_report": {"hours": 24}}
        for from_day, hours in ((0, 24), (1, 48)):
            new = later(known_at + timedelta(days=from_day), **shorter)
            [deadline] = deadlines_of({"mandated_report": REPORT}, new)
            assert deadline.due_at - known_at == timedelta(hours=hours)

    def test_none_is_set_by_an_interval_that_has_ended(self) -> None:
        known_at = datetime(2026, 3, 4, 22, tzinfo=UTC)
        assert deadlines_of({"mandated_report": REPORT}, later(known_at, child_report={})) == ()
        after = later(known_at + timedelta(hours=1), child_report={})
        assert len(deadlines_of({"mandated_report": REPORT}, after)) == 1

    def test_of_long_ago_it_runs_by_the_first_law_that_is_known(self) -> None:
        [deadline] = deadlines_of({"mandated_report": {**REPORT, "known_at": "1990-01-01T00:00Z"}})
        assert deadline.due_at == datetime(1990, 1, 3, tzinfo=UTC)


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
