"""How old somebody is, as far as it is known. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

MAJORITY: Final = 18  # RCW 26.28.010


def is_minor(person: Mapping[str, Any], on: date) -> bool | None:
    """Whether a person was under 18 on a day: by the date of birth, else its year, else the age
    that a responder took them to be. None: nobody can say."""
    if (born := day_of(person.get("birth_date"))) is not None:
        return (on.year - born.year) - ((on.month, on.day) < (born.month, born.day)) < MAJORITY
    year = person.get("birth_year")
    if isinstance(year, int):
        turned = on.year - year
        return None if turned == MAJORITY else turned < MAJORITY
    age = person.get("approximate_age")
    return age < MAJORITY if isinstance(age, int) else None


def day_of(value: object) -> date | None:
    """A day as a tablet writes it (`2026-03-04`); None for anything else."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
