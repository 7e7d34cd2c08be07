"""The page that a person may be shown of their record."""

from __future__ import annotations

from datetime import date
from typing import Any

from apps.people import page as pages
from apps.people import safety
from apps.people.schemas import PERSON

TODAY = date(2026, 3, 4)

KNOWN = {
    "given_name": "Dana",
    "aliases": ["Red", "D."],
    "housing": "unsheltered",
    "interpreter": False,
    "contacts": [{"kind": "phone", "value": "206-555-0100", "safe": False, "note": "sister's"}],
    "found_at": [{"place": "steps of the library", "when": "mornings"}],
    "safety_notes": [{"text": "Told by a neighbour: carries a knife.", "source": "told_by_other"}],
    "contested": "I have no sister.",
}


def page(content: dict[str, Any], *reviews: dict[str, Any]) -> list[tuple[str, str]]:
    return pages.page(content, reviews=reviews, today=TODAY)


def test_tells_what_is_recorded_in_words() -> None:
    assert dict(page(KNOWN)) == {
        "Given name": "Dana",
        "Also known as": "Red, D.",
        "Housing": "Outside",
        "An interpreter is needed": "no",
        "How to reach you": "Telephone, 206-555-0100, not to be used, sister's",
        "Where and when to find you": "steps of the library, mornings",
        "Notes for responders' safety": "1 in use. Ask a supervisor about them.",
        "What you say is wrong here": "I have no sister.",
    }


def test_counts_photographs_where_there_are_any() -> None:
    assert dict(page({"photos": ["0" * 64]})) == {"Photographs": "1"}


def test_names_nobody_who_told_of_a_danger() -> None:
    assert "neighbour" not in str(page(KNOWN))


def test_says_which_safety_notes_are_over() -> None:
    old, ended, new = (
        {"text": str(n), "seen_on": day}
        for n, day in enumerate(("2020-01-01", "2026-03-01", "2026-03-02"))
    )
    review = {"of": safety.mark_of(ended), "verdict": "ended"}
    [line] = page({"safety_notes": [old, ended, new]}, review)
    assert line[1].startswith("1 in use, 1 expired, 1 no longer in use.")


def test_has_a_line_for_every_field_that_people_write() -> None:
    """A field that is added to the record is added to the page."""
    written = [
        name
        for name, shape in PERSON["properties"].items()
        if name not in {"id", "editor", "edit_no"} and not shape.get("readOnly")
    ]
    for name in written:
        kind = str(PERSON["properties"][name].get("type"))
        said = [{"kind": "k", "place": "p"}] if "array" in kind else "something"
        if name == "aliases":
            said = ["something"]
        assert page({name: said}), name
