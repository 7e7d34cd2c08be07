from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import redis
from django.conf import LazySettings, settings
from django.db import connection, transaction

from apps.changes import bell, reading
from apps.changes.models import Change
from apps.changes.services import Document, Event, bind, grant, publish
from apps.core.ids import uuid7
from apps.live.ears import Ears

NOON = datetime(2026, 3, 4, 20, tzinfo=UTC)
AGENCY = frozenset({"agency"})


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with much else to do is no Redis that does not answer."""
    monkeypatch.setattr(bell, "_PATIENCE_SECONDS", 60)


def put() -> None:
    with transaction.atomic():
        publish(documents=[Document("calls", uuid7(), AGENCY, {})], now=NOON)


def put_and_fail() -> None:
    with transaction.atomic():
        publish(events=[Event("call.came", uuid7())], now=NOON)
        raise ZeroDivisionError


def heard_during(work: Callable[[], None]) -> list[int | None]:
    """The heads of the bells that a process with sockets hears while `work` runs."""
    with redis.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as bells:
        bells.subscribe(bell.channel())
        assert bells.get_message(timeout=60)
        work()
        client.publish(bell.channel(), "end")
        heads = []
        while (said := next(iter(bells.listen()))["data"]) != b"end":
            heads.append(int(said) if said else None)
        return heads


@pytest.mark.usefixtures("patient")
def test_a_commit_rings_once_and_names_its_number(transactional_db: None) -> None:
    def several() -> None:
        with transaction.atomic():
            publish(events=[Event("call.came", uuid7())], now=NOON)
            with transaction.atomic():
                publish(documents=[Document("calls", uuid7(), AGENCY, {})], now=NOON)
            grant(principal=uuid7(), scopes=["agency"])

    first = heard_during(several)
    assert first == [reading.head().seq]

    second = heard_during(put)
    assert second == [reading.head().seq] == [first[0] + 1]


def test_what_is_rolled_back_does_not_ring(transactional_db: None) -> None:
    def fail() -> None:
        with pytest.raises(ZeroDivisionError):
            put_and_fail()

    assert heard_during(fail) == []


@pytest.mark.usefixtures("patient")
def test_a_savepoint_that_is_rolled_back_takes_its_bell_along(transactional_db: None) -> None:
    def fail_inside() -> None:
        with transaction.atomic(), pytest.raises(ZeroDivisionError):
            put_and_fail()

    def fail_then_publish() -> None:
        with transaction.atomic():
            with pytest.raises(ZeroDivisionError):
                put_and_fail()
            put()

    assert heard_during(fail_inside) == []
    assert heard_during(fail_then_publish) == [reading.head().seq]


@pytest.mark.usefixtures("patient")
def test_a_sign_in_rings_and_one_that_changes_nothing_does_not(transactional_db: None) -> None:
    person, tablet = uuid7(), uuid7()
    with transaction.atomic():
        grant(principal=person, scopes=["agency"])

    def sign_in() -> None:
        with transaction.atomic():
            bind(holder=tablet, principal=person)

    assert len(heard_during(sign_in)) == 1
    assert heard_during(sign_in) == []


@pytest.mark.usefixtures("patient")
def test_a_number_that_was_not_said_is_not_made_up(transactional_db: None) -> None:
    put()

    def commit_without_a_change() -> None:
        with transaction.atomic():
            bell.ring_after_commit(connection)

    assert heard_during(commit_without_a_change) == [None]


@pytest.mark.usefixtures("patient")
def test_a_loop_that_has_ended_keeps_the_bell_from_nobody(transactional_db: None) -> None:
    before = set(bell.listeners)

    async def listen() -> None:
        Ears(lambda head: None)._hear_this_process()

    asyncio.run(listen())
    assert bell.listeners != before
    assert heard_during(put) == [reading.head().seq]
    assert bell.listeners == before


def test_without_redis_the_change_is_committed_and_the_log_says_so(
    patient: None,
    transactional_db: None,
    settings: LazySettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # nobody else has the port, and nobody listens on it
        settings.REDIS_URL = f"redis://127.0.0.1:{deaf.getsockname()[1]}"
        with caplog.at_level(logging.WARNING):
            put()

    assert Change.objects.filter(kind="doc").count() == 1
    assert [record.getMessage() for record in caplog.records] == ["bell not heard: ConnectionError"]


def test_a_redis_that_does_not_answer_holds_nobody_up(
    transactional_db: None,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(bell, "_PATIENCE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        with caplog.at_level(logging.WARNING):
            put()

    assert time.monotonic() - begun < 10  # twice the 5 s that the client's library would wait
    assert Change.objects.filter(kind="doc").count() == 1
    assert [record.getMessage() for record in caplog.records] == ["bell not heard: TimeoutError"]
