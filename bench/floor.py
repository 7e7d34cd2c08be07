"""The floor of sockets: a bare `websockets` server that passes on what it hears from Redis.

    python -m bench.floor PORT

A client joins the group that its address names. A message on the channel is the group's name, a
line break, and the text for every socket in it.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from http import HTTPStatus
from typing import Final

import redis.asyncio as redis
import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.http11 import Request, Response

CHANNEL: Final = "bench-floor"
_groups: defaultdict[str, set[ServerConnection]] = defaultdict(set)


async def _socket(connection: ServerConnection) -> None:
    assert connection.request is not None
    group = _groups[connection.request.path]
    group.add(connection)
    try:
        await connection.wait_closed()
    finally:
        group.discard(connection)


def _health(connection: ServerConnection, request: Request) -> Response | None:
    return connection.respond(HTTPStatus.OK, "") if request.path == "/healthz" else None


async def _serve(port: int) -> None:
    listener = redis.Redis.from_url(os.environ["REDIS_URL"]).pubsub()
    await listener.subscribe(CHANNEL)
    async with serve(_socket, "127.0.0.1", port, compression=None, process_request=_health):
        async for message in listener.listen():
            if message["type"] == "message":
                group, _, text = message["data"].partition(b"\n")
                broadcast(_groups[group.decode()], text.decode())


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
