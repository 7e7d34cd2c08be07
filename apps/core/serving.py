"""The event loop that serves this process's clients, for threads that leave something with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

_loop: asyncio.AbstractEventLoop | None = None
_errands: set[asyncio.Task[None]] = set()  # the loop itself holds no task


def from_here() -> None:
    """The running loop is the one that serves."""
    global _loop  # noqa: PLW0603  (one for the process)
    _loop = asyncio.get_running_loop()


def leave(errand: Callable[[], Coroutine[Any, Any, None]]) -> bool:
    """Has the serving loop run an errand, without waiting for it. False where none is running, as
    in a worker or a command."""
    loop = _loop
    if loop is None or not loop.is_running():
        return False

    def begin() -> None:
        task = loop.create_task(errand())
        _errands.add(task)
        task.add_done_callback(_errands.discard)

    try:
        loop.call_soon_threadsafe(begin)
    except RuntimeError:  # it has ended just now
        return False
    return True
