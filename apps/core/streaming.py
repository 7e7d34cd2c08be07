"""Answers of any length, sent part by part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import StreamingHttpResponse


class PartByPart(StreamingHttpResponse):
    """An answer whose parts are made while it is sent, each when the one before has gone.

    Django's own gathers all parts of an ordinary iterator in memory before an ASGI server gets the
    first. Here each is made in the request's thread, and its connection to the database goes back
    to the pool before a slow client is waited for: an iterator holds no transaction across a part.
    """

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts: Iterator[bytes] = iter(self)
        while (part := await sync_to_async(_next)(parts)) is not None:
            yield part


def _next(parts: Iterator[bytes]) -> bytes | None:
    try:
        return next(parts, None)
    finally:
        close_old_connections()
