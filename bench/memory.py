"""What an idle socket costs the web server, with 2,000 of them.

Floor: the same number on a bare websocket server.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import psutil

from bench.figures import Aim, Figure
from bench.sockets import Address
from bench.stack import Process, Stack, in_thread

SOCKETS: Final = 2_000
AIM: Final = Aim("figure", most=40)
_FIRST = 50  # opened before: what they load and start is paid once
_SETTLE_SECONDS = 15.0  # more than a heartbeat


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """Kilobytes of resident memory for each socket."""
    count = 500 if quick else SOCKETS
    database = await in_thread(stack.database, "bench_memory")
    crews = {"CARE21": _FIRST + count}
    people = await in_thread(lambda: stack.prepare(database, "people", crews=crews))
    web = await in_thread(stack.web, database)
    bare = await in_thread(stack.bare_sockets)
    tablets = [Address.tablet(web.ws_url, one) for one in people["tablets"]["CARE21"]]
    ours = await _kilobytes(stack, web, [one.as_json() for one in tablets])
    idle = [Address(f"{bare.ws_url}/idle").as_json() for _ in tablets]
    floor = await _kilobytes(stack, bare, idle)
    return [Figure("memory", f"idle socket of {count:,}", "KB", ours, floor, AIM, count)]


async def _kilobytes(stack: Stack, server: Process, addresses: list[dict[str, Any]]) -> float:
    first = await in_thread(stack.crowd, addresses[:_FIRST])
    await asyncio.sleep(_SETTLE_SECONDS)
    before = psutil.Process(server.popen.pid).memory_info().rss
    rest = await in_thread(stack.crowd, addresses[_FIRST:])
    await asyncio.sleep(_SETTLE_SECONDS)
    after = psutil.Process(server.popen.pid).memory_info().rss
    for crowd in (rest, first):
        await in_thread(crowd.end)
    return (after - before) / 1024 / len(addresses[_FIRST:])
