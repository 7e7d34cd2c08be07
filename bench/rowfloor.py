"""The floor of pushed rows: a bare ASGI application that inserts what it is sent, and commits.

It knows no tablets, judges nothing and keeps no history: one statement and one durable commit a
request, in the same server with the same protocol parser.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from psycopg_pool import AsyncConnectionPool

_pool: AsyncConnectionPool | None = None
Message = dict[str, Any]


async def _connections() -> AsyncConnectionPool:
    global _pool  # noqa: PLW0603  (one for the process, made on its loop)
    if _pool is None:
        _pool = AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=7, max_size=7, open=False)
        await _pool.open()
    return _pool


async def application(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Inserts each row of a posted list as its bytes."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if body:
        rows = [(orjson.dumps(row),) for row in orjson.loads(body)]
        pool = await _connections()
        async with pool.connection() as connection, connection.cursor() as cursor:
            await cursor.executemany("insert into bench_rows (body) values (%s)", rows)
    headers = [(b"content-length", b"2"), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"[]"})
