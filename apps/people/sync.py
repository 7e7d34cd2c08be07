"""What tablets synchronise of people: encounters and persons, merged field by field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.conf import settings

from apps.changes.locks import Lock
from apps.changes.published import Event
from apps.changes.reactions import locks_of
from apps.people import schemas
from apps.people.documents import ENCOUNTERS, PERSONS
from apps.people.locks import locks_of_persons
from apps.people.models import Encounter, Person
from apps.people.services import write_encounter, write_person
from apps.sync import policies
from apps.sync.media.naming import media_fields
from apps.sync.parents import register_parent
from apps.sync.registry import Collection, Merging, Pushed, register
from apps.sync.values import uuid_of


class Encounters(Collection):
    """What is recorded on assignments: see `assignments.records.lock_arrivals`.

    Who writes an encounter shows the person whom it names, and whom it has named, and their locks
    stand below those of what others record on the call. So all is locked that may follow from it:
    whatever follows when something happens to the call, and to those persons.
    """

    def locks(self, rows: Sequence[Pushed]) -> Iterable[Lock]:
        here = Encounter.objects.filter(pk__in=[row.doc_id for row in rows])
        persons = {id for id in here.values_list("person_id", flat=True) if id}
        persons |= {id for row in rows if (id := uuid_of(row.document.get("person_id")))}
        calls = {id for row in rows if (id := uuid_of(row.document.get("assignment_id")))}
        may_happen = [
            *(Event("assignment.closed", id) for id in calls),
            *(Event("encounter.changed", row.doc_id) for row in rows),
            *(Event("person.unlinked", id) for id in persons),
        ]
        return locks_of(may_happen) | locks_of_persons(persons)


register_parent("encounter", Encounter)
register_parent("person", Person)
register(
    Encounters(
        name=ENCOUNTERS,
        kind="merged",
        audience="tablet",
        schema=schemas.ENCOUNTER,
        merging=Merging(write=write_encounter),
        audit_as="encounter",
        never=schemas.never_recorded,
        parents={"assignment_id": "assignment", "person_id": "person"},
    )
)


def persons(*, photos: bool) -> Collection:
    """The collection of persons, with photographs or without."""
    return Collection(
        name=PERSONS,
        kind="merged",
        audience="tablet",
        schema=schemas.person(photos=photos),
        merging=Merging(
            write=write_person,
            policies={
                **dict.fromkeys(
                    ("description", "helps", "harms", "own_words", "care_plan", "animals"),
                    policies.text,
                ),
                **dict.fromkeys(("safety_notes", "contacts", "found_at"), policies.append_only),
                "contested": policies.text,
                "aliases": policies.union,
                "photos": policies.union,
            },
        ),
        audit_as="person",
        media=media_fields("photos") if photos else None,
        never=schemas.never_recorded,
    )


register(persons(photos=settings.PERSON_PHOTOS))
