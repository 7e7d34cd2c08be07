"""What a note asks for on each path, and when it may be signed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.casenotes import content as rules
from apps.casenotes.content import (
    EXAMPLES,
    Completeness,
    RecordFacts,
    against_short_path,
    outcome_of,
    record_kind,
)
from apps.casenotes.content.completeness import PATHS, SHORT
from apps.casenotes.content.parts import FIELDS
from apps.casenotes.content.shapes import told
from apps.casenotes.policies import Act, Policy, shipped
from apps.core.problems import FieldError
from tests.factories import NOON
from tests.unit.casenotes.strategies import broken, facts, notes

CONTACT, HIGH_RISK, NOBODY_FOUND, REFUSED = EXAMPLES
NOTHING = RecordFacts(at=NOON)
FIVE = ("presenting_needs", "screen", "interventions", "disposition", "narrative")


[SHIPPED] = shipped()


def completeness(content: Any, known: RecordFacts, policy: Policy = SHIPPED.policy) -> Completeness:
    return rules.completeness(content, known, policy)


def blocking(content: Any, known: RecordFacts, policy: Policy = SHIPPED.policy) -> list[FieldError]:
    return rules.blocking(content, known, policy)


def pointers(content: dict[str, Any], known: RecordFacts = NOTHING) -> list[str]:
    return [error.pointer for error in blocking(content, known)]


class TestPaths:
    def test_nothing_is_known(self) -> None:
        found = completeness({}, NOTHING)
        assert (found.asked, found.missing) == (("outcome",), ("outcome",))
        assert found.text == "1 of 1 left"

    def test_contact(self) -> None:
        found = completeness({"outcome": "contact_made"}, NOTHING)
        assert found.asked == ("outcome", *FIVE)
        assert found.missing == FIVE

    def test_contact_that_the_timeline_knows(self) -> None:
        known = replace(NOTHING, contact=True, closing="cleared", disposition="18")
        found = completeness({"narrative": "Spoke with her.", "presenting_needs": ["grief"]}, known)
        assert found.asked == ("presenting_needs", "screen", "interventions", "narrative")
        assert found.missing == ("screen", "interventions")
        assert found.text == "2 of 4 left"

    def test_two_of_five(self) -> None:
        told = {name: CONTACT[name] for name in ("presenting_needs", "screen", "disposition")}
        assert completeness(told, replace(NOTHING, contact=True)).text == "2 of 5 left"

    @pytest.mark.parametrize("outcome", sorted(SHORT))
    def test_two_taps(self, outcome: str) -> None:
        note = {"outcome": outcome}
        assert completeness(note, NOTHING).missing == ()
        assert blocking(note, NOTHING) == []
        assert record_kind(note, NOTHING) == "minimal"

    @pytest.mark.parametrize(
        ("closing", "disposition", "outcome"),
        [
            ("unable_to_locate", None, "unable_to_locate"),
            ("unable_to_locate", "14", "unable_to_locate"),
            ("cancelled", None, "cancelled"),
            ("cancelled", "21", "cancelled"),
            ("declined", None, "cancelled"),
            ("cleared", "38", "unable_to_locate"),
            ("cleared", "22", "cancelled"),
            ("cleared", "42", "refused"),
            ("cleared", "18", "contact_made"),
            ("cleared", "15", None),
            (None, None, None),
        ],
    )
    def test_an_outcome_that_the_timeline_knows_is_not_asked(
        self, closing: str | None, disposition: str | None, outcome: str | None
    ) -> None:
        known = replace(NOTHING, closing=closing, disposition=disposition)
        assert outcome_of({}, known) == outcome
        assert ("outcome" in completeness({}, known).asked) is (outcome is None)

    def test_who_was_refused_is_asked_about_the_refusal(self) -> None:
        found = completeness({"outcome": "refused"}, NOTHING)
        assert found.asked == ("outcome", "refusal", "disposition")
        assert completeness(REFUSED, NOTHING).missing == ()

    def test_whoever_refused_but_answered_is_screened_to_the_end(self) -> None:
        note = {**REFUSED, "screen": {"q1": "yes", "q2": "yes", "q4": "yes"}}
        missing = completeness(note, NOTHING).missing
        assert missing == ("screen", "required_act")

    def test_a_refusal_is_told_by_its_disposition(self) -> None:
        assert outcome_of({"disposition": "42"}, NOTHING) == "refused"
        assert outcome_of({"disposition": "42", "outcome": "cancelled"}, NOTHING) == "refused"

    def test_nobody_is_screened_who_has_died(self) -> None:
        known = replace(NOTHING, contact=True, disposition="39")
        assert completeness({}, known).asked == ("death", "narrative")
        assert completeness({"death": {}}, NOTHING).asked == ("death", "disposition", "narrative")

    @pytest.mark.parametrize(
        ("content", "known", "part"),
        [
            ({"involuntary": {}}, NOTHING, "involuntary"),
            ({"presenting_needs": ["child_concern"]}, NOTHING, "mandated_report"),
            ({"presenting_needs": ["vulnerable_adult_concern"]}, NOTHING, "mandated_report"),
            ({"mandated_report": {}}, NOTHING, "mandated_report"),
            ({}, replace(NOTHING, minor=True), "minor"),
            ({"disposition": "42"}, NOTHING, "refusal"),
            ({}, replace(NOTHING, disposition="42"), "refusal"),
            ({"refusal": {}}, NOTHING, "refusal"),
        ],
    )
    def test_the_gravest_parts_are_asked_where_something_says_so(
        self, content: dict[str, Any], known: RecordFacts, part: str
    ) -> None:
        note = {"outcome": "contact_made", **content}
        assert part in completeness(note, known).missing
        assert any(pointer.startswith(f"/{part}/") for pointer in pointers(note, known))

    def test_they_are_not_asked_otherwise(self) -> None:
        asked = completeness({"outcome": "contact_made"}, replace(NOTHING, minor=False)).asked
        assert set(asked) == {"outcome", *FIVE}


class TestShortPathIsClosed:
    @pytest.mark.parametrize(
        ("content", "known", "reason"),
        [
            ({}, replace(NOTHING, contact=True), "contact"),
            ({}, replace(NOTHING, doses=1), "dose"),
            ({}, replace(NOTHING, aid=1), "aid"),
            ({"disposition": "42"}, NOTHING, "disposition"),
            ({}, replace(NOTHING, disposition="44"), "disposition"),
            ({"screen": {"q1": "no"}}, NOTHING, "risk"),
            ({"screen": {"whole": "refused"}}, NOTHING, "risk"),
            ({"involuntary": {}}, NOTHING, "involuntary"),
            ({"mandated_report": {}}, NOTHING, "mandated_report"),
            ({"minor": {}}, NOTHING, "minor"),
            ({"death": {}}, NOTHING, "death"),
            ({"refusal": {}}, NOTHING, "refusal"),
        ],
    )
    @pytest.mark.parametrize("outcome", sorted(SHORT))
    def test_once_there_is_contact_care_or_risk(
        self, outcome: str, content: dict[str, Any], known: RecordFacts, reason: str
    ) -> None:
        note = {"outcome": outcome, **content}
        closed = replace(known, closing=outcome)
        assert against_short_path(note, closed) == (reason,)
        assert "/outcome" in pointers(note, closed)
        assert outcome_of(note, closed) not in SHORT
        assert record_kind(note, closed) == "full"

    def test_a_dose_asks_again_for_the_outcome_that_a_closing_told(self) -> None:
        known = replace(NOTHING, closing="unable_to_locate", doses=1)
        assert "outcome" in completeness({}, known).missing
        assert "outcome" not in completeness({"outcome": "contact_made"}, known).missing

    def test_words_and_a_plan_do_not_close_it(self) -> None:
        assert blocking({**NOBODY_FOUND, "narrative": "Walked the block."}, NOTHING) == []
        assert record_kind(NOBODY_FOUND, NOTHING) == "minimal"

    def test_a_timeline_that_was_retold_opens_it_again(self) -> None:
        note = {"outcome": "cancelled"}
        assert pointers(note, replace(NOTHING, contact=True)) != []
        assert pointers(note, NOTHING) == []


class TestSigning:
    @pytest.mark.parametrize("note", EXAMPLES)
    def test_the_examples_may_be_signed(self, note: dict[str, Any]) -> None:
        assert blocking(note, NOTHING) == []
        assert completeness(note, NOTHING).missing == ()

    def test_a_screen_that_was_begun_is_answered_to_its_end(self) -> None:
        note = {**CONTACT, "screen": {"q1": "yes", "q2": "yes", "q4": "no"}}
        assert pointers(note) == ["/screen/q3", "/screen/q5", "/screen/q6"]
        assert pointers({**note, "screen": {**note["screen"], "whole": "refused"}}) == []

    def test_high_risk_wants_the_act_or_a_why(self) -> None:
        note = {**HIGH_RISK, "interventions": ["de_escalation"]}
        assert "required_act" in completeness(note, NOTHING).missing
        assert pointers(note) == ["/interventions"]
        excused = {**note, "screen": {**note["screen"], "act_not_done": "Ran off."}}
        assert pointers(excused) == []
        assert "required_act" not in completeness(CONTACT, NOTHING).asked

    def test_the_policy_says_at_which_risk_and_what(self) -> None:
        low = Act(risk="low", words="Offer it.", citation="SOP 1", done_by=("information",))
        policy = Policy((), (), (low,))
        excused = {**HIGH_RISK, "interventions": ["none"]}
        assert blocking(excused, NOTHING, policy) == [], "nothing is asked for at high risk"
        note = {**CONTACT, "interventions": ["basic_needs"]}
        assert "required_act" in completeness(note, NOTHING, policy).missing
        assert blocking({**note, "interventions": ["information"]}, NOTHING, policy) == []

    @pytest.mark.parametrize("name", FIVE)
    def test_a_field_that_holds_something_else_is_not_answered(self, name: str) -> None:
        assert any(one.startswith(f"/{name}") for one in pointers({**CONTACT, name: 7}))

    @pytest.mark.parametrize("value", [[], [""], [7], [None], "shelter"])
    def test_a_list_without_a_code_is_no_answer(self, value: object) -> None:
        assert pointers({**CONTACT, "presenting_needs": value}) == ["/presenting_needs"]

    def test_an_unknown_outcome_has_to_be_mended(self) -> None:
        assert pointers({"outcome": "vanished"}) == ["/outcome"]

    def test_among_codes_one_that_is_not_known_is_an_answer(self) -> None:
        assert pointers({**CONTACT, "presenting_needs": ["new_code"]}) == []


class TestRecordKind:
    def test_what_nobody_wrote_is_automatic(self) -> None:
        note = {"encounter_id": CONTACT["encounter_id"], "narrative": "", "screen": {}}
        assert record_kind(note, replace(NOTHING, closing="cancelled")) == "automatic"

    def test_an_opened_part_is_somebodys_doing(self) -> None:
        assert record_kind({"involuntary": {}}, NOTHING) == "full"

    def test_a_note_is_full(self) -> None:
        assert record_kind(CONTACT, NOTHING) == "full"


class TestAnyNote:
    @given(broken, facts)
    def test_whatever_stands_in_it_nothing_raises(
        self, content: dict[str, Any], known: RecordFacts
    ) -> None:
        found = completeness(content, known)
        assert set(found.missing) <= set(found.asked)
        record_kind(content, known)
        for error in blocking(content, known):
            assert error.pointer.split("/")[1] in FIELDS

    @given(notes, facts)
    def test_what_is_missing_stands_in_the_way_of_the_signature(
        self, note: dict[str, Any], known: RecordFacts
    ) -> None:
        if completeness(note, known).missing:
            assert blocking(note, known)

    @given(notes, facts)
    def test_a_note_without_an_answer_is_never_whole_on_a_long_path(
        self, note: dict[str, Any], known: RecordFacts
    ) -> None:
        outcome = outcome_of(note, known)
        empty = {} if outcome is None else {"outcome": outcome}
        if outcome not in SHORT:
            assert completeness(empty, known).missing

    @given(notes, facts, st.sampled_from(sorted(FIELDS.keys() - {"outcome"})))
    def test_an_answer_more_never_asks_for_less(
        self, note: dict[str, Any], known: RecordFacts, name: str
    ) -> None:
        """Except that nobody is asked about the living who has died."""
        if note.get(name) is not None or name == "death" or name not in CONTACT | HIGH_RISK:
            return
        more = {**note, name: (HIGH_RISK | CONTACT)[name]}
        if outcome_of(more, known) == outcome_of(note, known):
            assert set(completeness(note, known).asked) <= set(completeness(more, known).asked)

    @given(notes, facts)
    def test_an_answer_is_not_asked_for_twice(
        self, note: dict[str, Any], known: RecordFacts
    ) -> None:
        for name in completeness(note, known).missing:
            if name in {"outcome", *FIVE} - {"screen"} and outcome_of(note, known) not in SHORT:
                assert not told(FIELDS[name], note.get(name))

    @given(notes, facts)
    def test_what_the_timeline_knows_is_never_asked(
        self, note: dict[str, Any], known: RecordFacts
    ) -> None:
        asked = completeness(note, known).asked
        if known.disposition is not None:
            assert "disposition" not in asked
        if known.contact:
            assert "outcome" not in asked

    @given(notes, facts)
    def test_two_taps_never_hide_contact_care_or_risk(
        self, note: dict[str, Any], known: RecordFacts
    ) -> None:
        if against_short_path(note, known):
            assert outcome_of(note, known) not in SHORT
            if note.get("outcome") in SHORT:
                assert "/outcome" in pointers(note, known)


def test_every_path_asks_for_fields_that_there_are() -> None:
    assert {name for path in PATHS.values() for name in path} <= set(FIELDS)
