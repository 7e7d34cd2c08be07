"""The client's end of sockets, the same for the product and for its floor."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

# Opened at the same time by one process: a server's queue of new connections is short.
ABREAST = 20
_HEARTBEAT = '{"type":"heartbeat"'


@dataclass(frozen=True)
class Address:
    """Where a socket goes. With a token it is a tablet's, which says hello first."""

    url: str
    token: str = ""
    instance: str = ""

    @classmethod
    def tablet(cls, ws_url: str, tablet: dict[str, str]) -> Self:
        return cls(f"{ws_url}/ws/v1/sync", tablet["token"], tablet["instance"])

    async def dial(self) -> ClientConnection:
        """An open socket; for a tablet after its welcome."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        socket = await connect(
            self.url,
            additional_headers=headers,
            compression=None,
            max_size=None,
            open_timeout=60,
            ping_interval=None,
        )
        if self.token:
            await socket.send(json.dumps({"type": "hello", "instance": self.instance}))
            if json.loads(await socket.recv())["type"] != "welcome":
                raise RuntimeError("A tablet was not welcomed.")
        return socket

    def as_json(self) -> dict[str, Any]:
        return {"url": self.url, "token": self.token, "instance": self.instance}


async def each(addresses: list[Address], use: Callable[[ClientConnection], Any]) -> list[Any]:
    """Dials all of them, a few at a time; what `use` makes of each."""
    turns = asyncio.Semaphore(ABREAST)

    async def one(address: Address) -> Any:
        async with turns:
            return use(await address.dial())

    return await asyncio.gather(*(one(address) for address in addresses))


@dataclass
class Ear:
    """Reads a socket and notes when the wanted message was there."""

    socket: ClientConnection
    heard_at: float = 0.0
    text: str = ""
    _wanted: Callable[[str], bool] | None = None
    _heard: asyncio.Event = field(default_factory=asyncio.Event)
    _last: float = field(default_factory=time.perf_counter)
    _task: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self._task = asyncio.create_task(self._read())

    def listen(self, wanted: Callable[[str], bool]) -> None:
        """From now on, for the first message that is `wanted`."""
        self._wanted = wanted
        self._heard.clear()

    async def heard(self) -> float:
        """When it was there, by `time.perf_counter`."""
        async with asyncio.timeout(30):
            await self._heard.wait()
        return self.heard_at

    async def silence(self, seconds: float) -> None:
        """Until nothing but heartbeats has come for so long."""
        while (left := self._last + seconds - time.perf_counter()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    async def _read(self) -> None:
        try:
            async for message in self.socket:
                now = time.perf_counter()
                assert isinstance(message, str)
                if not message.startswith(_HEARTBEAT):
                    self._last = now
                if self._wanted is not None and self._wanted(message):
                    self._wanted = None
                    self.heard_at, self.text = now, message
                    self._heard.set()
        except ConnectionClosed:
            return

    async def close(self) -> None:
        await self.socket.close()


def new_number() -> str:
    """A CAD event number that nobody has used."""
    return f"B{uuid4().hex[:18]}"
