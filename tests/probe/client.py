"""A socket's client for tests: it keeps what it was sent, and checks that frames are a chain."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.factories import EnrolledTablet

PATIENCE = 60.0  # it ends what hangs: what is only slow has the time
Message = dict[str, Any]


class Broken(AssertionError):
    """The frames do not continue each other."""


class SocketClient:
    """`documents` is what a tablet would hold; `received` every document in the order it came."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.welcome: Message = {}
        self.checkpoints: dict[str, str | None] = {}
        self.documents: dict[str, Message] = {}
        self.received: list[Message] = []
        self.frames: list[Message] = []
        self.heartbeats: list[Message] = []
        self.resyncs = 0

    def hello(self, **fields: Any) -> None:
        self.checkpoints = dict(fields.get("checkpoints") or {})
        self.connection.send(json.dumps({"type": "hello", **fields}))
        self.welcome = self.next()
        assert self.welcome["type"] == "welcome", self.welcome

    def next(self, seconds: float = PATIENCE) -> Message:
        """The next message, taken over. TimeoutError, or ConnectionClosed."""
        message: Message = json.loads(self.connection.recv(timeout=seconds))
        match message["type"]:
            case "frame":
                self._take(message)
            case "heartbeat":
                self.heartbeats.append(message)
            case "resync":
                self.resyncs += 1
        return message

    def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Listens until something holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            self.next(max(0.01, deadline - time.monotonic()))

    def has(self, *ids: UUID) -> bool:
        return all(str(id) in self.documents for id in ids)

    def closed(self, seconds: float = PATIENCE) -> tuple[int, str]:
        """Listens until the server closes; its code and reason."""
        with contextlib.suppress(ConnectionClosed):
            self.until(lambda: False, seconds)
        close = self.connection.protocol.close_rcvd
        assert close is not None, "the connection broke without a close"
        return close.code, close.reason

    def _take(self, frame: Message) -> None:
        name = frame["collection"]
        if frame["prev"] != self.checkpoints.get(name):
            raise Broken(f"a frame of {name} does not continue the last one")
        self.checkpoints[name] = frame["checkpoint"]
        self.frames.append(frame)
        for document in frame["documents"]:
            self.received.append(document)
            if document["_deleted"]:
                self.documents.pop(document["id"], None)
            else:
                self.documents[document["id"]] = document


@contextmanager
def dialled(url: str, **options: Any) -> Iterator[SocketClient]:
    """An open socket, before its hello. It sends no pings: of a test that looks away for a while
    it would think that the server has gone."""
    options = {"max_size": 2**24, "open_timeout": PATIENCE, "ping_interval": None, **options}
    with connect(url, compression=None, proxy=None, **options) as connection:
        yield SocketClient(connection)


@contextmanager
def joined(ws_url: str, of: EnrolledTablet, **fields: Any) -> Iterator[SocketClient]:
    """A tablet's socket, after its welcome."""
    headers = {"Authorization": f"Bearer {of.token}"}
    with dialled(f"{ws_url}/ws/v1/sync", additional_headers=headers) as client:
        client.hello(instance=str(of.instance), **fields)
        yield client
