from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer
from django.conf import LazySettings
from django.db import connection, transaction

from apps.changes import bell, reading
from apps.changes.models import Change
from apps.changes.services import Document, Event, bind, grant, publish
from apps.core.ids import uuid7

NOON = datetime(2026, 3, 4, 20, tzinfo=UTC)
AGENCY = frozenset({"agency"})
SOCKET_TIMEOUT = 60.0  # seconds that a silent Redis would hold up whoever waits for it


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


def heard_during(work: Callable[[], None]) -> list[Any]:
    """The heads of the bells that a process with sockets hears while `work` runs."""

    async def listen() -> list[Any]:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(bell.GROUP, channel)
        await sync_to_async(work)()
        await layer.group_send(bell.GROUP, {"type": "end"})
        heads = []
        while (message := await layer.receive(channel))["type"] != "end":
            assert message["type"] == "bell"
            heads.append(message["head"])
        return heads

    return async_to_sync(listen)()


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


def layer_at(port: int) -> dict[str, Any]:
    hosts = [{"address": f"redis://127.0.0.1:{port}", "socket_timeout": SOCKET_TIMEOUT}]
    return {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": hosts},
        }
    }


def test_without_redis_the_change_is_committed_and_the_log_says_so(
    patient: None,
    transactional_db: None,
    settings: LazySettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # nobody else has the port, and nobody listens on it
        settings.CHANNEL_LAYERS = layer_at(deaf.getsockname()[1])
        with caplog.at_level(logging.WARNING):
            put()

    assert Change.objects.filter(kind="doc").count() == 1
    assert [record.getMessage() for record in caplog.records] == ["bell not heard: ConnectionError"]


def test_a_redis_that_does_not_answer_holds_nobody_up(
    transactional_db: None, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.CHANNEL_LAYERS = layer_at(silent.getsockname()[1])
        begun = time.monotonic()
        with caplog.at_level(logging.WARNING):
            put()

    assert time.monotonic() - begun < SOCKET_TIMEOUT
    assert Change.objects.filter(kind="doc").count() == 1
    assert [record.getMessage() for record in caplog.records] == ["bell not heard: TimeoutError"]
