"""Hearing the bell, and knowing when it cannot be heard."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from apps.changes import bell

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 2.0
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_BROKEN = (RedisError, OSError, TimeoutError)


class Ears:
    """Calls `heard` for every bell with the head that it tells of, and with None ("look") whenever
    hearing comes back. One subscription for the process: sockets have none of their own.

    Commits of this very process are heard directly, some milliseconds before their bell."""

    def __init__(self, heard: Callable[[int | None], None]) -> None:
        self._heard = heard
        self._listening = False
        self.deaf = True  # Redis is away, or does not answer

    async def listen(self) -> None:
        """Waits for bells, for ever; after a failure tries again with growing pauses."""
        self._hear_this_process()
        pause = _FIRST_PAUSE
        while True:
            try:
                async with _subscribed() as bells:
                    self.deaf = False
                    self._heard(None)
                    pause = _FIRST_PAUSE
                    while True:
                        head = await _next(bells)
                        self._heard(int(head) if head.isdigit() else None)
            except _BROKEN as error:
                log.warning("the bell cannot be heard: %s", type(error).__name__)
                self.deaf = True
                self._heard(None)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _hear_this_process(self) -> None:
        loop = asyncio.get_running_loop()

        def listener(head: int | None) -> None:
            try:
                loop.call_soon_threadsafe(self._heard, head)
            except RuntimeError:  # it has ended, at the latest just now
                bell.listeners.discard(listener)

        if not self._listening:
            self._listening = True
            bell.listeners.add(listener)


@contextlib.asynccontextmanager
async def _subscribed() -> AsyncIterator[PubSub]:
    """A subscription that says when its connection breaks, instead of mending it unseen: bells that
    were missed meanwhile have to be made up for."""
    client = Redis.from_url(
        settings.REDIS_URL, client_name=bell.channel(), retry=Retry(NoBackoff(), 0)
    )
    async with client, client.pubsub() as bells:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await bells.subscribe(bell.channel())
            await bells.get_message(timeout=None)  # says that it is subscribed
        yield bells


async def _next(bells: PubSub) -> bytes:
    """What the next bell says. After a heartbeat without one Redis is asked whether it lives: one
    that hangs would otherwise look like silence. Raises what `_BROKEN` names."""
    while True:
        message = await bells.get_message(timeout=settings.HEARTBEAT_SECONDS)
        if message is None:
            await bells.ping()
            message = await bells.get_message(timeout=_PATIENCE_SECONDS)
            if message is None:
                raise TimeoutError
        if message["type"] == "message":
            said: bytes = message["data"]
            return said
