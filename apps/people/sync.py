"""What tablets synchronise of people: encounters and persons, merged field by field."""

from __future__ import annotations

from apps.people import schemas
from apps.people.documents import ENCOUNTERS, PERSONS
from apps.people.services import write_encounter, write_person
from apps.sync import policies
from apps.sync.registry import Collection, Merging, register

register(
    Collection(
        name=ENCOUNTERS,
        kind="merged",
        audience="tablet",
        schema=schemas.ENCOUNTER,
        merging=Merging(write=write_encounter),
        audit_as="encounter",
    )
)
register(
    Collection(
        name=PERSONS,
        kind="merged",
        audience="tablet",
        schema=schemas.PERSON,
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
            },
        ),
        audit_as="person",
    )
)
