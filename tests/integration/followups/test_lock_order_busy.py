"""A busy hour on several connections: nobody waits in a circle, whatever comes beside what."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
from django.db import connection

from apps.assignments.services import assign
from apps.changes.models import ParkedReaction
from apps.dispatch.models import Source
from apps.people.models import Person
from apps.people.services import merge_persons, unmerge_person
from tests.integration.assignments.conftest import World
from tests.integration.conftest import Elsewhere
from tests.integration.followups.visits import LATER, Visit, people, world

__all__ = ["people", "world"]

pytestmark = pytest.mark.django_db(transaction=True)

_DEADLOCKS = """
select deadlocks from pg_stat_database where datname = current_database()
"""
Work = Callable[[random.Random], None]


@dataclass
class Hour:
    """What may happen in it. Each verb is drawn by whoever does it."""

    world: World
    people: list[UUID]
    calls: list[Visit]

    def merges(self, play: random.Random) -> None:
        one, other = (Person.objects.get(pk=pk) for pk in play.sample(self.people, 2))
        by = self.world.supervisor
        if one.merged_into_id is None and other.merged_into_id is None:
            merge_persons(person=one, into=other, by=by, now=LATER)
        else:
            unmerge_person(person=one, by=by, now=LATER)

    def reopens(self, play: random.Random) -> None:
        of = play.choice(self.calls).met.assignment
        desk = {"source": Source.DESK, "by": self.world.dispatcher, "reason": "Once more."}
        assign(incident=of.incident, unit=of.unit, now=LATER, **desk)

    def office(self, play: random.Random) -> None:
        play.choice([self.merges, self.reopens])(play)

    def of_crew(self, calls: list[Visit]) -> Work:
        """Two calls are told to be over in one push, somebody is named, or has said something."""

        def tells(play: random.Random) -> None:
            visit = play.choice(calls)
            over = [one.cleared() for one in play.sample(calls, len(calls))]
            verb = play.choice(["over", "names", "says"])
            if verb == "over":
                self.world.push(*over, by=visit.by, now=LATER)
            elif verb == "names":
                visit.names(play.choice(self.people), play.randrange(1, 3))
            else:
                visit.says(play.choice(["agreed", "refused"]), play.randrange(1, 3))

        return tells


def many_times(work: Work, play: random.Random) -> Callable[[], None]:
    def turns() -> None:
        for _ in range(8):
            work(play)
        with connection.cursor() as cursor:
            # What it has counted is with the statistics once this statement is over.
            cursor.execute("select pg_stat_force_next_flush()")

    return turns


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_clear_snapshot()")
        cursor.execute(_DEADLOCKS)
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("seed", range(2))
def test_a_busy_hour_has_no_deadlock(
    world: World, people: list[UUID], elsewhere: Elsewhere, seed: int
) -> None:
    play = random.Random(seed)
    crews = [world.ours, world.theirs] * 2
    hour = Hour(world, people, [Visit(world, crew, play.sample(people, 2)) for crew in crews])
    before = deadlocks()
    works = [hour.office, *(hour.of_crew(hour.calls[one::2]) for one in (0, 1, 0))]
    started = [
        elsewhere.start(many_times(work, random.Random(f"{seed} {number}")))
        for number, work in enumerate(works)
    ]
    for one in started:
        one.result(120)
    assert deadlocks() == before
    assert not ParkedReaction.objects.exists()
