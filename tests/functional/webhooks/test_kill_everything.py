"""Workers, Redis and PostgreSQL are killed while a partner lies: the promise is kept.

What was published is read from the log at the end, what arrived from the partner's own notes, and
attempts from their rows: three witnesses, none of which is the code that delivers.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit.services import SYSTEM
from apps.changes.models import Change
from apps.changes.services import Event, publish
from apps.core import clock, engines
from apps.core.engine_host import claimed_host
from apps.core.ids import uuid7
from apps.webhooks import catalogue, services
from apps.webhooks.fakepartner import WELL, Behaviour, FakePartner, Received
from apps.webhooks.models import Attempt, Delivery, Endpoint, EndpointState, Lane, PausedBy
from tests.factories import partner
from tests.functional.sync.restoring import (
    Programs,
    application_url,
    connected_to,
    fresh_database,
)
from tests.processes import Process, Processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# The schedule two thousand times as fast; a lease and a time limit that a test can wait for.
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "tests.probe.settings",
    "TIME_SCALE": "2000",
    "WEBHOOK_TICK_SECONDS": "0.2",
    "WEBHOOK_TIMEOUT_SECONDS": "1",
    "WEBHOOK_LEASE_SECONDS": "1.5",
    "WEBHOOK_PUMP_SECONDS": "2",
}
SUBJECTS = 6
EVENTS = 50
PATIENCE = 120.0


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


@dataclass
class Stage:
    """The product on engines of its own, and hands to kill with."""

    pair: engines.Engines
    processes: Processes
    environ: dict[str, str]
    workers: list[Process]

    def kill(self, what: str) -> None:
        match what:
            case "worker":
                self.workers[0].kill()
                self.workers[0].start()
            case "redis":
                assert self.pair.valkey
                self.pair.valkey.kill()
                self.pair.valkey.start()
            case "postgres":
                assert self.pair.postgres
                self.pair.postgres.kill()
                self.pair.postgres.start()
                connection.close()


@pytest.fixture
def stage(processes: Processes) -> Iterator[Stage]:
    """The schema of the tests' own database, on a pair of servers that may be killed."""
    before = dict(catalogue._types), {name: list(all) for name, all in catalogue._on.items()}
    import tests.probe.events  # noqa: F401, PLC0415  (registers, here as in the worker)

    with claimed_host() as host, engines.provide(environ={"NONE": "GIVEN"}) as pair:
        programs = Programs(host)
        assert pair.postgres
        dump = host.folder / "schema.dump"
        programs.dump(dump)
        with fresh_database(pair.database_owner_url) as url:
            programs.restore(dump, url)
            with connected_to(url):
                environ = {
                    **SETTINGS,
                    "DATABASE_URL": application_url(pair.postgres),
                    "REDIS_URL": pair.redis_url,
                }
                workers = [processes.celery_worker(queues="webhooks", **environ) for _ in range(2)]
                processes.celery_beat(**environ)
                try:
                    yield Stage(pair, processes, environ, workers)
                finally:
                    processes.end()
    catalogue._types.clear()
    catalogue._types.update(before[0])
    catalogue._on.clear()
    catalogue._on.update(before[1])


def insist(act: Callable[[], None]) -> None:
    """Until it is committed. It may be twice: whoever is cut off at COMMIT does not know."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            act()
            return
        except (DatabaseError, psycopg.Error):
            connection.close()
            assert time.monotonic() < deadline


def until(condition: Callable[[], bool], workers: list[Process]) -> None:
    def holds() -> bool:
        try:
            return condition()
        except (DatabaseError, psycopg.Error):
            connection.close()
            return False

    workers[-1].wait_until(holds, seconds=PATIENCE)


def happen(subject: UUID, name: str) -> None:
    def act() -> None:
        with transaction.atomic():
            publish(events=[Event(name, subject)], now=clock.now())

    insist(act)


def endpoints_of(liar: FakePartner) -> list[Endpoint]:
    made = []
    for number in range(2):
        endpoint, keys = services.create_endpoint(
            partner=partner()[1],
            name=f"endpoint {number}",
            url=f"{liar.url}/{number}",
            event_types=["probe.happened", "probe.withdrawn"],
            rate=1000,
            by=SYSTEM,
            now=clock.now(),
        )
        liar.secret = liar.secret or keys.secret
        made.append(endpoint)
    return made


def test_every_event_arrives_with_one_id_and_in_order_whatever_is_killed(stage: Stage) -> None:
    dice = random.Random(20260304)
    liar = Liar(random.Random(1))
    with FakePartner(behave=liar.behave).running() as receiver:
        endpoints = endpoints_of(receiver)
        ids = [endpoint.pk for endpoint in endpoints]
        until(
            lambda: Endpoint.objects.filter(state=EndpointState.ACTIVE).count() == len(endpoints),
            stage.workers,
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
                until(lambda seen=seen: len(liar.notes) > seen, stage.workers)  # type: ignore[misc]
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
        until(lambda: done.count() == published * len(endpoints), stage.workers)
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
