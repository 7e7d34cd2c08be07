"""A bad radio between one tablet and the server.

It sits in the client, where requests leave and answers come back, because the faults that matter
are those of whole messages, and the worst of them is easily made here: the request arrives, the
server commits, and the answer is lost. A request that is sent twice really reaches the server
twice; a delayed one is really overtaken; a socket is cut on its TCP connection. The server sees
real traffic, and its dice can be seeded.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.protocol import State

T = TypeVar("T")
LARGEST_FRAME = 8 * 1024 * 1024  # bytes: 100 documents of 64 KB
_PHOTOS = "/api/v1/media/"


@dataclass(frozen=True)
class Conditions:
    """How bad the radio is: probabilities per message, and the longest delay in seconds."""

    lost_answers: float = 0.0
    duplicates: float = 0.0
    reordered: float = 0.0
    longest_delay: float = 0.0
    lost_frames: float = 0.0  # and words to pull; a socket's heartbeats come


class Fault(StrEnum):
    """What can happen to a message. `Radio.happened` counts it where it took effect: an answer is
    lost where the server has done what was asked."""

    ANSWER_LOST = "an answer lost, of what was done"
    DOUBLED = "a request that came twice"
    OVERTAKEN = "a request or an answer overtaken by a later one"
    STALLED = "a message held up by a link that stalled"
    UNCOVERED = "a request, an answer or a call without coverage"
    CUT = "an open socket cut"
    FRAME_LOST = "a frame, or the word to pull, lost"
    FRAME_DOUBLED = "a frame that came twice"
    FRAME_OVERTAKEN = "a frame overtaken by what was said later"
    OF_A_PHOTO = "a photo's request that one of these has hit"


CLEAR = Conditions()
POOR = Conditions(lost_answers=0.10, duplicates=0.10, reordered=0.10, longest_delay=0.5)


class Radio:
    """One tablet's link. `covered` is false in a dead zone. `happened`: which faults took effect,
    and how often."""

    def __init__(
        self,
        dice: random.Random,
        conditions: Conditions = CLEAR,
        happened: Counter[str] | None = None,
    ) -> None:
        self._dice = dice
        self.conditions = conditions
        self.happened: Counter[str] = Counter() if happened is None else happened
        self._uncovered = asyncio.Event()
        self._flows = asyncio.Event()
        self._flows.set()
        self._lines: set[Line] = set()
        self.transport = RadioTransport(self)

    @property
    def covered(self) -> bool:
        return not self._uncovered.is_set()

    def lose_coverage(self) -> None:
        """Enter a dead zone: no new connection, every socket cut, every answer on its way lost."""
        self._uncovered.set()
        self.cut_sockets()

    def regain_coverage(self) -> None:
        self._uncovered.clear()

    async def dead_zone(self, seconds: float) -> None:
        """A dead zone from now on, for so long."""
        self.lose_coverage()
        try:
            await asyncio.sleep(seconds)
        finally:
            self.regain_coverage()

    def cut_sockets(self) -> None:
        """Cut the TCP connection of every open socket, without a closing handshake."""
        for line in self._lines:
            line.cut()

    def stall(self) -> None:
        """From now on nothing arrives, in neither direction, and nobody is told: all of it comes
        once the link flows again."""
        self._flows.clear()

    def flow(self) -> None:
        self._flows.set()

    async def flowing(self) -> None:
        """Hold a message up as long as the link stalls."""
        if not self._flows.is_set():
            await self._flows.wait()
            self.happened[Fault.STALLED] += 1

    async def quiet(self) -> None:
        """Return when every request that nobody waits for any more has come to its end."""
        await self.transport.quiet()

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return bool(self.transport.under_way)

    def carries(self, text: str) -> bool:
        """Whether a request with this in its body waits for its answer."""
        wanted = text.encode()
        return any(wanted in request.content for request in self.transport.under_way)

    def happens(self, probability: float) -> bool:
        return self._dice.random() < probability

    async def delay(self) -> None:
        """Hold a message up, so that later ones overtake it."""
        if self.happens(self.conditions.reordered):
            await asyncio.sleep(self._dice.uniform(0, self.conditions.longest_delay))

    async def outage(self) -> None:
        """Return when coverage is lost."""
        await self._uncovered.wait()

    @asynccontextmanager
    async def dial(self, url: str, headers: dict[str, str]) -> AsyncIterator[Line]:
        """Open a WebSocket over this radio. OSError without coverage."""
        if not self.covered:
            self.happened[Fault.UNCOVERED] += 1
            raise OSError("no coverage")
        async with connect(
            url,
            additional_headers=headers,
            compression=None,
            proxy=None,
            max_size=LARGEST_FRAME,
            open_timeout=10,
            close_timeout=1,
        ) as connection:
            line = Line(self, connection)
            self._lines.add(line)
            try:
                yield line
            finally:
                self._lines.discard(line)


class Line:
    """One WebSocket over a radio that loses, doubles, reorders and delays frames."""

    def __init__(self, radio: Radio, connection: ClientConnection) -> None:
        self._radio = radio
        self._connection = connection
        self._again: list[str | bytes] = []

    def cut(self) -> None:
        if self._connection.state is State.OPEN:
            self._radio.happened[Fault.CUT] += 1
        self._connection.transport.abort()

    async def send(self, message: str) -> None:
        await self._connection.send(message)

    async def recv(self) -> str | bytes:
        if self._again:
            return self._again.pop()
        radio = self._radio
        message = await self._connection.recv()
        await radio.flowing()
        while tells_of_news(message) and radio.happens(radio.conditions.lost_frames):
            radio.happened[Fault.FRAME_LOST] += 1
            message = await self._connection.recv()
        if not is_frame(message):
            return message
        if radio.happens(radio.conditions.duplicates):
            self._again.append(message)
            radio.happened[Fault.FRAME_DOUBLED] += 1
        if radio.happens(radio.conditions.reordered):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(radio.conditions.longest_delay):
                    overtaking = await self._connection.recv()
                self._again.append(message)
                radio.happened[Fault.FRAME_OVERTAKEN] += 1
                return overtaking
        return message


def is_frame(message: str | bytes) -> bool:
    """Whether it carries documents. The rest of the conversation has a strict order of its own."""
    return '"frame"' in _start(message)


def tells_of_news(message: str | bytes) -> bool:
    """Whether it is a frame, or the word to pull: what a tablet must be able to do without."""
    return is_frame(message) or '"resync"' in _start(message)


def _start(message: str | bytes) -> str:
    return message[:24] if isinstance(message, str) else message[:24].decode(errors="replace")


class _Way:
    """One direction of a link: who entered it before whom, and left it after."""

    def __init__(self) -> None:
        self._entered = self._left = 0

    def enter(self) -> int:
        """One's place."""
        self._entered += 1
        return self._entered

    def leave(self, place: int) -> bool:
        """Whether one that entered later has left before."""
        overtaken = place < self._left
        self._left = max(self._left, place)
        return overtaken


