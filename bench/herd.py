"""500 tablets, each with 20 unsent versions, come back at the same moment, as after a dead cell.

Until every one has sent what it had and pulled it back from the start. They wait as long as the
server asks them to. There is no floor: nothing else does this.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from uuid_utils.compat import uuid7

from bench.client import Answer, Connection
from bench.figures import Figure, median, percentile
from bench.rows import page
from bench.stack import Process, Stack, in_thread

TABLETS: Final = 500
UNSENT: Final = 20
_LONGEST = 300.0  # seconds
_UNIT = "CARE21"
_TEXT = "He sits on the kerb, says he has not slept, and has a grey dog with him."


@dataclass
class _Figures:
    """Of all tablets. `refused`: answers that said to come back later."""

    seconds: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)
    refused: int = 0


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """How long until all agree, how long one request takes, and whether everything came."""
    count = 100 if quick else TABLETS
    database = await in_thread(stack.database, "bench_herd")
    people = await in_thread(lambda: stack.prepare(database, "people", crews={_UNIT: count}))
    web = await in_thread(stack.web, database)
    found = _Figures()
    began = time.perf_counter()
    async with asyncio.timeout(_LONGEST):
        sent = await asyncio.gather(
            *(_tablet(web, tablet, found, began) for tablet in people["tablets"][_UNIT])
        )
    held = await in_thread(lambda: stack.prepare(database, "pages"))
    missing = {id for ids in sent for id in ids} - set(held["ids"])
    if missing:
        raise RuntimeError(f"{len(missing)} versions were lost.")
    name = f"{count} tablets with {UNSENT} unsent each"
    return [
        Figure("herd", f"{name}: all agree after", "s", max(found.done)),
        Figure("herd", f"{name}: half are done after", "s", median(found.done)),
        Figure("herd", f"{name}: one request, p50", "ms", 1000 * median(found.seconds)),
        Figure("herd", f"{name}: one request, p99", "ms", 1000 * percentile(found.seconds, 99)),
        Figure("herd", f"{name}: told to come back later", "times", float(found.refused)),
        Figure("herd", f"{name}: lost", "versions", 0.0),
    ]


async def _tablet(web: Process, tablet: dict[str, str], found: _Figures, began: float) -> list[str]:
    """One tablet: sends what it has, pulls until a page is short. The ids of what it sent."""
    rows = [page(tablet, str(uuid7()), n, text=_TEXT) for n in range(1, UNSENT + 1)]
    headers = {
        "authorization": f"Bearer {tablet['token']}",
        "sync-instance": tablet["instance"],
        "sync-schema": "2",  # an app of today
        "content-type": "application/json",
    }
    body = orjson.dumps(rows)
    connection = await Connection.to(web.url)

    async def ask(method: str, path: str, body: bytes = b"") -> Answer:
        nonlocal connection
        while True:
            at = time.perf_counter()
            answer = await connection.request(
                method, path, headers=headers, body=body, patient=True
            )
            found.seconds.append(time.perf_counter() - at)
            if answer.status != 503:
                return answer
            found.refused += 1
            await connection.close()  # a server keeps no idle connection for so long
            await asyncio.sleep(answer.retry_after * random.uniform(1.0, 1.2))
            connection = await Connection.to(web.url)

    await ask("POST", "/api/v1/sync/pages/push", body)
    pulled: list[Any] = [None]
    checkpoint = ""
    while pulled:
        after = f"&checkpoint={checkpoint}" if checkpoint else ""
        answer = orjson.loads((await ask("GET", f"/api/v1/sync/pages/pull?limit=1000{after}")).body)
        pulled, checkpoint = answer["documents"], answer["checkpoint"]["c"]
    found.done.append(time.perf_counter() - began)
    await connection.close()
    return [row["newDocumentState"]["id"] for row in rows]
