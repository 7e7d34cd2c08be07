"""Who is let in, before any thread or database is asked.

A city's tablets come back together: after a tunnel of the mobile network, after a restart. Each
would wait for its turn in one line with the calls of CAD and the desk's clicks. So tablets'
synchronisation has a share of the threads and a line of its own; where the line is full the answer
is a cheap 503 that says when to come back. Pictures that are sent have another, shorter line: where
it is full, records are as welcome as ever. Nothing else is ever refused here.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from math import ceil

# The longest that a tablet is sent away for, in seconds.
LONGEST = 60
# What one request takes until it is known, and how slowly that follows what is measured.
_FIRST_GUESS = 0.05
_INERTIA = 0.95


class Pace:
    """When whoever is refused shall come back: spread over the time that those before them need."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._seconds = _FIRST_GUESS
        self._booked_until = 0.0

    def took(self, seconds: float) -> None:
        """One request was answered in this time."""
        self._seconds = _INERTIA * self._seconds + (1 - _INERTIA) * seconds

    def retry_after(self, *, waiting: int, now: float) -> int:
        """Whole seconds, at random within a spread that grows with those who wait and those who
        were sent away before, and that shrinks as time goes by."""
        each = self._seconds / self._at_once
        self._booked_until = max(self._booked_until, now + waiting * each) + each
        spread = min(self._booked_until - now, LONGEST - 1)
        return 1 + random.randint(0, ceil(spread))  # noqa: S311  (no secret)


@dataclass
class Queue:
    """Those who wait: at most `most` (None: any number), with at most `most_bytes` of bodies."""

    pace: Pace
    most: int | None
    most_bytes: int
    waiting: int = 0
    held: int = 0


@dataclass
class Turn:
    """What is worked on at once: one request, or so many that are answered together."""

    requests: int = 1


class Line:
    """One sort of request. `turn` waits for a place in each of `places`, in their order."""

    def __init__(self, queue: Queue, *places: asyncio.Semaphore) -> None:
        self.queue = queue
        self._places = places

    def retry_after(self) -> int | None:
        """When to come back; None: there is room in the line."""
        here = self.queue
        if here.most is None or here.waiting < here.most:
            return None
        return here.pace.retry_after(waiting=here.waiting, now=time.monotonic())

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Waits for its turn; inside it is being worked on."""
        here = self.queue
        async with AsyncExitStack() as held:
            here.waiting += 1
            try:
                for place in self._places:
                    await held.enter_async_context(place)
            finally:
                here.waiting -= 1
            turn, began = Turn(), time.monotonic()
            yield turn
            here.pace.took((time.monotonic() - began) / turn.requests)


class Admission:
    """The lines of one process. With `threads` of 7: tablets have at most 5, of these pushes at
    most 4 and uploads of pictures 2. So a call always finds a thread, and a pull finds one where
    pushes wait for each other's locks. Pictures are looked at by tablets and desks, 2 at once."""

    def __init__(self, *, threads: int, most_waiting: int, most_bytes: int) -> None:
        tablets = max(1, threads - max(1, threads // 3))
        pictures = max(1, tablets // 2)
        place = asyncio.Semaphore(tablets)
        records = Queue(Pace(tablets), most_waiting, most_bytes)
        uploads = Queue(Pace(pictures), max(1, most_waiting // 4), most_bytes // 4)
        looks = Queue(Pace(pictures), None, 0)
        self._pulls = Line(records, place)
        self._pushes = Line(records, asyncio.Semaphore(max(1, tablets - 1)), place)
        self._uploads = Line(uploads, asyncio.Semaphore(pictures), place)
        self._looks = Line(looks, asyncio.Semaphore(pictures))

    def line_of(self, method: str, path: str) -> Line | None:
        """Where a request has to wait. None: it does not."""
        if path.startswith("/api/v1/media/"):
            return self._uploads if method == "PUT" else self._looks
        if path != "/api/v1/sync" and not path.startswith("/api/v1/sync/"):
            return None
        return self._pulls if method == "GET" else self._pushes
