"""Workers, Redis and PostgreSQL are killed while follow-ups become due: the promise is kept.

What was raised is read from the reminders and from the audit log, what was published from the feed,
what went out from the gateway's own notes: witnesses that do not know each other.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import redis
from django.conf import settings
from django.db import transaction

from apps.accounts.models import Team
from apps.assignments.models import Alert
from apps.audit.models import Entry
from apps.changes.models import Change
from apps.core import clock
from apps.followups.models import ClockAttempt, FollowUp, Reminder
from apps.followups.services import telling
from apps.notify.models import Channel, Message, MessageState, Notification, TeamHours
from tests.factories import team
from tests.functional.followups.halting import HALTED, PHASES
from tests.functional.staging import Stage, insist, staged
from tests.integration.assignments.conftest import World, build
from tests.integration.followups.due import made, told_by
from tests.processes import Processes
from tests.pushing import commit_now

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SCALE = 7200  # four hours in two seconds
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "tests.functional.followups.settings",
    "TIME_SCALE": "60",
    "FOLLOW_UP_TIME_SCALE": str(SCALE),
    "FOLLOW_UP_TICK_SECONDS": "0.4",
    "NOTIFY_TICK_SECONDS": "1",
    "NOTIFY_TURN_SECONDS": "0.5",
    "NOTIFY_BURST_SECONDS": "0",
    "NOTIFY_BUDGET": "10000",
    "EMAIL_TIMEOUT_SECONDS": "0.5",
    "TASK_TIME_LIMIT_SECONDS": "3",
    "NOTIFY_LEASE_SECONDS": "3.5",
    "TEXT_SENDER": "tests.functional.followups.halting.send",
}
SECOND = timedelta(seconds=1)
FOLLOW_UPS = 24
EACH_PHASE = 3
LEVELS = [1, 2, 3]


@pytest.fixture
def stage(processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Two beats, and no worker yet."""
    monkeypatch.setattr(settings, "FOLLOW_UP_TIME_SCALE", float(SCALE))
    notes = {"TEXTS_SENT": str(tmp_path / "texts")}
    with staged(processes, SETTINGS | notes, queues=(), beats=2) as found:
        yield found


@dataclass
class Stops:
    """What was told in time: the occasion and the level that each had at that commit. `ended`:
    those that were reached."""

    at: dict[UUID, tuple[int, int]] = field(default_factory=dict)
    ended: set[UUID] = field(default_factory=set)

    def tell(self, world: World, row: FollowUp, *, reached: bool) -> None:
        def act() -> None:
            with transaction.atomic():
                told = {"result": "reached"} if reached else {}
                telling.tell(
                    follow_up=row,
                    event="attempted" if reached else "acknowledged",
                    author=world.ours.people[0],
                    content=told,
                    now=clock.now(),
                )
                held = FollowUp.objects.get(pk=row.pk)
            self.at.setdefault(row.pk, (held.occasion, held.level))

        insist(act)
        if reached:
            self.ended.add(row.pk)


def test_each_reminder_is_raised_once_and_none_is_lost_whatever_is_killed(stage: Stage) -> None:
    world = build(commit_now)
    open_all_day(world.team)
    told_by(world.ours.people[0], Channel.TEXT, address="+12065550100")
    rows = [row for phase in PHASES for row in killed_in(phase, stage, world)]
    stage.workers = [stage.worker(queues) for queues in ("celery", "celery", "celery,notify")]

    dice = random.Random(20261101)
    begins = clock.now() + SECOND
    due = [begins + dice.uniform(0, 5) * SECOND for _ in range(FOLLOW_UPS)]
    rows += [made_now(world, due_from=at) for at in sorted(due)]
    nights = nights_of_the_clocks(world)
    stops, left = Stops(), rows[len(PHASES) * EACH_PHASE :]
    for number, what in enumerate(("worker", "flush", "postgres", "without redis"), 1):
        stage.until(lambda number=number: raised() > len(PHASES) * EACH_PHASE * 3 + 5 * number)  # type: ignore[misc]
        for row in dice.sample(left, 2):
            left.remove(row)
            stops.tell(world, row, reached=dice.random() < 0.5)
        match what:
            case "flush":
                flush(stage)
            case "without redis":
                rows += without_redis(stage, world)
            case _:
                stage.kill(what)

    awaited = [row.pk for row in rows if row.pk not in stops.ended]
    missed = FollowUp.objects.filter(pk__in=awaited, level=3)
    stage.until(lambda: missed.count() == len(awaited))
    stage.until(lambda: not Notification.objects.waiting().exists())
    stage.until(lambda: not Message.objects.filter(state=MessageState.PENDING).exists())

    for row in rows:
        check_reminders(row, stops)
    check_published(rows)
    check_texts(Path(stage.environ["TEXTS_SENT"]))
    for row, noon in nights.items():
        assert Reminder.objects.get(follow_up=row, level=1, channel="log").due_at == noon
    # Whatever a tick had begun when it was killed: the next ones end it, or forget it.
    stage.until(lambda: not ClockAttempt.objects.exists())


