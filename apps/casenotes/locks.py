"""What is locked of notes, on the rungs of docs/adr/0030."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from apps.casenotes.models import CaseNote
from apps.changes.locks import Lock, Rung, each
from apps.changes.published import Event
from apps.changes.reactions import locks_of
from apps.people.locks import calls_of, locks_of_encounters
from apps.people.models import Encounter


def locks_of_notes(ids: Iterable[UUID]) -> set[Lock]:
    """These notes, and what else is recorded on their assignments."""
    wanted = set(ids)
    notes = CaseNote.objects.filter(pk__in=wanted)
    calls = set(notes.values_list("assignment_id", flat=True))
    return each(Rung.NOTES, wanted) | locks_of_records(calls)


def locks_of_records(assignment_ids: Iterable[UUID]) -> set[Lock]:
    """The encounters of these assignments, their notes, and what settles their records."""
    calls = set(assignment_ids)
    notes = CaseNote.objects.filter(assignment_id__in=calls).values_list("pk", flat=True)
    return {
        *locks_of_encounters(calls),
        *each(Rung.NOTES, notes),
        *each(Rung.RECORDS, calls),
    }


def locks_of_calls(events: Sequence[Event]) -> set[Lock]:
    """Of assignments to which something has happened."""
    calls = {event.subject for event in events}
    met = {event.subject for event in events if event.name == "assignment.contact_made"}
    # To everything else that happens those who follow an encounter react themselves.
    return locks_of_records(calls - met) | _locks_of_followed(met)


def locks_of_calls_met(events: Sequence[Event]) -> set[Lock]:
    """Of the assignments of encounters in which something has happened."""
    return _locks_of_followed(calls_of(event.subject for event in events))


def _locks_of_followed(calls: set[UUID]) -> set[Lock]:
    """Whoever owes a record keeps its encounter, or lets it go: so others follow."""
    met = Encounter.objects.filter(assignment_id__in=calls).order_by("assignment_id")
    one_each = met.distinct("assignment_id").values_list("pk", flat=True)
    return locks_of_records(calls) | locks_of(Event("encounter.kept", pk) for pk in one_each)
