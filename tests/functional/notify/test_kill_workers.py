"""Workers are killed while a mail server has their message, Redis is emptied, somebody stops: each
message is handed over, under one id, and nothing that was stopped before it was claimed.

What came in is read from the mail server, which knows nothing of the product."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
import redis
from django.conf import LazySettings
from django.db import transaction

from apps.accounts.models import Role, User
from apps.core import clock
from apps.core.ids import uuid7
from apps.core.models import Heartbeat
from apps.notify import services
from apps.notify.models import Channel, Message, MessageState
from config.celery import app as celery_app
from tests.factories import person
from tests.integration.conftest import Elsewhere, elsewhere
from tests.integration.notify.conftest import reached_by, tell
from tests.postoffice import TAKEN, PostOffice, post_office, takes
from tests.processes import Process, Processes

__all__ = ["elsewhere"]

pytestmark = pytest.mark.django_db(transaction=True)

# At any hour, without digests and budgets; a lease and a time limit that a test can wait for.
SETTINGS = {
    "TEAM_OPENS": "00:00",
    "TEAM_CLOSES": "00:00",
    "TEAM_QUIET_FROM": "00:00",
    "TEAM_QUIET_UNTIL": "00:00",
    "NOTIFY_DIGEST_SECONDS": "0",
    "NOTIFY_BUDGET": "1000",
    "NOTIFY_TICK_SECONDS": "0.2",
    "TASK_TIME_LIMIT_SECONDS": "4",
    "NOTIFY_LEASE_SECONDS": "4.5",
    "NOTIFY_TURN_SECONDS": "1",
    "EMAIL_TIMEOUT_SECONDS": "1.9",
    "TIME_SCALE": "100",
}


@dataclass
class Held:
    """A mail server that takes what it is told to, and keeps whoever brings the rest waiting."""

    office: PostOffice
    holds: dict[str, Callable[[EmailMessage], str]] = field(default_factory=dict)
    came: Counter[str] = field(default_factory=Counter)
    free: threading.Event = field(default_factory=threading.Event)

    def behave(self, mail: EmailMessage) -> str:
        to = mail["To"]
        self.came[to] += 1
        return self.holds.get(to, takes)(mail)

    def keep_waiting(self, _: EmailMessage) -> str:
        """Says nothing until everybody may go, and has not taken it then."""
        assert self.free.wait(timeout=120)
        return "451 too late"

    def check(self) -> None:
        """Each message was taken under its id, by no more attempts than were counted, and nothing
        that is no message."""
        taken = Counter(self.office.ids())
        rows = Message.objects.filter(state=MessageState.HANDED)
        assert all(1 <= taken[str(row.pk)] <= row.tries for row in rows)
        assert set(taken) == {str(row.pk) for row in rows}

    def ids_for(self, user: User) -> list[str]:
        to = address_of(user)
        return [mail["Idempotency-Key"] for mail in self.office.taken if mail["To"] == to]


def address_of(user: User) -> str:
    return str(user.contact_points.get(channel=Channel.EMAIL).address)


def supervisors(count: int) -> list[User]:
    return [reached_by(person(Role.SUPERVISOR), Channel.EMAIL) for _ in range(count)]


def tell_now(*users: User, about: UUID | None = None) -> None:
    tell(*users, about=about, due_at=clock.now(), now=clock.now())


@pytest.fixture
def held() -> Iterator[Held]:
    with post_office() as office:
        found = Held(office)
        office.behave = found.behave
        yield found
        found.free.set()


@pytest.fixture(autouse=True)
def _at_any_hour(settings: LazySettings) -> None:
    """As the workers have it."""
    settings.TEAM_CLOSES = settings.TEAM_OPENS
    settings.TEAM_QUIET_UNTIL = settings.TEAM_QUIET_FROM


def settled(count: int) -> Callable[[], Any]:
    return lambda: Message.objects.filter(state=MessageState.HANDED).count() >= count


def message_of(user: User) -> Message:
    return Message.objects.filter(user=user).latest("made_at")


@pytest.mark.slow
def test_each_is_handed_over_under_one_id_whatever_is_killed(
    processes: Processes, held: Held, elsewhere: Elsewhere, settings: LazySettings
) -> None:
    environ = {**SETTINGS, **held.office.environment()}
    workers = [processes.celery_worker(queues="notify", **environ) for _ in range(2)]
    for _ in range(2):
        processes.celery_beat(**environ)

    def until(condition: Callable[[], Any]) -> None:
        workers[-1].wait_until(condition)

    # Two workers and two beats: once each, unless an attempt was lost on a busy machine.
    everybody = supervisors(12)
    tell_now(*everybody)
    until(settled(12))
    held.check()

    # One worker dies before the server has taken its message; the other has handed its own over,
    # and dies before it can write that down.
    before, after = supervisors(2)
    holding, let_go = threading.Event(), threading.Event()
    finishing: list[Any] = []

    def hold(id: UUID) -> None:
        with transaction.atomic():
            Message.objects.select_for_update(no_key=True).get(pk=id)
            holding.set()
            assert let_go.wait(timeout=120)

    def take_and_keep_its_row(mail: EmailMessage) -> str:
        if not finishing:
            finishing.append(elsewhere.start(lambda: hold(UUID(mail["Idempotency-Key"]))))
            assert holding.wait(timeout=60)
        return TAKEN

    held.holds = {
        address_of(before): held.keep_waiting,
        address_of(after): take_and_keep_its_row,
    }
    tell_now(before, after)
    until(lambda: held.came[address_of(before)] and finishing)
    elsewhere.until_waiting(finishing[0])
    kill(*workers)
    assert (held.ids_for(before), len(held.ids_for(after))) == ([], 1)
    assert message_of(after).claim is not None
    held.holds = {}
    let_go.set()
    held.free.set()
    finishing[0].result(timeout=60)
    for worker in workers:
        worker.start()
    until(settled(14))
    assert set(held.ids_for(before)) == {str(message_of(before).pk)}
    assert set(held.ids_for(after)) == {str(message_of(after).pk)}
    assert len(held.ids_for(after)) >= 2, "at least once, and nobody knew that it had been"
    assert min(message_of(before).tries, message_of(after).tries) >= 2

    # Redis has lost everything, and somebody has seen to one of them.
    stopped, about = supervisors(1)[0], uuid7()
    with transaction.atomic():
        tell_now(stopped, about=about)
        services.collect(now=clock.now())
        services.stop(subject_id=about, now=clock.now())
    tell_now(*everybody)
    with redis.Redis.from_url(settings.REDIS_URL) as valkey:
        valkey.delete(*valkey.scan_iter(f"*{settings.REDIS_PREFIX}*"))
    until(settled(26))
    until(lambda: message_of(stopped).state == MessageState.VOID)
    assert held.came[address_of(stopped)] == 0
    held.check()


def kill(*processes: Process) -> None:
    for process in processes:
        process.kill()


def test_a_slow_mail_server_delays_no_tick(processes: Processes, held: Held) -> None:
    """Alarms, reminders and all other ticks have a worker that waits for nobody's server."""
    environ = {
        **SETTINGS,
        "TASK_TIME_LIMIT_SECONDS": "600",
        "NOTIFY_LEASE_SECONDS": "700",
        "EMAIL_TIMEOUT_SECONDS": "300",
        **held.office.environment(),
    }
    worker = processes.celery_worker(**environ)
    mailing = processes.celery_worker(queues="notify", **environ)
    [supervisor] = supervisors(1)
    held.holds = {address_of(supervisor): held.keep_waiting}
    tell_now(supervisor)
    celery_app.send_task("notify.hand_over")
    mailing.wait_until(lambda: held.came[address_of(supervisor)])

    for _ in range(5):
        asked = clock.now()
        celery_app.send_task("core.heartbeat")
        worker.wait_until(
            lambda asked=asked: Heartbeat.objects.filter(name="worker", at__gte=asked).exists(),  # type: ignore[misc]
            seconds=20,
        )
    assert not held.free.is_set()
    assert message_of(supervisor).claim is not None
