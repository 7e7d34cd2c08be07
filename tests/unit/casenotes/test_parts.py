"""What a note holds: its schema, its policies, its flags and what a signature names."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from apps.casenotes import codes
from apps.casenotes.content import (
    CONTENT_SCHEMA,
    EXAMPLES,
    POLICIES,
    SIGNED_FIELDS,
    content_hash,
    content_of,
    problems,
)
from apps.casenotes.content.parts import FIELDS
from apps.casenotes.content.shapes import Code, Codes, Part
from apps.sync.policies import UNKNOWN, Merged
from tests.unit.casenotes.strategies import broken

SCHEMA = {"type": "object", "properties": CONTENT_SCHEMA, "additionalProperties": False}
CONTACT, HIGH_RISK, *_ = EXAMPLES


class TestSchema:
    @pytest.mark.parametrize("example", EXAMPLES)
    def test_examples_are_valid_and_nothing_is_odd_about_them(
        self, example: dict[str, Any]
    ) -> None:
        Draft202012Validator(SCHEMA).validate(example)
        assert problems(example) == []

    def test_is_a_schema(self) -> None:
        Draft202012Validator.check_schema(SCHEMA)

    def test_nothing_of_it_is_the_servers_and_nothing_required(self) -> None:
        for shape in CONTENT_SCHEMA.values():
            assert "readOnly" not in shape
            assert "required" not in shape

    def test_a_code_that_is_not_known_is_no_reason_to_refuse(self) -> None:
        newer = {**CONTACT, "outcome": "new_code", "presenting_needs": ["new_code"]}
        Draft202012Validator(SCHEMA).validate(newer)

    def test_every_list_that_a_field_names_is_published(self) -> None:
        named = set()
        for field in FIELDS.values():
            inner = field.fields.values() if isinstance(field, Part) else [field]
            named |= {one.code_list for one in inner if isinstance(one, Code | Codes)}
        assert named <= {one.name for one in codes.CODE_LISTS} | {"dispositions"}


class TestFlags:
    @pytest.mark.parametrize(
        ("content", "flags"),
        [
            ({}, []),
            ({"outcome": None, "screen": None, "narrative": None}, []),
            ({"outcome": "vanished"}, ["unknown_code:outcome"]),
            ({"outcome": ["refused"]}, ["bad_shape:outcome"]),
            ({"outcome": ""}, []),
            ({"presenting_needs": ["shelter", "?"]}, ["unknown_code:presenting_needs"]),
            ({"presenting_needs": "shelter"}, ["bad_shape:presenting_needs"]),
            ({"presenting_needs": [{}]}, ["bad_shape:presenting_needs"]),
            ({"mental_status": ["3519099"]}, ["unknown_code:mental_status"]),
            ({"barriers": [3101007]}, ["bad_shape:barriers"]),
            ({"disposition": "33"}, []),  # of APCO, though not offered
            ({"disposition": "99"}, ["unknown_code:disposition"]),
            ({"narrative": 7}, ["bad_shape:narrative"]),
            ({"encounter_id": "x"}, ["bad_shape:encounter_id"]),
            ({"retry_plan": {"not_before": "soon"}}, ["bad_time:retry_plan.not_before"]),
            ({"retry_plan": []}, ["bad_shape:retry_plan"]),
            ({"screen": {"q1": "perhaps"}}, ["unknown_code:screen.q1"]),
            ({"screen": {"q1": True}}, ["bad_shape:screen.q1"]),
            ({"screen": {"whole": "no"}}, ["unknown_code:screen.whole"]),
            ({"screen": {"q2": "no", "q4": "yes"}}, ["screen_contradiction:screen"]),
            ({"mandated_report": {"restricted": "no"}}, ["bad_shape:mandated_report.restricted"]),
            ({"of_a_newer_tablet": 1, "screen": {"newer": 1}}, []),
        ],
    )
    def test_tell_what_is_odd(self, content: dict[str, Any], flags: list[str]) -> None:
        assert problems(content) == flags

    @given(broken)
    def test_whatever_is_sent_gets_flags_that_have_words_and_hold_no_values(
        self, content: dict[str, Any]
    ) -> None:
        for flag in problems(content):
            code, _, name = flag.partition(":")
            assert code in codes.FLAGS
            top, _, inner = name.partition(".")
            assert not inner or inner in FIELDS[top].fields  # type: ignore[attr-defined]


class TestMerging:
    def test_each_field_has_a_policy(self) -> None:
        assert set(POLICIES) == set(CONTENT_SCHEMA)

    def test_two_who_answer_different_questions_lose_nothing(self) -> None:
        merged = POLICIES["screen"](
            {"q1": "no"}, {"q1": "no", "q2": "no"}, {"q1": "no", "q6": "no"}
        )
        assert merged == Merged({"q1": "no", "q2": "no", "q6": "no"})

    def test_two_answers_to_one_question_are_a_clash(self) -> None:
        merged = POLICIES["screen"]({}, {"q4": "yes"}, {"q4": "no"})
        assert merged == Merged({"q4": "no"}, clash=True)

    def test_lists_of_codes_are_put_together(self) -> None:
        merged = POLICIES["presenting_needs"](["shelter"], ["shelter", "medical"], ["other"])
        assert merged == Merged(["other", "medical"])
        deep = POLICIES["refusal"](UNKNOWN, {"left": ["water"]}, {"left": ["socks"]})
        assert deep == Merged({"left": ["socks", "water"]})

    def test_texts_word_by_word(self) -> None:
        base = {"facts_observed": "He shouted. He sat down."}
        mine = {"facts_observed": "He shouted twice. He sat down."}
        theirs = {"facts_observed": "He shouted. He sat down again."}
        merged = POLICIES["involuntary"](base, mine, theirs)
        assert merged == Merged({"facts_observed": "He shouted twice. He sat down again."})


class TestContentHash:
    def test_is_of_what_people_wrote_in_one_spelling(self) -> None:
        note = {"outcome": "cancelled", "minor": {"age": 15.0}, "narrative": "Näher am Kai."}
        told = '{"minor":{"age":15},"narrative":"Näher am Kai.","outcome":"cancelled"}'
        assert content_hash(note) == hashlib.sha256(told.encode()).hexdigest()

    def test_is_the_same_with_what_the_server_adds_and_with_nulls(self) -> None:
        served = {**CONTACT, "id": "x", "rev": 3, "flags": [], "minor": None, "edit_no": 4}
        assert content_hash(served) == content_hash(dict(reversed(CONTACT.items())))
        assert content_of(served) == CONTACT

    @pytest.mark.parametrize("name", SIGNED_FIELDS)
    def test_changes_with_each_field(self, name: str) -> None:
        assert content_hash({**CONTACT, name: "changed"}) != content_hash(CONTACT)

    def test_no_two_examples_have_one(self) -> None:
        hashes = sorted(content_hash(example) for example in EXAMPLES)
        assert all(one != other for one, other in pairwise(hashes))