def check_reminders(row: FollowUp, stops: Stops) -> None:
    """Each level once; nothing that was stopped after its stop was committed."""
    found = list(
        Reminder.objects.filter(follow_up=row, channel="log")
        .order_by("occasion", "level")
        .values_list("occasion", "level")
    )
    said = Entry.objects.filter(action="remind", subject_ids__contains=[row.pk])
    assert sorted(entry.detail["level"] for entry in said) == [level for _, level in found]
    if row.pk not in stops.at:
        assert found == [(1, level) for level in LEVELS]
    else:
        occasion, level = stops.at[row.pk]
        before = [(1, one) for one in LEVELS if one <= level]
        missed = [] if row.pk in stops.ended or level == 3 else [(occasion, 3)]
        assert found == before + missed, "after its stop"
    alerts = Alert.objects.filter(kind="follow_up", assignment_id=row.assignment_id)
    assert alerts.count() == sum(level == 3 for _, level in found)


def check_published(rows: list[FollowUp]) -> None:
    """Tablets got a document for each tick that raised something, for what was told, and for its
    making: not one more."""
    published = Counter(
        Change.objects.filter(kind="doc", collection="follow_ups").values_list("doc_id", flat=True)
    )
    for row in rows:
        raised = Reminder.objects.filter(follow_up=row, channel="log").values("raised_at")
        told = Entry.objects.filter(action="record", subject_ids__contains=[row.pk])
        assert published[row.pk] == 1 + raised.distinct().count() + told.count()


def check_texts(notes: Path) -> None:
    """Everything that was to be said and was not stopped went out, each message under one id."""
    sent = Counter(line.split()[1] for line in notes.read_text(encoding="utf-8").splitlines())
    handed = {str(id) for id in Message.objects.filter(state="handed").values_list("pk", flat=True)}
    assert handed
    assert handed <= sent.keys(), "lost"
    assert sent.keys() <= {str(id) for id in Message.objects.values_list("pk", flat=True)}
    told = Notification.objects.filter(stopped_at=None)
    assert not told.exclude(message__state="handed").exists()
    assert told.count() == told.values("key").distinct().count()


def killed_in(phase: str, stage: Stage, world: World) -> list[FollowUp]:
    """Some that are due, and a worker that is killed in this phase of its tick."""
    rows = [made_now(world, due_from=clock.now()) for _ in range(EACH_PHASE)]
    worker = stage.worker("celery", HALT_AT=phase)
    worker.wait_until(lambda: HALTED in worker.said())
    worker.kill()
    return rows


def without_redis(stage: Stage, world: World) -> list[FollowUp]:
    """Redis is down while further ones become due, for longer than a few ticks."""
    assert stage.pair.valkey
    stage.pair.valkey.kill()
    rows = [made_now(world, due_from=clock.now()) for _ in range(EACH_PHASE)]
    moment = clock.now() + SECOND
    stage.until(lambda: clock.now() > moment)
    stage.pair.valkey.start()
    return rows


def flush(stage: Stage) -> None:
    """Redis loses everything that it has."""
    with redis.Redis.from_url(stage.pair.redis_url) as client:
        client.flushall()


def nights_of_the_clocks(world: World) -> dict[FollowUp, datetime]:
    """Two that became due in the nights when the clocks change, of a team that works from noon on,
    with the instants of those noons."""
    of, long = team(), 9_999 * 24 * 3600 * SECOND
    return {
        made(world, due_from=night, window=long, now=clock.now(), of=of): noon
        for night, noon in (
            (datetime(2026, 3, 8, 10, 30, tzinfo=UTC), datetime(2026, 3, 8, 19, 0, tzinfo=UTC)),
            (datetime(2025, 11, 2, 9, 30, tzinfo=UTC), datetime(2025, 11, 2, 20, 0, tzinfo=UTC)),
        )
    }


def open_all_day(team: Team) -> None:
    midnight = time()
    TeamHours.objects.create(
        team=team,
        time_zone="America/Los_Angeles",
        opens=midnight,
        closes=midnight,
        quiet_from=midnight,
        quiet_until=midnight,
    )


def made_now(world: World, *, due_from: datetime) -> FollowUp:
    return made(world, due_from=due_from, window=2 * SECOND, now=clock.now())


def raised() -> int:
    return Reminder.objects.filter(channel="log").count()
