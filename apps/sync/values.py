"""Ids and numbers as clients name them, in the one form that each has. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeGuard
from uuid import UUID

_LENGTH = 36


def uuid_of(value: object) -> UUID | None:
    """A UUID in its one canonical form: an answer must name an id exactly as it was sent."""
    return _parsed(value) if isinstance(value, str) and len(value) == _LENGTH else None


@lru_cache(maxsize=4096)  # the same local databases and people come again and again
def _parsed(value: str) -> UUID | None:
    try:
        found = UUID(value)
    except ValueError:
        return None
    return found if str(found) == value else None


def is_positive(value: object) -> TypeGuard[int]:
    """Whether it is a number that a save or a revision can have."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def revision(value: object) -> int:
    """A revision that a client names; 0 for what is none."""
    return value if is_positive(value) else 0
