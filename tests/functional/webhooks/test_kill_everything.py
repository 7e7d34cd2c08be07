"""Workers, Redis and PostgreSQL are killed while a partner lies: the promise is kept.

What was published is read from the log at the end, what arrived from the partner's own notes, and
attempts from their rows: three witnesses, none of which is the code that delivers.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from apps.audit.services import SYSTEM
from apps.changes.models import Change
from apps.core import clock
from apps.core.ids import uuid7
from apps.webhooks import services
from apps.webhooks.fakepartner import WELL, Behaviour, FakePartner, Received
from apps.webhooks.models import Attempt, Delivery, Endpoint, EndpointState, Lane, PausedBy
from tests.functional.staging import Stage, insist
from tests.functional.webhooks.stage import endpoints_of, happen, on_stage
from tests.processes import Processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SUBJECTS = 6
EVENTS = 50


@dataclass
class Liar:
    """A partner that takes events and says that it did not, refuses some for good, and notes the
    time of each answer that it gave."""

    dice: random.Random
    lies: bool = True
    notes: list[tuple[Received, int | None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def behave(self, received: Received) -> Behaviour:
        told = WELL
        if self.lies and received.event["type"] != "endpoint.verification":
            chance = self.dice.random()
            if chance < 0.15:
                told = Behaviour(status=503)
            elif chance < 0.25:
                told = Behaviour(drops=True)
            elif chance < 0.30:
                told = Behaviour(status=422)
            elif chance < 0.33:
                told = Behaviour(wait=3)
        late = told.drops or told.wait
        with self._lock:
            self.notes.append((received, None if late else told.status))
        return told


@pytest.fixture
def stage(processes: Processes) -> Iterator[Stage]:
    with on_stage(processes) as stage:
        yield stage


def test_every_event_arrives_with_one_id_and_in_order_whatever_is_killed(stage: Stage) -> None:
    dice = random.Random(20260304)
    liar = Liar(random.Random(1))
    with FakePartner(behave=liar.behave).running() as receiver:
        endpoints = endpoints_of(receiver)
        ids = [endpoint.pk for endpoint in endpoints]
        stage.until(
            lambda: Endpoint.objects.filter(state=EndpointState.ACTIVE).count() == len(endpoints),
        )
        subjects = [uuid7() for _ in range(SUBJECTS)]
        moments = sorted(dice.sample(range(5, EVENTS), 3))
        kills = dict(zip(moments, ("worker", "postgres", "redis"), strict=True))
        paused_at = None
        for number in range(EVENTS):
            urgent = dice.random() < 0.1
            happen(dice.choice(subjects), "probe.withdrawn" if urgent else "probe.happened")
            if what := kills.get(number):
                seen = len(liar.notes)
                stage.until(lambda seen=seen: len(liar.notes) > seen)  # type: ignore[misc]
                stage.kill(what)
            if number == EVENTS // 2:
                insist(
                    lambda: void(
                        services.pause_endpoint(
                            endpoint=endpoints[1],
                            kind=PausedBy.PARTNER,
                            by=SYSTEM,
                            now=clock.now(),
                        )
                    )
                )
                paused_at = clock.now()
            if number == EVENTS * 3 // 4:
                resumed_at = clock.now()
                insist(
                    lambda: void(
                        services.resume_endpoint(endpoint=endpoints[1], by=SYSTEM, now=clock.now())
                    )
                )
        liar.lies = False
        published = Change.objects.filter(event__startswith="probe.").count()
        assert published >= EVENTS
        done = Delivery.objects.filter(type__startswith="probe.", settled_at__isnull=False)
        stage.until(lambda: done.count() == published * len(endpoints))
        check_that_all_arrived(ids, published, liar)
        check_order(liar)
        # The pause: its commit lies between the two times, and no attempt's row after it.
        assert paused_at is not None
        between = Attempt.objects.filter(
            delivery__endpoint=ids[1], started_at__gt=paused_at, started_at__lt=resumed_at
        )
        assert not between.exists()


def void(_: object) -> None:
    """Only done for what it does."""


def check_that_all_arrived(endpoints: list[UUID], published: int, liar: Liar) -> None:
    for number, endpoint in enumerate(endpoints):
        got = [
            (note.event["sequence"], note.id)
            for note, _ in liar.notes
            if note.path == f"/{number}" and note.event["type"].startswith("probe.")
        ]
        made = Delivery.objects.filter(endpoint=endpoint, type__startswith="probe.")
        assert made.count() == published
        assert {(row.sequence, str(row.pk)) for row in made} == set(got), "lost, or two ids"
        sequences = sorted(
            Delivery.objects.filter(endpoint=endpoint).values_list("sequence", flat=True)
        )
        assert sequences == list(range(1, len(sequences) + 1)), "a gap in /events"


def check_order(liar: Liar) -> None:
    """When an event first arrives, all ordinary ones of its subject before it were answered well or
    refused for good; or the sender did not hear the answer, and their attempt ended otherwise."""
    rows = {str(row.pk): row for row in Delivery.objects.all()}
    first: dict[str, int] = {}
    settled: dict[str, int] = {}
    for place, (note, status) in enumerate(liar.notes):
        first.setdefault(note.id, place)
        if status in {200, 422}:
            settled.setdefault(note.id, place)
    ordinary = [row for id, row in rows.items() if id in first and row.lane == Lane.ORDINARY]
    before: dict[tuple[UUID, UUID], str] = {}
    for row in sorted(ordinary, key=lambda one: one.sequence):
        id = str(row.pk)
        former = before.get((row.endpoint_id, row.subject))
        if former is not None:
            assert settled[former] < first[id], "it came before its predecessor was answered"
        before[row.endpoint_id, row.subject] = id
