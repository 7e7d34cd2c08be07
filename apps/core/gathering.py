"""Requests of one sort that arrive at the same time, answered together. See docs/adr/0014.

Nobody waits for company: the first one is worked on at once, and those that arrive meanwhile are
the next group. So a group is as large as the load is high, and a lone request is as fast as ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse

from apps.core.admission import Line

log = logging.getLogger(__name__)


class Together(Protocol):
    """What is answered together, and how."""

    def admits(self, request: ASGIRequest) -> bool:
        """Whether this one may be of the sort. On the event loop: a glance."""

    def answer(self, requests: Sequence[ASGIRequest]) -> list[HttpResponse | None]:
        """The answer to each, in a thread. None: nothing of it was done, and it has to go the
        ordinary way, alone. What ails one request must not reach the others."""


class Gatherer:
    """The groups of one process. `AT_ONCE` are worked on: while one waits for the database, the
    other computes. A group has at most `MOST_BYTES` of bodies, and at least one request."""

    AT_ONCE = 2
    MOST_BYTES = 256 * 1024

    def __init__(
        self,
        together: Together,
        in_thread: Callable[..., Awaitable[list[HttpResponse | None]]],
    ) -> None:
        self._together = together
        self._in_thread = in_thread
        self._waiting: deque[tuple[ASGIRequest, int, asyncio.Future[HttpResponse | None]]] = deque()
        self._workers: set[asyncio.Task[None]] = set()

    async def answer(self, request: ASGIRequest, size: int, line: Line) -> HttpResponse | None:
        """The answer, when its group is done; None: it has to go the ordinary way."""
        if size > self.MOST_BYTES or not self._together.admits(request):
            return None
        answered: asyncio.Future[HttpResponse | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, size, answered))
        line.queue.waiting += 1
        # One that has ended serves nobody any more, though its set may not have heard of it yet.
        self._workers = {worker for worker in self._workers if not worker.done()}
        if len(self._workers) < self.AT_ONCE:
            self._workers.add(asyncio.create_task(self._work(line)))
        return await answered

    async def _work(self, line: Line) -> None:
        """Group after group, until nobody waits."""
        while self._waiting:
            async with line.turn() as turn:
                group = self._next(line)
                if not group:
                    return  # another worker has taken them
                turn.requests = len(group)
                answers: list[HttpResponse | None] = [None] * len(group)
                try:
                    answers = await self._in_thread(
                        self._together.answer, [request for request, _ in group]
                    )
                except Exception:
                    log.exception("requests could not be answered together")
            for (_, answered), answer in zip(group, answers, strict=True):
                if not answered.done():  # its client may be gone
                    answered.set_result(answer)

    def _next(self, line: Line) -> list[tuple[ASGIRequest, asyncio.Future[HttpResponse | None]]]:
        group: list[tuple[ASGIRequest, asyncio.Future[HttpResponse | None]]] = []
        room = self.MOST_BYTES
        while self._waiting and (not group or self._waiting[0][1] <= room):
            request, size, answered = self._waiting.popleft()
            line.queue.waiting -= 1
            room -= size
            group.append((request, answered))
        return group
