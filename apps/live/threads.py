"""Threads for the database work of sockets, apart from those that serve requests.

Channels would run everything synchronous in one thread of the process. Here the feed has a thread
of its own, which keeps its connection: a bell is answered at once, whatever else goes on. Opening
sockets and catching up share a few more, which is also what paces a herd of reconnecting tablets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import connection, connections
from django.db.utils import InterfaceError, OperationalError

P = ParamSpec("P")
R = TypeVar("R")

CATCHING_UP = 4


class Threads:
    """One set for one hub."""

    def __init__(self) -> None:
        self._feed = ThreadPoolExecutor(1, thread_name_prefix="feed")
        self._others = ThreadPoolExecutor(CATCHING_UP, thread_name_prefix="sockets")

    async def feed(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs where the database connection stays open."""
        call = partial(_keeping_connection, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._feed, call)

    async def other(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs beside up to three others; the connection goes back to the pool afterwards."""
        call = partial(_returning_connection, function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._others, call)

    def close(self) -> None:
        """No more work; what runs ends by itself."""
        self._feed.shutdown(wait=False, cancel_futures=True)
        self._others.shutdown(wait=False, cancel_futures=True)


def _keeping_connection(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return function(*args, **kwargs)
    except (OperationalError, InterfaceError):
        connection.close()  # the next call gets a new one
        raise


def _returning_connection(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return function(*args, **kwargs)
    finally:
        connections.close_all()
