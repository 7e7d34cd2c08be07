"""The handover as a page: whatever rooms say becomes lines."""

from __future__ import annotations

from typing import Any

from apps.casenotes.handover import Section, page

TOLD: dict[str, Any] = {
    "as_of": "2026-03-04T22:58:00.000Z",
    "call": {
        "unit": "CARE21",
        "address": "3RD AVE / PIKE ST",
        "cad_number": None,
        "times": {"on_scene": "2026-03-04T22:29:40.120Z", "contact": None},
    },
    "person": {"match": "possible", "aliases": ["Red", "Rusty"]},
    "parts": {
        "doses": [{"dose": 4, "unit": "mg", "response": None}],
        "note": {"risk": "Low risk", "narrative": "Asleep.", "addenda": []},
    },
}


def test_each_room_is_a_section_and_what_nobody_knows_has_no_line() -> None:
    assert page(TOLD) == [
        Section("Person", [("Match", "possible"), ("Aliases", "Red; Rusty")]),
        Section("Doses", [("", "Dose: 4; Unit: mg")]),
        Section("Note", [("Risk", "Low risk"), ("Narrative", "Asleep.")]),
        Section("Call", [("Unit", "CARE21"), ("Address", "3RD AVE / PIKE ST")]),
        Section("Times", [("On scene", "14:29:40")]),
    ]


def test_of_nothing_it_is_empty() -> None:
    assert page({"as_of": "x", "call": None, "person": None, "parts": {}}) == []


def test_words_that_look_like_a_time_beyond_the_calendar_stay_words() -> None:
    told = {**TOLD, "parts": {"note": {"narrative": "0001-01-01T00:00:00+14:00"}}}
    assert Section("Note", [("Narrative", "0001-01-01T00:00:00+14:00")]) in page(told)
