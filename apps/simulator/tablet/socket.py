"""The live connection: each frame continues what the tablet has, or the tablet pulls instead.

A frame says from which checkpoint it goes on (`prev`). If that is what the store has, the frame is
taken; if the store is already there, it is a repeat; otherwise something is missing, and a pull
brings it. So a lost, doubled or overtaken frame does no harm, and without any socket the tablet
still works: it pulls at its own pace.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import NoReturn, Protocol

import orjson
from websockets.exceptions import ConnectionClosed, WebSocketException

from .replication import Replication
from .store import Document, Store, seq_of
from .wire import SCHEMA, hello, socket_headers

SILENCE = 2.5  # heartbeats that may be missing before the connection counts as dead
OPEN_SECONDS = 10.0
# Closed with this: until what is held was sent, or until the server's operator has come.
ANOTHER_HISTORY = 4409


class Connection(Protocol):
    """What is used of a WebSocket."""

    async def send(self, message: str) -> None: ...
    async def recv(self) -> str | bytes: ...


Dial = Callable[[str, dict[str, str]], AbstractAsyncContextManager[Connection]]


class Socket:
    """Keeps one socket open, for ever. `up_since` (monotonic) once the server has answered. `mode`:
    `frames`, or `resync` for a client that only wants to be told when to pull."""

    def __init__(
        self,
        url: str,
        store: Store,
        replication: Replication,
        dial: Dial,
        *,
        schema: int = SCHEMA,
        mode: str = "frames",
    ) -> None:
        self._url = url
        self._store = store
        self._replication = replication
        self._dial = dial
        self._schema = schema
        self._mode = mode
        self.up_since: float | None = None

    @property
    def up(self) -> bool:
        return self.up_since is not None

    async def listening(self) -> None:
        """Dial, listen, and dial again after a pause with jitter."""
        failures = 0
        while True:
            answered = await self.session()
            failures = 0 if answered else failures + 1
            await self._replication.pause(failures)

    async def session(self) -> bool:
        """One connection, from dialling to its end. Whether the server answered the hello."""
        try:
            async with self._dial(self._url, socket_headers(self._store.token)) as connection:
                await self._converse(connection)
        except ConnectionClosed as closed:
            return self.up and (closed.rcvd is None or closed.rcvd.code != ANOTHER_HISTORY)
        except (OSError, TimeoutError, WebSocketException):
            return self.up
        finally:
            self.up_since = None

    async def _converse(self, connection: Connection) -> NoReturn:
        checkpoints = {name: self._store.checkpoint(name) for name in self._replication.collections}
        greeting = hello(
            self._store.instance, checkpoints, self._store.seen, self._schema, self._mode
        )
        await connection.send(orjson.dumps(greeting).decode())
        silence, history = OPEN_SECONDS, None
        while True:
            async with asyncio.timeout(silence):
                message = orjson.loads(await connection.recv())
            if history is not None and self._store.epoch not in {None, history}:
                # A pull has told of another one. A frame of before would be taken where nothing was
                # pulled yet, and a heartbeat of before would lead back.
                raise OSError("this connection is of a history that is over")
            match message["type"]:
                case "welcome":
                    history = message["epoch"]
                    self.up_since = time.monotonic()
                    silence = SILENCE * message["heartbeat_seconds"]
                    self._replication.regained()
                    self._heard(message)
                case "heartbeat":
                    self._heard(message)
                case "frame":
                    self._take(message)
                case "resync":
                    self._replication.want()

    def _heard(self, message: Document) -> None:
        """A welcome or heartbeat: which history the server follows, and how far it has come."""
        if self._store.epoch not in {None, message["epoch"]}:
            self._replication.renew(message["epoch"])
            return
        if self._mode == "resync" and seq_of(message["head"]) > self._replication.pulled:
            self._replication.want()  # it may concern us: nothing else tells
        self._store.has_seen(message["head"])
        for collection, checkpoint in message.get("checkpoints", {}).items():
            if checkpoint is not None and checkpoint != self._store.checkpoint(collection):
                self._replication.want(collection)  # a frame went missing

    def _take(self, frame: Document) -> None:
        collection, checkpoint = frame["collection"], frame["checkpoint"]
        have = self._store.checkpoint(collection)
        if checkpoint == have:
            return
        if not self._replication.take(collection, frame["documents"], frame["prev"], checkpoint):
            self._replication.want(collection)
