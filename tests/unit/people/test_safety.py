"""How long a safety note holds, and what a supervisor's word does to it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from apps.people.safety import Standing, last_day, mark_of, notes, renewed_until, standing

TODAY = date(2026, 3, 4)
NOTE = {"id": "a", "text": "Startles.", "source": "seen"}


@pytest.mark.parametrize(
    ("dates", "last"),
    [
        ({"expires_on": "2026-04-01", "seen_on": "2026-03-01"}, date(2026, 4, 1)),
        ({"seen_on": "2026-03-01"}, date(2026, 8, 28)),
        ({"expires_on": "soon", "seen_on": "2026-03-01"}, date(2026, 8, 28)),
        ({"seen_on": "9999-12-31"}, date.max),
        ({}, None),
    ],
)
def test_a_note_holds_until_its_own_last_day_or_180_days(
    dates: dict[str, Any], last: date | None
) -> None:
    assert last_day({**NOTE, **dates}, None) == last


def test_it_holds_on_its_last_day_and_is_over_on_the_next() -> None:
    assert standing({**NOTE, "expires_on": "2026-03-04"}, None, TODAY) == Standing.HOLDS
    assert standing({**NOTE, "expires_on": "2026-03-03"}, None, TODAY) == Standing.EXPIRED
    assert standing(NOTE, None, TODAY) == Standing.HOLDS, "nobody can say when it is over"


def test_what_is_over_or_names_no_day_is_renewed_and_what_holds_is_left_as_it_is() -> None:
    again = date(2026, 8, 31)
    assert renewed_until({**NOTE, "expires_on": "2026-03-03"}, TODAY) == again
    assert renewed_until(NOTE, TODAY) == again
    assert renewed_until({**NOTE, "expires_on": "2026-03-05"}, TODAY) is None


def test_a_supervisors_word_holds_for_the_note_as_they_read_it() -> None:
    stands = {"of": mark_of(NOTE), "verdict": "stands", "until": "2026-08-31"}
    ended = {"of": mark_of(NOTE), "verdict": "ended", "until": None}
    old = {**NOTE, "expires_on": "2026-03-03"}

    [known] = notes({"safety_notes": [NOTE]}, [stands])
    assert (known.last_day, known.standing(TODAY)) == (date(2026, 8, 31), Standing.HOLDS)
    [known] = notes({"safety_notes": [NOTE]}, [ended])
    assert (known.ended, known.standing(TODAY)) == (True, Standing.ENDED)
    for other in ({**NOTE, "text": "Carries a knife."}, {**NOTE, "source": "cad"}, old):
        [known] = notes({"safety_notes": [other]}, [stands, ended])
        assert known.review is None
        assert not known.ended


def test_the_spelling_of_a_note_is_no_other_note() -> None:
    assert mark_of(dict(reversed(NOTE.items()))) == mark_of(NOTE)
