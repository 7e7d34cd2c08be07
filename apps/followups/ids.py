"""Ids that tablet and server work out alike, so that what both begin is one document."""

from __future__ import annotations

from uuid import UUID, uuid5


def follow_up_id(encounter_id: UUID, item: str) -> UUID:
    """The id of the follow-up that a plan's item makes of an encounter: UUIDv5 of
    `follow_up:<item>` with the encounter's id as its namespace (RFC 9562).

    >>> str(follow_up_id(UUID("a2b0ad5c-7287-5b82-994d-bd465e497b5d"), "day_1"))
    'fc01f3e1-28a5-50dd-9ccf-8ac788473e59'
    """
    return uuid5(encounter_id, f"follow_up:{item}")
