"""Answers of any length, sent part by part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import StreamingHttpResponse

Parts = Generator[bytes, None, None]


class PartByPart(StreamingHttpResponse):
    """An answer whose parts are made while it is sent, each when the one before has gone.

    Django's own gathers all parts of an ordinary iterator in memory before an ASGI server gets the
    first. Here each is made in the stream's one thread, and its connection to the database goes
    back to the pool before a slow client is waited for: the generator holds no transaction across a
    part. Where the client leaves while a part is made, the generator is closed after it.
    """

    def __init__(self, parts: Parts, **options: Any) -> None:
        super().__init__(parts, **options)
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while (part := await sync_to_async(_next)(self._parts)) is not None:
                yield part
        finally:
            await sync_to_async(self._parts.close)()


def _next(parts: Parts) -> bytes | None:
    try:
        return next(parts, None)
    finally:
        close_old_connections()
