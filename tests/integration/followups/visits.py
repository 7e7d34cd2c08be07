"""Calls on which several people were met, of whom both crews know."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.assignments.models import Assignment
from apps.audit.services import SYSTEM
from apps.changes.locks import lock_key
from apps.core.ids import uuid7
from apps.followups.services.plans import load_plans
from apps.people.ids import encounter_id
from apps.people.models import Person
from tests.factories import NOON, EnrolledTablet
from tests.integration.assignments.conftest import Crew, World
from tests.integration.followups.conftest import Met

LATER = NOON + timedelta(hours=1)


@dataclass
class Visit:
    """A call on which a crew has met several people: an encounter for each, in this order."""

    world: World
    crew: Crew
    persons: list[UUID]
    met: Met = field(init=False)

    def __post_init__(self) -> None:
        of = self.crew.unit.call_sign
        call = self.world.call(units=[self.world.status("Dispatched", of=of)])
        row = self.world.assignment(call, self.crew.unit)
        self.met = Met(self.world, row, encounter_id(row.pk), self.persons[0])
        for event in ("acknowledged", "en_route", "on_scene", "contact_made"):
            assert self.world.tap(event, row, by=self.by) == []
        for ordinal, person in enumerate(self.persons, 1):
            self.names(person, ordinal)
            self.says("agreed", ordinal)

    @property
    def by(self) -> EnrolledTablet:
        return self.crew.tablets[0]

    @property
    def place(self) -> dict[str, str]:
        return {"assignment_id": str(self.met.assignment.pk)}

    def encounter(self, ordinal: int) -> UUID:
        return encounter_id(self.met.assignment.pk, ordinal)

    def names(self, person: UUID, ordinal: int) -> None:
        named = {"person_id": str(person), "match": "confirmed", "ordinal": ordinal}
        self.met.save("encounters", self.encounter(ordinal), by=self.by, **self.place, **named)

    def says(self, basis: str, ordinal: int) -> None:
        told = {"encounter_id": str(self.encounter(ordinal)), "basis": basis}
        self.met.tell("follow_up_agreement", by=self.by, now=LATER, **self.place, **told)

    def cleared(self) -> dict[str, Any]:
        return self.tapped("cleared", {"disposition": "18"})

    def tapped(self, event: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
        row = self.met.assignment
        return self.world.document(event, row, by=self.by, now=LATER, data=data or {})


@pytest.fixture
def world(committed_world: World) -> World:
    load_plans(by=SYSTEM, now=NOON)
    return committed_world


@pytest.fixture
def people(world: World) -> list[UUID]:
    """Two persons of whom both crews know."""
    found = sorted((uuid7() for _ in range(2)), key=lock_key)
    for crew in (world.ours, world.theirs):
        met = Met(world, Assignment(), uuid7(), uuid7())
        for pk in found:
            if not Person.objects.filter(pk=pk).exists():
                met.save("persons", pk, by=crew.tablets[0], given_name="Dana")
    return found
