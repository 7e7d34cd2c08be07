"""What is locked of encounters and persons, on the rungs of docs/adr/0030."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from apps.assignments.locks import locks_of_arrivals
from apps.changes.locks import Lock, Rung, each
from apps.changes.published import Event
from apps.people.families import families_of
from apps.people.ids import encounter_id
from apps.people.models import Encounter


def locks_of_persons(ids: Iterable[UUID]) -> set[Lock]:
    """These persons, and all who are the same."""
    named = set(ids)
    return each(Rung.PERSONS, named | families_of(named).keys())


def locks_of_encounters(assignment_ids: Iterable[UUID]) -> set[Lock]:
    """What orders arrivals on these assignments, and their encounters, the first one whether it is
    opened or not."""
    calls = set(assignment_ids)
    known = Encounter.objects.filter(assignment_id__in=calls).values_list("pk", flat=True)
    return locks_of_arrivals(calls) | each(Rung.ENCOUNTERS, {*known, *map(encounter_id, calls)})


def locks_of_calls(events: Sequence[Event]) -> set[Lock]:
    """Of assignments to which something has happened: their encounters, and who was met."""
    calls = {event.subject for event in events}
    met = Encounter.objects.filter(assignment_id__in=calls).values_list("person_id", flat=True)
    persons = {id for id in met if id is not None}
    return locks_of_encounters(calls) | locks_of_persons(persons)


def calls_of(encounter_ids: Iterable[UUID]) -> set[UUID]:
    """The assignments of these encounters, as far as they are here."""
    rows = Encounter.objects.filter(pk__in=list(encounter_ids))
    return set(rows.values_list("assignment_id", flat=True))
