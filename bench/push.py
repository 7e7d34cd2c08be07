"""A call from CAD to the tablets: until the frame is read on the socket.

`accepted`: from the instant that the database stamps on the call's commit, which has still to be
made durable. `sent`: from sending the POST, with all that is done to understand the call.

Floor: one durable INSERT of the same bytes, then PUBLISH to a bare websocket server that has as
many sockets. No HTTP, no checks, no audit: the least that keeps a message and brings it there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

import psycopg
import redis.asyncio as redis

from bench.calls import PLAIN, call
from bench.client import Connection
from bench.figures import Aim, Figure, median, percentile
from bench.floor import CHANNEL
from bench.sockets import Address, Ear, each, new_number
from bench.stack import Process, Stack, in_thread

P50: Final = Aim("ratio", most=3)
P99: Final = Aim("ratio", most=4)
_TARGET, _MANY, _CROWD = "CARE21", "CARE22", "CARE99"
_TO_MANY = 200
_FRAME = '{"type":"frame","collection":"assignments"'
_PAUSE_SECONDS = 0.03
_WARM_UP = 30


@dataclass
class _Times:
    """Seconds until it was heard, one for each message and socket that had to hear it."""

    sent: list[list[float]] = field(default_factory=list)
    accepted: list[list[float]] = field(default_factory=list)
    floor: list[list[float]] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)


class _Senders:
    """Both ways of sending a message, each on connections that stay open."""

    def __init__(self, web: Process, token: str) -> None:
        self._web = web
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    @contextlib.asynccontextmanager
    async def open(self, database_url: str, redis_url: str) -> AsyncIterator[Self]:
        """The floor's own table is made where it is missing."""
        async with (
            await psycopg.AsyncConnection.connect(database_url, autocommit=True) as self._store,
            redis.Redis.from_url(redis_url) as self._bell,
        ):
            await self._store.execute("create table if not exists bench_floor (body text)")
            self._http = await Connection.to(self._web.url)
            yield self
            await self._http.close()

    async def post(self, number: str, call_sign: str) -> None:
        """A new call, as CAD sends it."""
        body = call(number, call_sign, datetime.now(UTC))
        await self._http.request("POST", PLAIN, headers=self._headers, body=body)

    async def accepted_at(self) -> datetime:
        """When the last commit of the feed was stamped: nothing else is published meanwhile."""
        found = await self._store.execute(
            "select at from feed_commit where seq is not null order by seq desc limit 1"
        )
        row = await found.fetchone()
        assert row is not None
        at: datetime = row[0]
        return at

    async def pass_on(self, text: str, group: str) -> None:
        """The least that keeps a message and brings it to those who wait for it."""
        await self._store.execute("insert into bench_floor (body) values (%s)", [text])
        await self._bell.publish(CHANNEL, f"{group}\n{text}")


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """p50 and p99 with 2, 200 and 1,000 sockets connected, and to 200 sockets at once."""
    database = await in_thread(stack.database, "bench_push")
    crews = {_TARGET: 2, _MANY: _TO_MANY, _CROWD: 998}
    people = await in_thread(lambda: stack.prepare(database, "people", crews=crews))
    tablets = people["tablets"]
    web = await in_thread(stack.web, database)
    bare = await in_thread(stack.bare_sockets)
    count = 60 if quick else 300
    figures: list[Figure] = []
    run = _Run(stack, database, web, bare, _Senders(web, people["cad_token"]))
    await run.sample(_TARGET, tablets[_TARGET], [], _WARM_UP)
    for connected in (2, 200, 1000):
        others = tablets[_CROWD][: connected - 2]
        times = await run.sample(_TARGET, tablets[_TARGET], others, count)
        figures += _figures(f"{connected:,} sockets", times, _flat)
    times = await run.sample(_MANY, tablets[_MANY], [], count // 3)
    return [*figures, *_figures(f"to {_TO_MANY} sockets at once, the last", times, _last)]


@dataclass
class _Run:
    """Measures with different sockets connected."""

    stack: Stack
    database: str
    web: Process
    bare: Process
    senders: _Senders

    async def sample(
        self,
        call_sign: str,
        tablets: list[dict[str, str]],
        others: list[dict[str, str]],
        count: int,
    ) -> _Times:
        """So many messages of both kinds in turns, with the other sockets idle."""
        crowd = None
        if others:
            idle = [Address.tablet(self.web.ws_url, one).as_json() for one in others]
            idle += [Address(f"{self.bare.ws_url}/idle").as_json() for _ in others]
            crowd = await in_thread(self.stack.crowd, idle)
        ours = await each([Address.tablet(self.web.ws_url, one) for one in tablets], Ear)
        floor = await each([Address(f"{self.bare.ws_url}/{call_sign}") for _ in tablets], Ear)
        for ear in ours:  # what a new socket is sent at first
            await ear.silence(1.0)
        times = _Times()
        database_url = self.stack.url(self.database, owner=True)
        async with self.senders.open(database_url, self.stack.redis_url):
            for _ in range(count):
                text = await self._ours(times, ours, call_sign)
                await asyncio.sleep(_PAUSE_SECONDS)
                await self._floor(times, floor, call_sign, text)
                await asyncio.sleep(_PAUSE_SECONDS)
        for ear in [*ours, *floor]:
            await ear.close()
        if crowd is not None:
            await in_thread(crowd.end)
        return times

    async def _ours(self, times: _Times, ears: list[Ear], call_sign: str) -> str:
        number = new_number()

        async def send() -> None:
            await self.senders.post(number, call_sign)
            times.answers.append(time.perf_counter() - began)

        began, began_at = time.perf_counter(), time.time()
        heard = await _heard(ears, began, lambda t: t.startswith(_FRAME) and number in t, send)
        before = (await self.senders.accepted_at()).timestamp() - began_at
        times.sent.append(heard)
        times.accepted.append([seconds - before for seconds in heard])
        return ears[0].text

    async def _floor(self, times: _Times, ears: list[Ear], group: str, text: str) -> None:
        began = time.perf_counter()
        times.floor.append(
            await _heard(
                ears, began, lambda _: True, lambda: self.senders.pass_on(text, f"/{group}")
            )
        )


async def _heard(
    ears: list[Ear],
    began: float,
    wanted: Callable[[str], bool],
    send: Callable[[], Awaitable[None]],
) -> list[float]:
    for ear in ears:
        ear.listen(wanted)
    await send()
    return [await ear.heard() - began for ear in ears]


def _flat(samples: list[list[float]]) -> list[float]:
    return [value for sample in samples for value in sample]


def _last(samples: list[list[float]]) -> list[float]:
    return [max(sample) for sample in samples]


def _figures(
    name: str, times: _Times, taken: Callable[[list[list[float]]], list[float]]
) -> list[Figure]:
    floor = taken(times.floor)
    return [
        *(
            Figure(
                "push", f"{name}, {since}, p{percent}", "ms",
                1000 * percentile(taken(ours), percent), 1000 * percentile(floor, percent),
                aim if since == "accepted" else None, len(ours),
            )
            for since, ours in (("accepted", times.accepted), ("sent", times.sent))
            for percent, aim in ((50, P50), (99, P99))
        ),
        Figure(
            "push", f"{name}, CAD answered, p50", "ms",
            1000 * median(times.answers), samples=len(times.answers),
        ),
    ]  # fmt: skip
