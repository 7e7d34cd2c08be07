"""What the tests of follow-ups share: a person who was met, and tablets that write and tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.followups.models import FollowUp, FollowUpAgreement
from apps.followups.services import following
from apps.people.ids import encounter_id
from apps.people.models import Person
from tests.factories import NOON, EnrolledTablet
from tests.integration.assignments.conftest import (
    World,
    after,
    build,
    committed_world,
    dropped,
    shown,
)
from tests.integration.referrals.conftest import Case, Document, case, world

__all__ = [
    "NOON",
    "Met",
    "World",
    "after",
    "build",
    "case",
    "committed_world",
    "dropped",
    "shown",
    "world",
]

HOUR = timedelta(hours=1)
DAY = 24 * HOUR


@dataclass
class Met(Case):
    """A call on which our crew has met Dana, who wants to be followed up."""

    def agreed(
        self,
        basis: str = "agreed",
        *,
        at: datetime = NOON,
        ends_on: date | None = None,
        encounter: UUID | None = None,
    ) -> None:
        """What the person said of follow-ups, or a clinician's reason."""
        FollowUpAgreement.objects.create(
            id=uuid7(),
            assignment_id=self.assignment.pk,
            encounter_id=encounter or self.encounter,
            basis=basis,
            said_at=at,
            received_at=at,
            ends_on=ends_on,
            author=self.world.ours.people[0],
            content={},
        )
        following.restate(encounter_id=encounter or self.encounter, now=at)
        self.world.commit()

    def typed(self, **fields: Any) -> Document:
        """A follow-up by hand, from tomorrow noon on for ten hours."""
        return {
            "assignment_id": str(self.assignment.pk),
            "encounter_id": str(self.encounter),
            "purpose": "check_in",
            "way": "visit",
            "first_from": iso(NOON + DAY),
            "first_until": iso(NOON + DAY + 10 * HOUR),
            "find": [{"id": str(uuid7()), "place": "Under the ramp", "who": "Marcus"}],
            **fields,
        }

    def follow(
        self,
        *,
        id: UUID | None = None,
        by: EnrolledTablet | None = None,
        now: datetime = NOON,
        **fields: Any,
    ) -> FollowUp:
        """A follow-up that a tablet made."""
        pk = id or uuid7()
        assert self.save("follow_ups", pk, by=by, now=now, **self.typed(**fields)) == []
        return FollowUp.objects.get(pk=pk)

    def tells(
        self,
        event: str,
        of: FollowUp | UUID,
        *,
        by: EnrolledTablet | None = None,
        now: datetime = NOON,
        **told: Any,
    ) -> list[Document]:
        """An event, told on a tablet; the push's answer: [] for "taken"."""
        pk = of.pk if isinstance(of, FollowUp) else of
        named = {"follow_up_id": str(pk), "event": event}
        return self.tell("follow_up_event", by=by, now=now, **named, **told)

    def names(
        self,
        person: UUID,
        match: str = "confirmed",
        *,
        by: EnrolledTablet | None = None,
        now: datetime = NOON,
    ) -> None:
        """Says whom the call's encounter is with."""
        here = {"assignment_id": str(self.assignment.pk), "ordinal": 1}
        named = {"person_id": str(person), "match": match}
        self.save("encounters", self.encounter, by=by, now=now, **here, **named)


def met_elsewhere(
    dana: Met, *, person: UUID, match: str = "confirmed", now: datetime = NOON
) -> Met:
    """Another call, of the other unit, that is with this person."""
    world, by = dana.world, dana.world.theirs.tablets[0]
    call = world.call(units=[world.status("Dispatched", of="CARE22")], now=now)
    assignment = world.assignment(call, world.theirs.unit)
    other = Met(world, assignment, encounter_id(assignment.pk), person)
    if not Person.objects.filter(pk=person).exists():
        other.save("persons", person, by=by, now=now, given_name="Alba")
    other.names(person, match, by=by, now=now)
    return other


@pytest.fixture
def dana(case: Case) -> Met:
    return Met(**vars(case))
