"""Random days of one endpoint, against what the promise says: a witness notes what a receiver saw
and what the sender heard, and asks nothing of the code that delivers."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.conf import settings

from apps.audit.services import SYSTEM
from apps.changes.services import Event, publish
from apps.core import clock
from apps.core.ids import uuid7
from apps.webhooks import services
from apps.webhooks.models import Delivery, Endpoint, EndpointState, Lane, Outcome, PausedBy
from apps.webhooks.services import Job, Result
from tests.factories import partner

ANSWERS = (
    *[(Outcome.ACCEPTED, 200)] * 4,
    *[(Outcome.FAILED, 503), (Outcome.TIMED_OUT, None), (Outcome.REFUSED, 422)],
)


@dataclass
class Witness:
    """`heard`: events whose answer the sender took as final. `seen`: ids by sequence, as they came.
    `paused`: whether a pause has been committed."""

    dice: random.Random
    commit: Callable[[], None]
    endpoint: Endpoint
    subjects: list[UUID]
    at: datetime
    paused: bool = False
    open: list[Job] = field(default_factory=list)
    old: list[Job] = field(default_factory=list)
    heard: set[UUID] = field(default_factory=set)
    begun: set[UUID] = field(default_factory=set)
    seen: dict[int, set[UUID]] = field(default_factory=dict)

    def happen(self) -> None:
        name = "thing.withdrawn" if self.dice.random() < 0.1 else "thing.changed"
        for _ in range(self.dice.randint(1, 3)):
            subject = self.dice.choice(self.subjects)
            publish(events=[Event(f"{name}_published", subject)], now=clock.now())
        self.commit()

    def claim(self) -> None:
        services.tell(now=self.at)
        jobs = services.claim(slots=self.dice.randint(1, 6), now=self.at)
        assert not (self.paused and jobs), "an attempt began after the pause"
        for job in jobs:
            row = Delivery.objects.get(pk=job.delivery)
            self.seen.setdefault(row.sequence, set()).add(job.delivery)
            first = job.delivery not in self.begun
            self.begun.add(job.delivery)
            if first and row.lane == Lane.ORDINARY:
                earlier = Delivery.objects.filter(
                    subject=row.subject, sequence__lt=row.sequence, lane=Lane.ORDINARY
                )
                ids = set(earlier.values_list("pk", flat=True))
                assert ids <= self.heard, "its predecessor was not answered"
        self.open += jobs

    def answer(self) -> None:
        if self.open:
            job = self.open.pop(self.dice.randrange(len(self.open)))
            self._finish(job, *self.dice.choice(ANSWERS))

    def _finish(self, job: Job, outcome: Outcome, status: int | None) -> None:
        done = services.finish([Result(job, outcome, self.at, 1, status)], now=self.at)
        if done and outcome in {Outcome.ACCEPTED, Outcome.REFUSED}:
            self.heard.add(job.delivery)

    def crash(self) -> None:
        """The worker is gone; what it had sent was taken, or not. Its answers may come too late."""
        self.old += self.open
        self.open.clear()
        self.at += timedelta(seconds=settings.WEBHOOK_LEASE_SECONDS + 1)

    def answer_late(self) -> None:
        if self.old:
            job = self.old.pop(self.dice.randrange(len(self.old)))
            self._finish(job, *self.dice.choice(ANSWERS))

    def wait(self) -> None:
        self.at += timedelta(seconds=self.dice.choice((1, 10, 400, 20_000)))
        self.old += self.open  # whoever still waits has lost its claim
        self.open.clear()

    def pause(self) -> None:
        if not self.paused:
            services.pause_endpoint(
                endpoint=self.endpoint, kind=PausedBy.PARTNER, by=SYSTEM, now=self.at
            )
            self.paused = True

    def resume(self) -> None:
        if self.paused:
            services.resume_endpoint(endpoint=self.endpoint, by=SYSTEM, now=self.at)
            self.paused = False

    def replay(self) -> None:
        rows = list(Delivery.objects.exclude(state="pending").filter(type="thing.changed"))
        if rows:
            services.replay(delivery=self.dice.choice(rows), by=SYSTEM, now=self.at)


@pytest.mark.parametrize("seed", range(6))
def test_the_promise_is_kept_on_a_random_day(
    things: None, commit_now: Callable[[], None], seed: int
) -> None:
    dice = random.Random(seed)
    endpoint, _ = services.create_endpoint(
        partner=partner()[1],
        name="intake",
        url="http://127.0.0.1:1/",
        event_types=["thing.changed", "thing.withdrawn"],
        rate=1000,
        by=SYSTEM,
        now=clock.now(),
    )
    commit_now()
    services.tell(now=clock.now())
    (challenge,) = services.claim(slots=1, now=clock.now())
    services.finish([Result(challenge, Outcome.ACCEPTED, clock.now(), 1, 200)], now=clock.now())
    assert Endpoint.objects.get().state == EndpointState.ACTIVE
    day = Witness(dice, commit_now, endpoint, [uuid7() for _ in range(3)], clock.now())
    acts = [day.happen, day.claim, day.answer, day.wait]
    rare = [day.crash, day.answer_late, day.pause, day.resume, day.replay]
    for _ in range(90):
        dice.choice(acts if dice.random() < 0.8 else rare)()
    day.resume()
    for _ in range(200):
        day.wait()
        day.claim()
        while day.open:
            job = day.open.pop()
            day._finish(job, Outcome.ACCEPTED, 200)
        if not Delivery.objects.pending().exists():
            break
    rows = Delivery.objects.filter(type__startswith="thing.")
    assert not rows.filter(state="pending").exists()
    assert {row.sequence for row in rows} == set(day.seen), "everything was attempted"
    assert all(len(ids) == 1 for ids in day.seen.values()), "one event has one id"
    last = Endpoint.objects.get().sequence
    assert sorted(Delivery.objects.values_list("sequence", flat=True)) == list(range(1, last + 1))
