"""Who is the same: persons that were merged, read for many at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from apps.people.models import Person


def families_of(persons: Collection[UUID]) -> dict[UUID, UUID]:
    """Each of these persons, and everybody who is the same as one of them, with the record to go on
    with: `group_of` for many at once. Nobody who is not here is in it."""
    into: dict[UUID, UUID | None] = {}
    fresh = set(persons)
    while fresh:
        into |= dict(Person.objects.filter(pk__in=fresh).values_list("pk", "merged_into"))
        fresh = {one for one in into.values() if one is not None} - into.keys()
    fresh = set(into)
    while fresh:
        below = dict(Person.objects.filter(merged_into__in=fresh).values_list("pk", "merged_into"))
        fresh = below.keys() - into.keys()
        into |= below
    return {one: _root_in(into, one) for one in into}


def _root_in(into: Mapping[UUID, UUID | None], person_id: UUID) -> UUID:
    while (further := into.get(person_id)) is not None:
        person_id = further
    return person_id
