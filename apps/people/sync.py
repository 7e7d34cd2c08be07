"""What tablets synchronise of people: encounters and persons, merged field by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.conf import settings

from apps.assignments.records import lock_arrivals
from apps.people import schemas
from apps.people.documents import ENCOUNTERS, PERSONS
from apps.people.models import Encounter, Person
from apps.people.services import write_encounter, write_person
from apps.sync import policies
from apps.sync.media.naming import media_fields
from apps.sync.parents import register_parent
from apps.sync.registry import Collection, Merging, Pushed, register
from apps.sync.values import uuid_of


class Encounters(Collection):
    """What is recorded on assignments: see `assignments.records.lock_arrivals`."""

    def lock(self, rows: Sequence[Pushed]) -> None:
        lock_arrivals({id for row in rows if (id := uuid_of(row.document.get("assignment_id")))})


# What is told of somebody who was met names the call and the encounter by these fields.
OF_CALL: Final = {"assignment_id": "assignment", "encounter_id": "encounter"}
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
