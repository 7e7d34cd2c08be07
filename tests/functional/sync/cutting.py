"""A radio that cuts the connection in the middle of a message, on the TCP connection itself.

It stands between a tablet and a server and forwards bytes. Each connection has a budget in each
direction, drawn from seeded dice; when it is used up, both sides are cut off without a goodbye: in
the middle of what the tablet sends, or of what the server answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Cutting:
    """The radio. `most_up`, `most_down`: the largest budget of a connection in bytes."""

    port: int
    dice: random.Random
    most_up: int
    most_down: int
    url: str = ""
    cuts: int = 0
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def connected(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """One connection, until it is cut or ends."""
        server, ask = await asyncio.open_connection("127.0.0.1", self.port)
        up, down = self.dice.randint(1, self.most_up), self.dice.randint(1, self.most_down)
        ways = [
            asyncio.create_task(self._forward(client, ask, up)),
            asyncio.create_task(self._forward(server, answer, down)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for side in (ask, answer):
            side.transport.abort()
            with contextlib.suppress(ConnectionError):
                await side.wait_closed()

    async def _forward(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, budget: int
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(4096):
                target.write(data[:budget])
                await target.drain()
                budget -= len(data)
                if budget <= 0:
                    self.cuts += 1
                    return


@asynccontextmanager
async def cutting(port: int, *, seed: int, most_up: int, most_down: int) -> AsyncIterator[Cutting]:
    """Such a radio in front of a server on this machine."""
    radio = Cutting(port, random.Random(seed), most_up, most_down)
    running: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await radio.connected(reader, writer)
        finally:
            running.discard(task)

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as listener:
        radio.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield radio
    await asyncio.gather(*running)
