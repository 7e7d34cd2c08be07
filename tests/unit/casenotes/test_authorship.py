"""Whose a field is."""

from __future__ import annotations

import pytest

from apps.casenotes.authorship import changed_parts, credited


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        ({}, {"narrative": "x"}, ["narrative"]),
        ({"narrative": "x"}, {"narrative": "x"}, []),
        ({"narrative": "x"}, {"narrative": "xy", "outcome": "refused"}, ["narrative", "outcome"]),
        ({"minor": {"age": 16}}, {"minor": {"age": 16, "guardian": "present"}}, ["minor.guardian"]),
        ({}, {"minor": {}}, ["minor"]),
        ({"minor": {"age": 16}}, {"minor": {}}, ["minor.age"]),
        ({"minor": {"age": 16}}, {"minor": None}, ["minor"]),
        ({"minor": {"age": 16}}, {}, ["minor"]),
        ({"screen": "odd"}, {"screen": {"q1": "no"}}, ["screen"]),
        ({"minor": {"age": 1.0}}, {"minor": {"age": 1}}, []),
        ({"supplies": ["water"]}, {"supplies": ["water", "socks"]}, ["supplies"]),
    ],
)
def test_what_differs_is_changed(before: object, after: object, parts: list[str]) -> None:
    assert changed_parts(before, after) == parts  # type: ignore[arg-type]


def test_a_part_is_named_once_in_the_order_in_which_it_came() -> None:
    assert credited(["a", "b"], ["b", "c"]) == ["a", "b", "c"]
