"""Our handler of HTTP under ASGI beside Django's own: idle pulls, which cost little else.

Both serve the same database, in rounds that take turns.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from bench.client import Connection
from bench.figures import Figure, median, percentile
from bench.pull import checkpoint_of, page
from bench.stack import Process, Stack, in_thread

_UNIT: Final = "CARE21"
_TABLETS: Final = 16


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """Pulls with nothing new a second over 16 connections, and how long one takes."""
    database = await in_thread(stack.database, "bench_handler")
    people = await in_thread(lambda: stack.prepare(database, "people", crews={_UNIT: _TABLETS}))
    tablets = people["tablets"][_UNIT]
    web = await in_thread(stack.web, database)
    stock = await in_thread(stack.stock, database)
    rates: dict[Process, list[float]] = {web: [], stock: []}
    waits: dict[Process, list[float]] = {web: [], stock: []}
    for number in range(4 if quick else 12):
        for server in (web, stock):
            seconds = await _round(server, tablets, 25 if quick else 100)
            if number:  # the first warms up
                rates[server].append(len(seconds[0]) / seconds[1])
                waits[server] += seconds[0]
    name = f"idle pulls over {_TABLETS} connections (floor: Django's handler)"
    ours, floor = median(rates[web]), median(rates[stock])
    figures = [Figure("handler", name, "pulls/s", ours, floor, samples=len(rates[web]))]
    for percent in (50, 99):
        ours, floor = (1000 * percentile(waits[one], percent) for one in (web, stock))
        figures.append(Figure("handler", f"{name}, p{percent}", "ms", ours, floor))
    return figures


async def _round(
    server: Process, tablets: list[dict[str, str]], count: int
) -> tuple[list[float], float]:
    """Seconds of each pull, and of all together."""
    taken: list[float] = []

    async def one(tablet: dict[str, str]) -> None:
        http = await Connection.to(server.url)
        at = checkpoint_of(await page(http, tablet, "", 100))
        for _ in range(count):
            began = time.perf_counter()
            await page(http, tablet, at, 100)
            taken.append(time.perf_counter() - began)
        await http.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(tablet) for tablet in tablets))
    return taken, time.perf_counter() - began
