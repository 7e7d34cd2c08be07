"""Plans: what they ask for, what is too late, and how a mistake in one is named."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.casenotes.codes import RISKS
from apps.followups import plans
from apps.followups.plans import EncounterFacts, Planned, Unusable

CONTACT = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)
ENDED = CONTACT + timedelta(minutes=40)
HOUR = timedelta(hours=1)
ITEM: dict[str, Any] = {
    "code": "check_24h",
    "purpose": "check_in",
    "when": {"outcomes": ["met"]},
    "after": "contact",
    "after_hours": 24,
    "window_hours": 12,
    "way": "visit",
    "tries": 3,
    "retry_hours": 24,
    "missed_after_hours": 4,
}
[SHIPPED] = plans.shipped()


def facts(**known: Any) -> EncounterFacts:
    return EncounterFacts(
        **{"outcome": "met", "ended_at": ENDED, "contact_at": CONTACT, "known": True, **known}
    )


def asked(found: list[Planned]) -> list[str]:
    return [one.item.code for one in found]


def plan(*items: dict[str, Any]) -> plans.Plan:
    return plans.read({"items": [{**ITEM, **one} for one in items]})


def wrong(**changed: Any) -> dict[str, str]:
    """What is to be mended in an item that differs in this, by pointers."""
    with pytest.raises(Unusable) as told:
        plans.read({"items": [{**ITEM, **changed}]})
    return {one.pointer: one.detail for one in told.value.errors}


class TestWhatIsAskedFor:
    @pytest.mark.parametrize(
        ("known", "expected"),
        [
            ({}, ["check_24h", "check_72h", "check_7d"]),
            ({"dose_at": CONTACT}, ["check_24h", "check_72h", "check_7d", "after_dose"]),
            ({"referral_at": ENDED}, ["check_24h", "check_72h", "check_7d", "after_referral"]),
            ({"outcome": "refused"}, []),
            ({"outcome": "refused", "dose_at": CONTACT}, ["after_dose"]),
            ({"outcome": "nobody_found"}, ["look_again"]),
            ({"outcome": "nobody_found", "known": False}, []),
            ({"outcome": "not_met"}, []),
        ],
    )
    def test_by_the_plan_that_is_shipped(self, known: dict[str, Any], expected: list[str]) -> None:
        assert asked(plans.wanted(SHIPPED.plan, facts(**known))) == expected

    def test_counted_from_the_contact_the_dose_or_the_referral(self) -> None:
        dose, referral = CONTACT + HOUR, CONTACT + 2 * HOUR
        found = {
            one.item.code: one
            for one in plans.wanted(SHIPPED.plan, facts(dose_at=dose, referral_at=referral))
        }
        assert found["check_72h"].due_from == CONTACT + 72 * HOUR
        assert found["check_72h"].due_until == CONTACT + 96 * HOUR
        assert found["after_dose"].due_from == dose + 48 * HOUR
        assert found["after_referral"].due_from == referral + 96 * HOUR

    def test_counted_from_the_end_where_there_was_no_contact(self) -> None:
        [found] = plans.wanted(SHIPPED.plan, facts(outcome="nobody_found", contact_at=None))
        assert found.due_from == ENDED + 24 * HOUR

    def test_by_the_risk(self) -> None:
        grave = plan({"when": {"outcomes": ["met"], "risk": ["high", "moderate"]}})
        assert asked(plans.wanted(grave, facts(risk="high"))) == ["check_24h"]
        assert asked(plans.wanted(grave, facts(risk="low"))) == []
        assert asked(plans.wanted(grave, facts())) == []

    def test_without_a_dose_alone(self) -> None:
        other = plan({"when": {"outcomes": ["met"], "dose": False}})
        assert asked(plans.wanted(other, facts())) == ["check_24h"]
        assert asked(plans.wanted(other, facts(dose_at=CONTACT))) == []

    def test_an_hour_may_be_short(self) -> None:
        [found] = plans.wanted(plan({}), facts(), hour=timedelta(seconds=1))
        assert found.due_from == CONTACT + timedelta(seconds=24)
        assert found.due_until == CONTACT + timedelta(seconds=36)


class TestWhatIsLate:
    WANTED = plans.wanted(SHIPPED.plan, facts())

    def made(self, *made: str, hours: float) -> list[str]:
        return asked(plans.to_make(self.WANTED, made, CONTACT + hours * HOUR))

    def test_what_is_there_is_not_made_again(self) -> None:
        assert self.made("check_24h", hours=1) == ["check_72h", "check_7d"]
        assert self.made("check_24h", "check_72h", "check_7d", hours=1000) == []

    def test_within_its_window_it_is_not_too_late(self) -> None:
        assert self.made(hours=35) == ["check_24h", "check_72h", "check_7d"]

    def test_after_it_the_next_of_its_purpose_stands_for_it(self) -> None:
        assert self.made(hours=37) == ["check_72h", "check_7d"]
        assert self.made("check_72h", "check_7d", hours=37) == []

    def test_after_the_last_one_somebody_is_looked_for_all_the_same(self) -> None:
        now = CONTACT + 1000 * HOUR
        [found] = plans.to_make(self.WANTED, (), now)
        assert found.item.code == "check_7d"
        assert (found.due_from, found.due_until) == (now, now + 48 * HOUR)

    def test_once(self) -> None:
        assert self.made("check_7d", hours=1001) == []


class TestReading:
    def test_what_is_written_reads_as_the_same(self) -> None:
        assert plans.read(SHIPPED.plan.definition()) == SHIPPED.plan
        assert SHIPPED.plan.item("look_again") == SHIPPED.plan.items[-1]
        assert SHIPPED.plan.item("other") is None

    def test_the_risks_are_those_of_notes(self) -> None:
        assert set(plans.RISKS) == set(RISKS)

    @pytest.mark.parametrize(
        ("changed", "pointer", "detail"),
        [
            ({"code": "24 h"}, "/items/0/code", "short name"),
            ({"purpose": "chat"}, "/items/0/purpose", "One of check_in"),
            ({"way": None}, "/items/0/way", "One of visit, phone, text"),
            ({"after": "lunch"}, "/items/0/after", "One of contact, dose, referral"),
            ({"after_hours": 0}, "/items/0/after_hours", "From 0.5 to 2160 hours"),
            ({"window_hours": "12"}, "/items/0/window_hours", "From 1 to 720 hours"),
            ({"tries": 0}, "/items/0/tries", "From 1 to 10"),
            ({"tries": 2.5}, "/items/0/tries", "whole number"),
            ({"tries": True}, "/items/0/tries", "From 1 to 10"),
            ({"when": None}, "/items/0/when", "for which encounters"),
            ({"when": {}}, "/items/0/when/outcomes", "at least one of met"),
            ({"when": {"outcomes": ["met", "saw"]}}, "/items/0/when/outcomes/1", "One of met"),
            ({"when": {"outcomes": "met"}}, "/items/0/when/outcomes", "A list"),
            ({"when": {"outcomes": ["met"], "dose": 1}}, "/items/0/when/dose", "true, false"),
            ({"when": {"outcomes": ["met"], "age": 3}}, "/items/0/when/age", "no part of it"),
            ({"after": "dose"}, "/items/0/when/dose", "for encounters with one"),
            ({"colour": "red"}, "/items/0/colour", "no part of it"),
        ],
    )
    def test_a_mistake_is_named(self, changed: dict[str, Any], pointer: str, detail: str) -> None:
        errors = wrong(**changed)
        assert list(errors) == [pointer]
        assert detail in errors[pointer]

    def test_every_mistake_is_named_at_once(self) -> None:
        errors = wrong(purpose="chat", tries=99, when={"outcomes": []})
        assert set(errors) == {"/items/0/purpose", "/items/0/tries", "/items/0/when/outcomes"}

    def test_a_code_is_used_once(self) -> None:
        with pytest.raises(Unusable) as told:
            plan({}, {})
        assert [one.pointer for one in told.value.errors] == ["/items/1/code"]

    @pytest.mark.parametrize("definition", [None, [], {"items": {}}, {}, {"items": [None]}])
    def test_what_is_no_plan_at_all_is_told(self, definition: object) -> None:
        with pytest.raises(Unusable) as told:
            plans.read(definition)
        assert told.value.errors

    @pytest.mark.parametrize("name", sorted(ITEM.keys() - {"after"}))
    def test_nothing_is_taken_for_granted(self, name: str) -> None:
        definition = deepcopy(ITEM)
        del definition[name]
        with pytest.raises(Unusable):
            plans.read({"items": [definition]})
