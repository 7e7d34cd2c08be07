"""Random days over both changes of the clocks, with workers that die and gateways that fail, beside
a model that knows only what was promised."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings

from apps.accounts.models import Role, User
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.notify import services
from apps.notify.models import Channel, Level, Message, MessageState, Notification, Topic
from apps.notify.services import Job
from tests.factories import person
from tests.integration.notify.conftest import reached_by, tell

pytestmark = pytest.mark.django_db
SEATTLE = ZoneInfo("America/Los_Angeles")
BUDGET = 5
_BADLY = ("fails", "dies", "dies late")
STEPS = 100


@dataclass
class Days:
    """What happened, as somebody beside the product would have noted it."""

    dice: random.Random
    now: datetime
    users: list[User]
    open: list[UUID] = field(default_factory=list)
    stopped: set[UUID] = field(default_factory=set)
    put_off: set[UUID] = field(default_factory=set)
    # By notification: the ids under which a gateway took it. What the product knows of is `told`.
    taken: dict[UUID, set[UUID]] = field(default_factory=dict)
    told: set[UUID] = field(default_factory=set)
    late: list[Job] = field(default_factory=list)

    def step(self) -> None:
        self.now += timedelta(seconds=self.dice.choice([1, 20, 60, 600, 1800, 4000]))
        act = self.dice.choices(
            [self.tell, self.stop, self.snooze, self.work, self.come_back], [6, 2, 1, 8, 1]
        )[0]
        act()

    def note(self, rows: list[Notification], id: UUID) -> None:
        for row in rows:
            self.taken.setdefault(row.pk, set()).add(id)

    def tell(self) -> None:
        about = uuid7()
        self.open.append(about)
        level = self.dice.choice([Level.OWNER, Level.OWNER, Level.TEAM, Level.SUPERVISORS])
        for channel in self.dice.sample([Channel.EMAIL, Channel.TEXT], self.dice.randint(1, 2)):
            due = self.now + timedelta(minutes=self.dice.choice([-5, 0, 90]))
            for _ in range(2):  # whoever tells may do it twice
                tell(
                    *self.users,
                    about=about,
                    channel=channel,
                    level=level,
                    due_at=due,
                    now=self.now,
                )

    def stop(self) -> None:
        if self.open:
            about = self.open.pop(self.dice.randrange(len(self.open)))
            rows = {row.pk for row in Notification.objects.filter(subject_id=about)}
            services.stop(subject_id=about, now=self.now)
            self.stopped |= rows - self.told

    def snooze(self) -> None:
        if self.open:
            about = self.dice.choice(self.open)
            services.put_off(subject_id=about, until=self.now + timedelta(hours=2))
            self.put_off |= {row.pk for row in Notification.objects.filter(subject_id=about)}

    def work(self, *, well: bool = False) -> None:
        services.collect(now=self.now)
        while job := services.claim(channels=Channel, now=self.now):
            assert self.may_ring(), "it rings in the night"
            inside = list(Notification.objects.filter(message=job.id))
            told = [row for row in inside if row.pk not in self.stopped]
            assert job.counts == Counter({Topic.FOLLOW_UP: len({row.subject_id for row in told})})
            end = "well" if well else self.dice.choice(["well", "well", *_BADLY])
            if end in {"well", "dies late"}:
                self.note(told, job.id)
            if end == "well":
                assert services.finish(job=job, error="", now=self.now)
                self.told |= {row.pk for row in told}
            elif end == "fails":
                assert services.finish(job=job, error="TimeoutError", now=self.now)
            else:
                self.late.append(job)

    def come_back(self) -> None:
        """A worker that was thought dead: what it says counts as long as its claim holds."""
        if self.late:
            job = self.late.pop()
            holds = Message.objects.filter(pk=job.id, claim=job.claim).exists()
            inside = list(Notification.objects.filter(message=job.id))
            assert services.finish(job=job, error="", now=self.now) == holds
            if holds:
                self.note(inside, job.id)
                self.told |= {row.pk for row in inside}

    def may_ring(self) -> bool:
        return 12 <= self.now.astimezone(SEATTLE).hour < 22

    def settle(self) -> None:
        """All is well again for as long as it takes."""
        for _ in range(400):
            waits = Notification.objects.waiting().exists()
            if not waits and not Message.objects.filter(state=MessageState.PENDING).exists():
                return
            self.now += timedelta(hours=1)
            self.work(well=True)
            for row in Message.objects.filter(state=MessageState.FAILED):
                others = Message.objects.filter(user=row.user_id, channel=row.channel)
                if not others.filter(state=MessageState.PENDING).exists():
                    services.hand_over_again(message=row, by=SYSTEM, now=self.now)
        pytest.fail("something waits for ever")


@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize("begins", ["2026-03-07T09:00", "2026-10-31T09:00"])
def test_nothing_is_lost_and_nothing_is_told_that_should_not_be(
    begins: str, seed: int, settings: LazySettings
) -> None:
    settings.NOTIFY_BUDGET = BUDGET
    users = [reached_by(person(Role.SUPERVISOR), Channel.EMAIL, Channel.TEXT) for _ in range(2)]
    begin = datetime.fromisoformat(begins).replace(tzinfo=SEATTLE).astimezone(UTC)
    days = Days(random.Random(seed), begin, users)
    for _ in range(STEPS):
        days.step()
    assert days.now - begin > timedelta(days=1), "the night is in it"
    days.settle()

    told = {row.pk for row in Notification.objects.all()} - days.stopped
    assert told <= set(days.taken), "lost"
    once = {pk: ids for pk, ids in days.taken.items() if pk not in days.put_off}
    assert all(len(ids) == 1 for ids in once.values()), "under two ids"
    made: Counter[tuple[UUID, object]] = Counter()
    last: dict[tuple[UUID, str], datetime] = {}
    for row in Message.objects.exclude(state=MessageState.VOID).order_by("made_at"):
        day = row.made_at.astimezone(SEATTLE).date()
        made[row.user_id, day] += not row.urgent
        before = last.get((row.user_id, row.channel))
        pace = timedelta(minutes=15 if row.channel == Channel.EMAIL else 1)
        assert row.urgent or before is None or row.made_at - before >= pace, "a burst"
        last[row.user_id, row.channel] = row.made_at
    assert max(made.values()) <= BUDGET
