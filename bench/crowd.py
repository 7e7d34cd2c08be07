"""Holds idle sockets open, in a process of its own: what they cost their client is not measured.

Reads one line of JSON (a list of addresses) and says "connected" when all of them are. Ends with
its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys

import uvloop
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bench.sockets import Address, each

_readers: set[asyncio.Task[None]] = set()


async def _discard(socket: ClientConnection) -> None:
    try:
        async for _ in socket:
            pass
    except ConnectionClosed:
        sys.stderr.write("an idle socket was closed\n")


def _hold(socket: ClientConnection) -> None:
    _readers.add(asyncio.create_task(_discard(socket)))


async def _main() -> None:
    addresses = [Address(**one) for one in json.loads(sys.stdin.readline())]
    await each(addresses, _hold)
    sys.stdout.write("connected\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(_main())
