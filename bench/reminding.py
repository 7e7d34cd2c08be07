"""Follow-ups that are due, and those that are not: steps of `bench.prepare`.

Those that are due are as the services make them, each of a person of their own who agrees to it,
but written in bulk: nobody's tablet is to hear of them before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.core import clock
from apps.core.ids import uuid7
from apps.followups.models import FollowUp, FollowUpAgreement
from apps.followups.services import reminding
from apps.notify.models import TeamHours
from apps.people.models import Encounter, Match, Person

_BATCH: Final = 500
_WINDOW: Final = timedelta(hours=24)
_FIND: Final = {
    "id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
    "place": "Under the viaduct by the ferry, the green tent with two bicycles.",
    "hours": "Before ten in the morning, and when it rains.",
    "who": "The kitchen at the corner knows them.",
    "note": "Call out from the pavement; the dog is friendly.",
}


def follow_up_team(call_sign: str) -> dict[str, str]:
    """The team of a unit, which works all day and all night; a responder of it."""
    author = User.objects.filter(crews__unit__call_sign=call_sign).earliest("pk")
    assert author.team_id is not None, "made with a team"
    midnight = datetime.min.time()
    TeamHours.objects.create(
        team_id=author.team_id,
        time_zone="America/Los_Angeles",
        opens=midnight,
        closes=midnight,
        quiet_from=midnight,
        quiet_until=midnight,
    )
    return {"team": str(author.team_id), "author": str(author.pk)}


def follow_ups(team: str, author: str, count: int, apart: float, delay: float) -> dict[str, Any]:
    """So many follow-ups that are due, the first after `delay` seconds and each `apart` seconds
    after the one before. Answers with their ids and the times, in seconds since 1970."""
    first = clock.now() + timedelta(seconds=delay)
    times = [first + number * timedelta(seconds=apart) for number in range(count)]
    ids: list[UUID] = []
    for start in range(0, count, _BATCH):
        with transaction.atomic():
            ids += _write(UUID(team), UUID(author), times[start : start + _BATCH])
    return {"due": {str(id): at.timestamp() for id, at in zip(ids, times, strict=True)}}


def remind() -> dict[str, float]:
    """Ticks until nothing is due. Seconds, and how many were seen to."""
    began = time.perf_counter()
    seen = sum(_each_tick())
    return {"seconds": time.perf_counter() - began, "seen": seen}


def _each_tick() -> Iterator[int]:
    while seen := reminding.remind(now=clock.now()):
        yield seen


def _write(team_id: UUID, author_id: UUID, times: list[datetime]) -> list[UUID]:
    now = clock.now()
    persons = [
        Person(created_at=now, created_by=author_id, content={"given_name": "N."}) for _ in times
    ]
    Person.objects.bulk_create(persons)
    met = [
        Encounter(
            assignment_id=uuid7(),
            opened_at=now - _WINDOW,
            opened_by="timeline",
            person_id=person.pk,
            match=Match.CONFIRMED,
            content={},
        )
        for person in persons
    ]
    Encounter.objects.bulk_create(met)
    FollowUpAgreement.objects.bulk_create(
        FollowUpAgreement(
            assignment_id=one.assignment_id,
            encounter_id=one.pk,
            basis="agreed",
            said_at=one.opened_at,
            received_at=one.opened_at,
            author_id=author_id,
            content={"ways": ["visit"]},
        )
        for one in met
    )
    rows = [
        FollowUp(
            encounter_id=one.pk,
            assignment_id=one.assignment_id,
            purpose="check_in",
            way="visit",
            team_id=team_id,
            first_from=at,
            first_until=at + _WINDOW,
            due_from=at,
            due_until=at + _WINDOW,
            next_at=at,
            created_at=one.opened_at,
            content={
                "assignment_id": str(one.assignment_id),
                "encounter_id": str(one.pk),
                "purpose": "check_in",
                "way": "visit",
                "find": [_FIND],
                "note": "Ask about the dog first.",
            },
        )
        for one, at in zip(met, times, strict=True)
    ]
    FollowUp.objects.bulk_create(rows)
    return [row.pk for row in rows]
