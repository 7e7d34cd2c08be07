"""What was typed or told, as a page of the admin shows it to a supervisor."""

from __future__ import annotations

import re
from typing import Any

import pytest

from apps.core.admin import readable


def text(value: Any, **labels: dict[str, str]) -> str:
    """What is read, with a bar between the cells of tables."""
    lines = re.sub(r"</t[dr]>", "|", readable(value, labels))
    return re.sub(r"\|+", "|", re.sub(r"<[^>]*>", "", lines)).strip("|")


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"presenting_needs": ["shelter"]}, "presenting needs|shelter"),
        ({"agreed": True, "asked": False, "left": None}, "agreed|yes|asked|no|left|-"),
        ({"at": "2026-03-01T20:04:05Z"}, "at|2026-03-01 12:04:05"),
        ([{"who": "Red"}, {"who": "Jay"}], "who|Red|who|Jay"),
        ({"harms": "Being asked, again_and_again."}, "harms|Being asked, again_and_again."),
        ({"names": []}, "names|-"),
        ("doubled_up", "doubled up"),
    ],
)
def test_names_lists_answers_and_times_are_words(value: Any, read: str) -> None:
    assert text(value) == read


def test_a_code_is_read_by_its_label_at_any_depth() -> None:
    told = {"call": [{"housing": "doubled_up", "sex": ["9919001"]}]}
    labels = {"housing": {"doubled_up": "With others for now"}, "sex": {"9919001": "Female"}}
    assert text(told, **labels) == "call|housing|With others for now|sex|Female"


def test_ids_of_other_records_are_left_out() -> None:
    assert text({"id": "1", "partner_id": "2", "note": "A dog."}) == "note|A dog."


def test_what_somebody_typed_is_never_markup() -> None:
    shown = readable({"<b>": ["<script>", {"x": "<i>"}]}, {"<b>": {"<script>": "<u>"}})
    assert not re.search("<(b|script|i|u)>", shown)