@functools.cache
def certificates() -> ssl.SSLContext:
    """Who is trusted. To read them takes 25 ms of a processor, so all clients share them."""
    return httpx2.create_ssl_context(trust_env=False)


class RadioTransport(httpx2.AsyncBaseTransport):
    """Real HTTP underneath; the faults around it."""

    def __init__(self, radio: Radio) -> None:
        self._radio = radio
        self._inner = httpx2.AsyncHTTPTransport(verify=certificates())
        self._running: set[asyncio.Task[Any]] = set()
        self._there, self._back = _Way(), _Way()
        self.under_way: set[httpx2.Request] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.under_way.add(request)
        try:
            return await self._carried(request)
        finally:
            self.under_way.discard(request)

    async def _carried(self, request: httpx2.Request) -> httpx2.Response:
        radio = self._radio
        if not radio.covered:
            self._note(Fault.UNCOVERED, request)
            raise httpx2.ConnectError("no coverage")
        await self._on_its_way(self._there, request)
        sent = self._start(self._exchange(request))
        if radio.happens(radio.conditions.duplicates):
            self._start(self._once_more(request))
        outage = self._start(radio.outage())
        try:
            await asyncio.wait({sent, outage}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            outage.cancel()
        if not sent.done():
            self._note(Fault.UNCOVERED, request)
            raise httpx2.ReadError("coverage lost while waiting for the answer")
        response = sent.result()
        await self._on_its_way(self._back, request)
        if radio.happens(radio.conditions.lost_answers):
            if request.method not in {"GET", "HEAD"} and response.is_success:
                self._note(Fault.ANSWER_LOST, request)
            raise httpx2.ReadError("the answer was lost")
        return response

    async def _on_its_way(self, way: _Way, request: httpx2.Request) -> None:
        place = way.enter()
        await self._radio.delay()
        await self._radio.flowing()
        if not self._radio.covered:
            self._note(Fault.UNCOVERED, request)
            raise httpx2.ReadError("coverage lost on the way")
        if way.leave(place):
            self._note(Fault.OVERTAKEN, request)

    def _note(self, fault: Fault, request: httpx2.Request) -> None:
        self._radio.happened[fault] += 1
        if request.url.path.startswith(_PHOTOS):
            self._radio.happened[Fault.OF_A_PHOTO] += 1

    async def _once_more(self, request: httpx2.Request) -> None:
        """The same request again, later; nobody waits for its answer."""
        await asyncio.sleep(self._radio.conditions.longest_delay * 2)
        copy = httpx2.Request(
            request.method, request.url, headers=request.headers, content=request.content
        )
        await self._exchange(copy)
        self._note(Fault.DOUBLED, request)

    async def _exchange(self, request: httpx2.Request) -> httpx2.Response:
        """Read to its end, or an answer that nobody waits for would hold its connection."""
        response = await self._inner.handle_async_request(request)
        await response.aread()
        return response

    async def quiet(self) -> None:
        await asyncio.gather(*self._running, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something that goes on although nobody waits for it any more, as the server does."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that an abandoned request does not complain

    async def aclose(self) -> None:
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._inner.aclose()
