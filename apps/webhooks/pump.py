"""The pump: makes deliveries, claims attempts, has them made at the same time, writes what came.

The database is asked by this thread alone; a second thread runs the event loop in which requests
are under way. A slow receiver keeps its own few requests open and nobody else's.

    this thread:   tell -> claim -> [jobs] ->            -> finish -> tell -> ...
    event loop:                        post, post, post -> [results]
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from django.conf import settings
from django.db import transaction

from apps.core import clock
from apps.webhooks import services
from apps.webhooks.client import Sender
from apps.webhooks.services import Job, Result

# How long an answer is awaited before the database is asked again for what has become due: beside a
# slow receiver the others wait no longer than they would without it.
_IDLE_SECONDS: Final = 0.02
# Answers that come within this time of each other are written together.
_TOGETHER_SECONDS: Final = 0.005
_FEW: Final = 16


class InTransaction(RuntimeError):
    """Nobody waits for a stranger's server with rows locked."""


class Outside:
    """Makes attempts in an event loop of its own thread; `results` fills up with what came."""

    def __init__(self) -> None:
        self.results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self.under_way = 0
        self._loop = asyncio.new_event_loop()
        # Names are asked for in threads of it. Left to itself a loop has a handful, and as many
        # name servers that never answer would keep everybody waiting.
        self._loop.set_default_executor(ThreadPoolExecutor(settings.WEBHOOK_IN_FLIGHT))
        self._sender = Sender()
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself holds none
        self._thread = threading.Thread(target=self._loop.run_forever, name="webhooks", daemon=True)
        self._thread.start()

    def begin(self, jobs: Iterable[Job]) -> None:
        """Starts these attempts now, all at once."""
        jobs = list(jobs)
        self.under_way += len(jobs)
        self._loop.call_soon_threadsafe(self._start, jobs)

    def _start(self, jobs: list[Job]) -> None:
        for job in jobs:
            task = self._loop.create_task(self._make(job))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _make(self, job: Job) -> None:
        self.results.put(await self._sender.send(job))

    def come(self, *, seconds: float) -> list[Result]:
        """What has come, at least one if any comes within so many seconds. Half of what is under
        way is enough: the others go on while it is written down."""
        found: list[Result] = []
        enough = max(_FEW, self.under_way // 2)
        try:
            found.append(self.results.get(timeout=seconds))
            while True:
                found.append(self.results.get(timeout=_TOGETHER_SECONDS))
                if len(found) >= enough:
                    break
        except queue.Empty:
            pass
        self.under_way -= len(found)
        return found

    def close(self) -> None:
        """Ends the loop; what is under way is cut off, and its claim runs out."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sender.close()


class Pump:
    """Delivers turn by turn. What is under way when a turn ends goes on, and is written down in the
    next: a turn that waited for a slow receiver would keep every other one waiting.

    One for a process; a turn that begins while another one runs ends at once. What is under way
    when the process ends is lost with it, and made again once its claim has run out.
    """

    def __init__(self) -> None:
        self._outside: Outside | None = None
        self._turning = threading.Lock()

    def turn(self, *, seconds: float) -> int:
        """Delivers until nothing is due and nothing under way, or the time is over. Returns how
        many attempts were begun."""
        if transaction.get_connection().in_atomic_block:
            raise InTransaction("Webhooks are not sent from inside a transaction.")
        if not self._turning.acquire(blocking=False):
            return 0
        try:
            return self._turn(time.monotonic() + seconds)
        finally:
            self._turning.release()

    def _turn(self, ends: float) -> int:
        outside = self._outside = self._outside or Outside()
        made = 0
        while True:
            services.tell(now=clock.now())
            free = settings.WEBHOOK_IN_FLIGHT - outside.under_way
            jobs = services.claim(slots=free, now=clock.now())
            outside.begin(jobs)
            made += len(jobs)
            if not outside.under_way:
                return made
            self._take(outside)
            if time.monotonic() >= ends:
                return made

    def drain(self) -> None:
        """Waits for what is under way, and writes down what comes of it."""
        while self._outside is not None and self._outside.under_way:
            self._take(self._outside)

    def close(self) -> None:
        """Ends its thread; what is under way is cut off."""
        if self._outside is not None:
            self._outside.close()
            self._outside = None

    @staticmethod
    def _take(outside: Outside) -> None:
        if results := outside.come(seconds=_IDLE_SECONDS):
            services.finish(results, now=clock.now())


def pump(*, seconds: float) -> int:
    """One turn, and then until what is under way has come in. Returns how many attempts were
    made."""
    one = Pump()
    try:
        made = one.turn(seconds=seconds)
        one.drain()
        return made
    finally:
        one.close()
