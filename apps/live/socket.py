"""One socket as the hub sees it: who it is, where it stands, and what waits to be sent.

Kept small: a city's tablets are all connected all day, and nearly all of them are silent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.live import messages
from apps.live.messages import Code
from apps.live.parts import Part
from apps.live.sessions import Who

Send = Callable[[dict[str, Any]], Awaitable[None]]

# Unsent frames and characters, beyond which a socket is behind and has to catch up.
MOST_UNSENT = 64
MOST_UNSENT_TEXT = 1024 * 1024
# How long a close may wait behind a full buffer before the connection is dropped instead.
LAST_WORD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Frame:
    text: str
    collection: str
    prev: str | None


class Socket:
    """`checkpoints` say where its frames have come to, sent or queued: the next continue there.

    `frames` is false for a plain client, which is only told to pull. `live`: it takes part in the
    hub's rounds; otherwise it is catching up, or gone.
    """

    __slots__ = (
        "_closed", "_outbox", "_owner", "_send", "_stuck_since", "_told_to_pull", "_unsent",
        "_writer", "beat_at", "checkpoints", "ends_at", "frames", "live", "told", "user", "who",
    )  # fmt: skip

    def __init__(
        self, who: Who, *, checkpoints: dict[str, str | None], frames: bool, send: Send
    ) -> None:
        self.who = who
        self.user: UUID | None = who.user
        self.checkpoints = checkpoints
        self.frames = frames
        self.live = False
        self.told = 0
        self.beat_at = 0.0
        self.ends_at = 0.0
        self._send = send
        self._owner = asyncio.current_task()
        self._outbox: deque[str | _Frame | dict[str, Any]] | None = None
        self._unsent = 0
        self._writer: asyncio.Task[None] | None = None
        self._stuck_since: float | None = None
        self._told_to_pull = False
        self._closed = False

    @property
    def closed(self) -> bool:
        """It is being closed: nothing more is put on it."""
        return self._closed

    @property
    def idle(self) -> bool:
        """Nothing waits to be sent."""
        return self._writer is None

    def say(self, text: str) -> None:
        """Queues a message that is no frame."""
        self._put(text)

    def tell_to_pull(self) -> None:
        """Queues a resync, unless one is waiting there already."""
        if not self._told_to_pull:
            self._told_to_pull = True
            self._put(messages.RESYNC)

    def deliver(self, part: Part) -> bool:
        """Queues a frame that continues the last one. False: too much is unsent already, so all of
        it is taken back, and the socket has to catch up from what it was really sent."""
        prev = self.checkpoints[part.collection]
        text = messages.frame(part.collection, prev, part.documents, part.checkpoint)
        full = self._outbox is not None and (
            len(self._outbox) >= MOST_UNSENT or self._unsent + len(text) > MOST_UNSENT_TEXT
        )
        if full and self._unsent:
            self._take_back()
            return False
        self.checkpoints[part.collection] = part.checkpoint
        self._put(_Frame(text, part.collection, prev))
        return True

    def close(self, code: Code, reason: str) -> None:
        """Closes it once everything that waits is sent."""
        if not self._closed:
            self._put({"type": "websocket.close", "code": int(code), "reason": reason})
            self._closed = True
            self.live = False

    def stuck_for(self, now: float) -> float:
        """How long the client has not been reading, in seconds of the loop's clock."""
        return 0.0 if self._stuck_since is None else now - self._stuck_since

    async def drop(self, code: Code, reason: str) -> None:
        """Ends it although what waits cannot be sent: a short last word, then the connection."""
        self._closed = True
        self.live = False
        if self._writer is not None:
            self._writer.cancel()
        with contextlib.suppress(TimeoutError, OSError, RuntimeError):
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await self._send({"type": "websocket.close", "code": int(code), "reason": reason})
        if self._owner is not None:
            self._owner.cancel()

    async def drained(self) -> None:
        """Returns when nothing waits to be sent."""
        while (writer := self._writer) is not None:
            await asyncio.wait([writer])

    def _put(self, item: str | _Frame | dict[str, Any]) -> None:
        if self._closed:
            return
        if self._outbox is None:
            self._outbox = deque()
        self._outbox.append(item)
        if isinstance(item, _Frame):
            self._unsent += len(item.text)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """Sends what waits, in order, and ends. One message is with the server at a time."""
        loop = asyncio.get_running_loop()
        try:
            while self._outbox:
                item = self._outbox.popleft()
                self._stuck_since = loop.time()
                match item:
                    case _Frame():
                        self._unsent -= len(item.text)
                        await self._send({"type": "websocket.send", "text": item.text})
                    case str():
                        if item is messages.RESYNC:
                            self._told_to_pull = False
                        await self._send({"type": "websocket.send", "text": item})
                    case _:
                        await self._send(item)
        except (OSError, RuntimeError):
            self._closed = True  # the client is gone; its task finds out by itself
            self.live = False
        finally:
            self._outbox = None
            self._unsent = 0
            self._stuck_since = None
            self._writer = None

    def _take_back(self) -> None:
        assert self._outbox is not None
        for item in reversed(self._outbox):
            if isinstance(item, _Frame):
                self.checkpoints[item.collection] = item.prev
        kept = [item for item in self._outbox if not isinstance(item, _Frame)]
        self._outbox.clear()
        self._outbox.extend(kept)
        self._unsent = 0
