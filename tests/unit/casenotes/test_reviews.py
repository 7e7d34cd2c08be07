"""Who looks at a note afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from apps.casenotes.content import EXAMPLES, RecordFacts, required
from apps.casenotes.content.reviews import HOLDS, sampled
from apps.casenotes.policies import SIGNS, Policy, Rule, shipped
from tests.factories import NOON

CONTACT, HIGH_RISK, _, REFUSED = EXAMPLES
NOTE = UUID("7d2c0f0e-3a56-5f0e-8f0b-3c1d8e0a9b11")
FACTS = RecordFacts(at=NOON)
LONG_AGO = NOON - timedelta(days=900)
[SHIPPED] = shipped()
NEW = timedelta(days=90)


def reasons(
    content: dict[str, Any],
    facts: RecordFacts = FACTS,
    *,
    since: Any = LONG_AGO,
    percent: float = 0.0,
    policy: Policy = SHIPPED.policy,
) -> set[str]:
    """By the rules that come with the product, with another share of the sample."""
    rules = tuple(
        replace(rule, percent=percent) if rule.sign == "sample" else rule for rule in policy.rules
    )
    drawn = replace(policy, rules=rules)
    found = required(content, facts, policy=drawn, note_id=NOTE, author_since=since)
    return {rule.code for rule in found}


@pytest.mark.parametrize(
    ("content", "facts", "expected"),
    [
        ({"outcome": "cancelled"}, FACTS, set()),
        ({"outcome": "contact_made", "screen": {"q1": "no", "q2": "no", "q6": "no"}}, FACTS, set()),
        (HIGH_RISK, FACTS, {"high_risk", "involuntary"}),
        ({"screen": {"q4": "yes", "act_not_done": "Left."}}, FACTS, {"high_risk", "act_not_done"}),
        (CONTACT, FACTS, {"risk_unsettled"}),
        ({"screen": {"whole": "refused"}}, FACTS, set()),
        ({}, replace(FACTS, doses=1), {"dose"}),
        ({"involuntary": {}}, FACTS, {"involuntary"}),
        ({"mandated_report": {}}, FACTS, {"mandated_report"}),
        ({"death": {}}, FACTS, {"death"}),
        (REFUSED, FACTS, set()),
        ({"refusal": {"capacity": "no"}}, FACTS, {"refusal_without_capacity"}),
        ({"refusal": {"capacity": "unable"}}, FACTS, {"refusal_without_capacity"}),
        ({"screen": "?", "refusal": 3, "death": None}, FACTS, set()),
    ],
)
def test_rules_name_their_reasons(
    content: dict[str, Any], facts: RecordFacts, expected: set[str]
) -> None:
    assert reasons(content, facts) == expected


@pytest.mark.parametrize(
    ("since", "new"),
    [
        (None, True),
        (NOON, True),
        (NOON - NEW + timedelta(seconds=1), True),
        (NOON - NEW, False),
        (LONG_AGO, False),
    ],
)
def test_a_new_responder_is_co_signed(since: Any, new: bool) -> None:
    note = {"outcome": "contact_made"}
    assert reasons(note, since=since) == ({"new_responder"} if new else set())


def test_two_taps_of_a_new_responder_are_not() -> None:
    assert reasons({"outcome": "cancelled"}, since=NOON) == set()
    assert reasons({}, replace(FACTS, closing="unable_to_locate"), since=None) == set()


def test_each_sign_is_known_and_of_use() -> None:
    assert HOLDS.keys() == SIGNS.keys()


def test_a_rule_may_be_about_another_sign_or_be_told_otherwise() -> None:
    moderate = Rule(
        code="moderate", kind="review", label="Moderate", sign="risk", risks=("moderate", "none")
    )
    newer = Rule(code="newer", kind="review", label="New", sign="new_responder", days=1)
    other = Policy((moderate, newer), (), ())
    screen = {"screen": {"q1": "no", "q2": "no", "q6": "yes", "q6_recent": "no"}}
    contact = {"outcome": "contact_made"}
    assert reasons({**contact, **screen}, policy=other) == {"moderate"}
    assert reasons(HIGH_RISK, policy=other) == set(), "it asks for nothing else"
    assert reasons(contact, since=NOON - timedelta(hours=1), policy=other) == {"newer"}
    assert reasons(contact, since=NOON - timedelta(days=1), policy=other) == set()


def test_where_nobody_was_asked_there_is_no_risk_to_look_at() -> None:
    unasked = Rule(code="unasked", kind="review", label="?", sign="risk", risks=("incomplete",))
    assert reasons({"screen": {}}, policy=Policy((unasked,), (), ())) == set()
    begun = {"screen": {"q1": "no"}}
    assert reasons(begun, policy=Policy((unasked,), (), ())) == {"unasked"}


class TestSample:
    def test_is_asked_for_beside_the_rules(self) -> None:
        assert reasons({"death": {}}, percent=100) == {"death", "sample"}

    def test_none_and_all(self) -> None:
        ids = [uuid5(NOTE, str(n)) for n in range(200)]
        assert not any(sampled(one, 0.0) for one in ids)
        assert all(sampled(one, 1.0) for one in ids)

    def test_is_about_as_many_as_the_rate_says(self) -> None:
        drawn = sum(sampled(uuid5(NOTE, str(n)), 0.1) for n in range(2000))
        assert 150 < drawn < 250

    def test_is_the_same_when_asked_again_and_grows_with_the_rate(self) -> None:
        ids = [uuid5(NOTE, str(n)) for n in range(200)]
        few = {one for one in ids if sampled(one, 0.1)}
        assert few == {one for one in ids if sampled(one, 0.1)}
        assert few <= {one for one in ids if sampled(one, 0.3)}
