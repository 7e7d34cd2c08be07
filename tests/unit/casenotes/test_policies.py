"""Policies: how a mistake in one is named, and which version counts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import jsonschema
import pytest

from apps.casenotes import codes, policies
from apps.casenotes.content import cssrs
from apps.casenotes.policies import Policies, Unusable, Version
from apps.casenotes.schemas import POLICY
from tests.factories import NOON

[SHIPPED] = policies.shipped()
RULE: dict[str, Any] = {
    "code": "high_risk",
    "kind": "co_signature",
    "label": "High risk",
    "sign": "risk",
    "risks": ["high"],
}
INTERVAL: dict[str, Any] = {
    "code": "child_report",
    "label": "Within 48 hours",
    "citation": "RCW 26.44.030",
    "hours": 48,
}
ACT: dict[str, Any] = {"risk": "high", "words": "Stay.", "citation": "SOP 7", "done_by": ["stayed"]}
WHOLE: dict[str, Any] = {"rules": [RULE], "intervals": [INTERVAL], "acts": [ACT]}
DAY = timedelta(days=1)


def wrong(definition: Any) -> dict[str, str]:
    """What is to be mended in it, by pointers."""
    with pytest.raises(Unusable) as told:
        policies.read(definition)
    return {one.pointer: one.detail for one in told.value.errors}


def version(name: str, begins: datetime, ends: datetime | None = None) -> Version:
    return Version(version=name, effective_from=begins, effective_to=ends, definition=WHOLE)


class TestReading:
    def test_what_is_written_reads_as_the_same(self) -> None:
        assert policies.read(SHIPPED.policy.definition()) == SHIPPED.policy
        assert policies.read(WHOLE).definition() == WHOLE
        assert SHIPPED.policy.rule("dose") is not None
        assert SHIPPED.policy.rule("other") is None
        assert SHIPPED.policy.interval("other") is None

    def test_nothing_is_a_policy_that_asks_for_nothing(self) -> None:
        empty = {"rules": [], "intervals": [], "acts": []}
        assert policies.read(empty).definition() == empty

    @pytest.mark.parametrize(
        ("part", "changed", "pointer", "detail"),
        [
            ("rules", {"code": "High risk"}, "code", "A short name"),
            ("rules", {"kind": "glance"}, "kind", "One of co_signature, review"),
            ("rules", {"label": " "}, "label", "Is needed"),
            ("rules", {"label": "x" * 2001}, "label", "A text of at most"),
            ("rules", {"label": 7}, "label", "A text of at most"),
            ("rules", {"sign": "weather"}, "sign", "One of risk,"),
            ("rules", {"risks": []}, "risks", "Name at least one of high"),
            ("rules", {"risks": ["grave"]}, "risks/0", "One of high"),
            ("rules", {"risks": "high"}, "risks", "A list"),
            ("rules", {"sign": "dose"}, "risks", "Is not for a rule of this sign"),
            ("rules", {"days": 90}, "days", "Is not for a rule of this sign"),
            ("rules", {"when": "always"}, "when", "Is no part of it; known are code,"),
            ("intervals", {"code": "tax_return"}, "code", "One of child_report"),
            ("intervals", {"citation": ""}, "citation", "Is needed"),
            ("intervals", {"hours": -1}, "hours", "From 0 to 8760 hours"),
            ("intervals", {"hours": None}, "hours", "From 0 to 8760 hours"),
            ("intervals", {"hours": float("nan")}, "hours", "From 0 to 8760 hours"),
            ("intervals", {"hours": True}, "hours", "From 0 to 8760 hours"),
            ("intervals", {"age": 13}, "age", "Is not for this interval"),
            ("acts", {"risk": "incomplete"}, "risk", "One of high"),
            ("acts", {"words": None}, "words", "A text of at most"),
            ("acts", {"done_by": ["prayer"]}, "done_by/0", "One of "),
        ],
    )
    def test_a_mistake_is_named(
        self, part: str, changed: dict[str, Any], pointer: str, detail: str
    ) -> None:
        found = wrong({**WHOLE, part: [{**WHOLE[part][0], **changed}]})
        assert detail in found[f"/{part}/0/{pointer}"]

    @pytest.mark.parametrize(
        ("sign", "name", "given", "detail"),
        [
            ("new_responder", "days", None, "From 1 to 3650 days"),
            ("new_responder", "days", 0, "From 1 to 3650 days"),
            ("new_responder", "days", 2.5, "A whole number"),
            ("sample", "percent", 101, "From 0 to 100 percent"),
            ("sample", "percent", "5", "From 0 to 100 percent"),
        ],
    )
    def test_what_a_sign_needs_is_there(
        self, sign: str, name: str, given: Any, detail: str
    ) -> None:
        rule = {**RULE, "sign": sign, "risks": [], name: given}
        assert detail in wrong({**WHOLE, "rules": [rule]})[f"/rules/0/{name}"]

    def test_each_mistake_is_named_at_once(self) -> None:
        found = wrong({"rules": [{}, RULE, RULE, 7], "intervals": "none", "extra": 1})
        assert {"/rules/0/code", "/rules/2", "/rules/3", "/intervals", "/acts"} <= found.keys()
        assert found["/rules/2"] == "high_risk is there already."
        assert "/extra" in found
        assert "JSON object" in wrong([])[""]

    def test_there_are_only_so_many(self) -> None:
        rules = [{**RULE, "code": f"rule_{n}"} for n in range(policies.MOST_RULES + 1)]
        assert "at most 30" in wrong({**WHOLE, "rules": rules})["/rules"]


class TestShipped:
    def test_what_it_knows_of_the_law_has_its_citation(self) -> None:
        for one in SHIPPED.policy.intervals:
            assert one.citation.startswith("RCW ")
            assert one.read
        assert {one.code for one in SHIPPED.policy.intervals} == policies.INTERVALS.keys()
        assert policies.INTERVAL_NAMES.keys() == policies.INTERVALS.keys()

    def test_high_risk_asks_for_an_act(self) -> None:
        act = SHIPPED.policy.act("high")
        assert act is not None
        assert act.done_by
        for risk in ("none", "incomplete"):
            assert SHIPPED.policy.act(risk) is None

    def test_levels_of_the_screener_have_an_act_each(self) -> None:
        assert all(SHIPPED.policy.act(level) for level in cssrs.LEVELS)
        assert set(policies.ACT_RISKS) == codes.RISKS.keys() - {"incomplete"}


class TestTheVersionThatCounts:
    FIRST = version("first", NOON - 10 * DAY)
    PILOT = version("pilot", NOON, NOON + 2 * DAY)
    NEXT = version("next", NOON + 5 * DAY)
    ALL = Policies((NEXT, PILOT, FIRST))

    @pytest.mark.parametrize(
        ("at", "expected"),
        [
            (NOON - 99 * DAY, "first"),
            (NOON - timedelta(seconds=1), "first"),
            (NOON, "pilot"),
            (NOON + 2 * DAY, "first"),
            (NOON + 5 * DAY, "next"),
            (NOON + 999 * DAY, "next"),
        ],
    )
    def test_is_the_one_of_the_day_that_began_last(self, at: datetime, expected: str) -> None:
        assert self.ALL.at(at).version == expected

    def test_there_is_always_one(self) -> None:
        assert Policies((self.PILOT,)).at(NOON + 99 * DAY) is self.PILOT

    def test_a_gap_is_seen(self) -> None:
        assert self.ALL.gap(NOON) is None
        assert Policies((self.PILOT,)).gap(NOON) == NOON + 2 * DAY
        assert Policies((self.PILOT, self.NEXT)).gap(NOON) == NOON + 2 * DAY
        assert Policies((self.PILOT, self.NEXT)).gap(NOON + 6 * DAY) is None
        assert Policies((self.NEXT,)).gap(NOON) == NOON
        joined = version("joined", NOON + 2 * DAY)
        assert Policies((joined, self.PILOT)).gap(NOON) is None


@pytest.mark.parametrize("part", ["rules", "intervals", "acts"])
def test_tablets_have_an_example_of_each_part_that_its_schema_allows(part: str) -> None:
    [example] = POLICY[part]["examples"]
    jsonschema.validate(example, POLICY[part])
