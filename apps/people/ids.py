"""Ids that tablet and server work out alike, so that what both begin is one document."""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from uuid import UUID, uuid5

# Nobody meets more people than this on one call; it bounds what is searched for an ordinal.
MOST_ENCOUNTERS: Final = 20


def encounter_id(assignment_id: UUID, ordinal: int = 1) -> UUID:
    """The id of the nth encounter of an assignment, from 1: UUIDv5 of `encounter:<n>` with the
    assignment's id as its namespace (RFC 9562).

    >>> str(encounter_id(UUID("01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11")))
    'a2b0ad5c-7287-5b82-994d-bd465e497b5d'
    """
    return uuid5(assignment_id, f"encounter:{ordinal}")


@lru_cache(maxsize=4096)  # the acts of one call name the same few again and again
def ordinal_of(encounter: UUID, assignment_id: UUID) -> int | None:
    """Which encounter of an assignment this is, from 1; None where it is none of it.

    >>> ordinal_of(encounter_id(UUID(int=1), 2), UUID(int=1))
    2
    """
    for ordinal in range(1, MOST_ENCOUNTERS + 1):
        if encounter_id(assignment_id, ordinal) == encounter:
            return ordinal
    return None


def record_id(encounter_id: UUID, name: str) -> UUID:
    """The id of the one document of a sort that an encounter has: `case_note`."""
    return uuid5(encounter_id, name)
