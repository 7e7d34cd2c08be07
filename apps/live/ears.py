"""Hearing the bell on the channel layer, and knowing when it cannot be heard."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from redis.exceptions import RedisError

from apps.changes import bell

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 2.0
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_BROKEN = (RedisError, OSError, TimeoutError)


class Ears:
    """Calls `heard` for every bell with the head that it tells of, and with None ("look") whenever
    hearing comes back. One channel for the process: sockets have none of their own.

    Commits of this very process are heard directly, several milliseconds before their bell."""

    def __init__(self, heard: Callable[[int | None], None]) -> None:
        self._heard = heard
        self._channel: str | None = None
        self._connected = False
        self._answering = True
        self._listening = False

    @property
    def deaf(self) -> bool:
        """The layer is away, or does not answer."""
        return not (self._connected and self._answering)

    async def listen(self) -> None:
        """Waits for bells, for ever; after a failure tries again with growing pauses."""
        layer: Any = get_channel_layer()
        self._hear_this_process()
        self._channel = self._channel or await layer.new_channel("hub")
        pause = _FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await layer.group_add(bell.GROUP, self._channel)
                self._connected = True
                self._heard(None)
                pause = _FIRST_PAUSE
                while True:
                    self._heard((await layer.receive(self._channel)).get("head"))
            except _BROKEN as error:
                log.warning("the bell cannot be heard: %s", type(error).__name__)
                self._connected = False
                self._heard(None)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def probe(self) -> None:
        """Joins the group again with every heartbeat: it lapses after a day, is lost when Redis
        loses its data, and a Redis that hangs would otherwise look like silence."""
        layer: Any = get_channel_layer()
        while True:
            await asyncio.sleep(settings.HEARTBEAT_SECONDS)
            if self._channel is None:
                continue
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await layer.group_add(bell.GROUP, self._channel)
                self._answering = True
            except _BROKEN as error:
                log.warning("the bell cannot be heard: %s", type(error).__name__)
                self._answering = False
                self._heard(None)

    def _hear_this_process(self) -> None:
        loop = asyncio.get_running_loop()

        def listener(head: int | None) -> None:
            if loop.is_closed():
                bell.listeners.discard(listener)
            else:
                loop.call_soon_threadsafe(self._heard, head)

        if not self._listening:
            self._listening = True
            bell.listeners.add(listener)
