"""The bell: after a commit, a word to every process that has sockets that there is something new.

It may get lost. The change row is the message; sockets repeat the head in every heartbeat and find
out by themselves. So a failure is logged and forgotten, and nothing waits long for Redis.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable

import psycopg
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.core import serving

log = logging.getLogger(__name__)

GROUP = "feed"
_PATIENCE_SECONDS = 0.5

# Those in this very process who want to hear it without the way through Redis. They are called in
# the thread that committed, with the head, and must return at once.
listeners: set[Callable[[int | None], None]] = set()

# The head that the database said when this thread's transaction committed.
_heard = threading.local()


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
    if not serving.leave(lambda: _send(head)):
        async_to_sync(_send)(head)


async def _send(head: int | None) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await layer.group_send(GROUP, {"type": "bell", "head": head})
    except Exception as error:  # noqa: BLE001 - whatever ails Redis, the change is committed
        log.warning("bell not heard: %s", type(error).__name__)


def _hear(said: psycopg.errors.Diagnostic) -> None:
    if said.message_primary == "feed head" and said.message_detail:
        _heard.head = int(said.message_detail)
