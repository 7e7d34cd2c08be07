from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from apps.people.ages import is_minor

DAY = date(2026, 3, 4)


@pytest.mark.parametrize(
    ("person", "minor"),
    [
        ({"birth_date": "2008-03-04"}, False),  # the birthday itself
        ({"birth_date": "2008-03-05"}, True),
        ({"birth_date": "2008-02-29", "approximate_age": 12}, False),
        ({"birth_year": 2009}, True),
        ({"birth_year": 2008}, None),  # the birthday decides
        ({"birth_year": 2007}, False),
        ({"approximate_age": 17}, True),
        ({"approximate_age": 18}, False),
        ({"birth_date": "soon", "birth_year": None}, None),
        ({}, None),
    ],
)
def test_who_is_a_minor(person: dict[str, Any], minor: bool | None) -> None:
    assert is_minor(person, DAY) is minor
