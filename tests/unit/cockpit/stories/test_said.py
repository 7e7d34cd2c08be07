from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.cockpit.stories.said import line, lines
from apps.cockpit.stories.showing import css_text, sheet


def test_codes_are_words_and_what_nobody_told_has_no_line() -> None:
    told = {"reason_code": "full", "text": None, "note": "", "asked_for": ["bed", "food"]}

    assert lines(told, {"reason_code": {"full": "Full"}}) == (
        ("reason code", "Full"),
        ("asked for", "bed; food"),
    )


def test_an_instant_is_one_and_anything_else_is_text() -> None:
    told = {"at": "2026-03-04T20:00:00Z", "day": "2026-03-04", "no": False}

    assert lines(told) == (
        ("at", datetime(2026, 3, 4, 20, tzinfo=UTC)),
        ("day", "2026-03-04"),
        ("no", "no"),
    )


def test_what_has_parts_is_told_part_by_part() -> None:
    assert line("screen", {"q1": "No", "more": {"by_whom": "her"}}) == (
        ("screen", "q1: No; more: by whom: her"),
    )


@pytest.mark.parametrize("told", ["words", None, ["a"], 3])
def test_what_is_no_object_has_no_lines(told: object) -> None:
    assert lines(told) == ()


def test_a_name_does_not_get_out_of_the_rule_that_it_stands_in() -> None:
    name = '"; } body { display: none } </style><script>alert(1)</script>\\'

    shown = sheet("person 1", name, datetime(2026, 3, 4, 20, tzinfo=UTC))

    assert "</" not in shown
    assert shown.count('"') == 4
    assert "display: none" not in shown
    assert css_text("Ay 1") == "Ay 1"
