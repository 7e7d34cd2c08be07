"""The bell: after a commit, a word to every process that has sockets that there is something new.

It may get lost. The change row is the message; sockets repeat the head in every heartbeat and find
out by themselves. So a failure is logged and forgotten, and nothing waits long for Redis.

It is one PUBLISH of one number. See docs/adr/0013 for why it is no message on a channel layer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from functools import lru_cache
from weakref import WeakKeyDictionary

import psycopg
import redis
import redis.asyncio
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.core import serving

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 0.5

# Those in this very process who want to hear it without the way through Redis. They are called in
# the thread that committed, with the head, and must return at once.
listeners: set[Callable[[int | None], None]] = set()

# The head that the database said when this thread's transaction committed.
_heard = threading.local()


def channel() -> str:
    """The channel that it is published on. A message is a head as a decimal number, or "" for an
    unknown one."""
    return f"{settings.REDIS_PREFIX}:bell"


def ring_after_commit(connection: BaseDatabaseWrapper) -> None:
    """Rings once when the connection's transaction commits, however often it is asked to.

    What is registered in a savepoint leaves with it, so the list itself is asked. Plain functions
    only: a robust `functools.partial` that fails crashes Django 5.2 in the middle of its hooks.
    """
    if any(hook[1] is ring for hook in connection.run_on_commit):
        return
    _heard.head = None
    with contextlib.suppress(ValueError):  # a pooled connection may have been here before
        connection.connection.remove_notice_handler(_hear)
    connection.connection.add_notice_handler(_hear)
    connection.on_commit(ring, robust=True)


def ring() -> None:
    """Tells all processes with sockets to read the feed. In a process that serves clients nothing
    waits for Redis: the loop takes the word along.

    `head` is the number of this commit. The database says it while it commits, which saves asking
    for it on the way of every call; None, should it ever not have been heard, means "look".
    """
    head = _heard.head
    for listener in tuple(listeners):
        listener(head)
    text = "" if head is None else str(head)
    if not serving.leave(lambda: _send(text)):
        try:
            _client(settings.REDIS_URL, _PATIENCE_SECONDS).publish(channel(), text)
        except Exception as error:  # noqa: BLE001 - whatever ails Redis, the change is committed
            _not_heard(error)


async def _send(text: str) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await _loops_client().publish(channel(), text)
    except Exception as error:  # noqa: BLE001 - as above
        _not_heard(error)


def _not_heard(error: Exception) -> None:
    log.warning("bell not heard: %s", type(error).__name__)


@lru_cache(maxsize=4)
def _client(url: str, patience: float) -> redis.Redis:
    """For commands and workers. One more try, for a connection that died while it was not used."""
    return redis.Redis.from_url(
        url,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        retry=Retry(NoBackoff(), 1),
    )


# A client's connections belong to one loop.
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


def _loops_client() -> redis.asyncio.Redis:
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, retry=AsyncRetry(NoBackoff(), 1)
        )
    return _clients[loop]


def _hear(said: psycopg.errors.Diagnostic) -> None:
    if said.message_primary == "feed head" and said.message_detail:
        _heard.head = int(said.message_detail)
