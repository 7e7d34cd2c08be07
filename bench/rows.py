"""Rows that tablets push: new versions of documents that people change together, durable.

Each is judged, kept in the history and in the ledger, sealed, published and given its place in the
order of commits. Floor: the same bytes inserted by a bare ASGI application, see `bench.rowfloor`.
Both are one process. The floor commits each request by itself; ours takes requests that arrive
together in one transaction. Processor time is counted too: other work on the machine adds little
to it. The disk alone is printed beside them: how long one durable commit takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import psycopg
from uuid_utils.compat import uuid7

from bench.client import Connection
from bench.figures import Aim, Figure, median
from bench.stack import Process, Stack, in_thread

CONNECTIONS: Final = 16
BATCH: Final = 50
AIM: Final = Aim("ratio", least=0.5)
BATCHED: Final = Aim("ratio", least=10)
_PUSH = "/api/v1/sync/pages/push"
_UNIT = "CARE21"
_TEXT = "He sits on the kerb, says he has not slept, and has a grey dog with him. " * 6


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """Rows per second over 16 connections, one a request and 50 a request, in turns with the floor;
    what a merge costs; the disk."""
    database = await in_thread(stack.database, "bench_rows")
    people = await in_thread(
        lambda: stack.prepare(database, "people", crews={_UNIT: CONNECTIONS + 2})
    )
    tablets = people["tablets"][_UNIT]
    pair = [one["instance"] for one in tablets[-2:]]
    await in_thread(lambda: stack.prepare(database, "share", instances=pair))
    await in_thread(_table, stack.url(database, owner=True))
    web = await in_thread(stack.web, database)
    bare = await in_thread(stack.bare_rows, database)
    rounds, single, batches = (3, 10, 2) if quick else (7, 40, 6)
    spent = Spent(stack.url(database, owner=True))
    runs: dict[str, list[_Run]] = {"one": [], "one floor": [], "many": [], "many floor": []}
    for number in range(rounds + 1):
        found = {
            "one": await _run(web, tablets, single, 1, spent),
            "one floor": await _run(bare, tablets, single, 1, spent),
            "many": await _run(web, tablets, batches, BATCH, spent),
            "many floor": await _run(bare, tablets, batches, BATCH, spent),
        }
        if number:  # all warm up
            for name, run in found.items():
                runs[name].append(run)
    spent.close()
    middle = {name: median([one.rate for one in found]) for name, found in runs.items()}
    plain, merged = await _merging(web, tablets[-2:], 3 if quick else 10)
    disk = await in_thread(_disk, stack.url(database, owner=True))
    return [
        Figure(
            "rows", f"pushed one a request, {CONNECTIONS} connections", "rows/s",
            middle["one"], middle["one floor"], AIM, rounds,
        ),
        Figure(
            "rows", f"pushed {BATCH} a request, {CONNECTIONS} connections", "rows/s",
            middle["many"], middle["many floor"], AIM, rounds,
        ),
        Figure(
            "rows", f"{BATCH} a request, beside one a request", "rows/s",
            middle["many"], middle["one"], BATCHED, rounds,
        ),
        *_processor("one a request", runs["one"], runs["one floor"]),
        *_processor(f"{BATCH} a request", runs["many"], runs["many floor"]),
        Figure("rows", "a version that goes on from the last", "ms", plain),
        Figure("rows", "a version that is merged, beside it", "ms", merged, plain),
        Figure("rows", "one durable commit of the disk", "ms", disk),
    ]  # fmt: skip


def _table(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table bench_rows (body bytea)")
        connection.execute("grant insert on bench_rows to public")


class Spent:
    """Processor time in seconds of a server, and of the backends of a database. Nothing where the
    system does not tell."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def by(self, server: Process) -> tuple[float, float]:
        query = "select pid from pg_stat_activity where datname = current_database()"
        backends = [pid for (pid,) in self._connection.execute(query)]
        return _seconds([server.popen.pid]), _seconds(backends)

    def close(self) -> None:
        self._connection.close()


def _seconds(pids: Sequence[int]) -> float:
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            columns = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
            ticks += sum(int(one) for one in columns.split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class _Run:
    """Rows per second, and seconds of the processor a row: of the server, of PostgreSQL."""

    rate: float
    server: float
    database: float


def _processor(name: str, ours: Sequence[_Run], floors: Sequence[_Run]) -> list[Figure]:
    """Microseconds a row over all rounds: one is too short for the system's clock."""

    def mean(runs: Sequence[_Run], part: str) -> float:
        return 1e6 * sum(getattr(one, part) for one in runs) / len(runs)

    return [
        Figure("rows", f"{name}, processor of the {part}", "us", mean(ours, part), floor)
        for part in ("server", "database")
        if (floor := mean(floors, part))
    ]


async def _run(
    server: Process, tablets: list[dict[str, str]], requests: int, rows: int, spent: Spent
) -> _Run:
    """Every connection sends one request after the other."""
    connections = [await Connection.to(server.url) for _ in range(CONNECTIONS)]
    before = spent.by(server)
    began = time.perf_counter()
    await asyncio.gather(
        *(
            _send(connection, tablet, requests, rows)
            for connection, tablet in zip(connections, tablets, strict=False)
        )
    )
    seconds = time.perf_counter() - began
    after = spent.by(server)
    for connection in connections:
        await connection.close()
    count = CONNECTIONS * requests * rows
    by_server, by_database = (end - start for start, end in zip(before, after, strict=True))
    return _Run(count / seconds, by_server / count, by_database / count)


async def _send(connection: Connection, tablet: dict[str, str], requests: int, rows: int) -> None:
    for _ in range(requests):
        pages = [page(tablet, str(uuid7()), 1, text=_TEXT) for _ in range(rows)]
        await push(connection, tablet, pages)


def page(
    tablet: dict[str, str], id: str, edit_no: int, assumed: Any = None, **fields: Any
) -> dict[str, Any]:
    """A row of a push: one save of a page."""
    document = {"id": id, "editor": tablet["instance"], "edit_no": edit_no, "_deleted": False}
    return {"newDocumentState": document | fields} | (
        {"assumedMasterState": assumed} if assumed else {}
    )


async def push(
    connection: Connection, tablet: dict[str, str], rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Sends rows; the documents that came back."""
    headers = {
        "authorization": f"Bearer {tablet['token']}",
        "sync-instance": tablet["instance"],
        "sync-schema": "2",  # an app of today
        "content-type": "application/json",
    }
    answer = await connection.request("POST", _PUSH, headers=headers, body=orjson.dumps(rows))
    found: list[dict[str, Any]] = orjson.loads(answer.body)
    return found


async def _merging(
    server: Process, tablets: list[dict[str, str]], rounds: int
) -> tuple[float, float]:
    """Milliseconds for a row that goes on from the last, and for one that has to be merged."""
    connection = await Connection.to(server.url)
    mine, theirs = tablets
    plain, merged = [], []
    for _ in range(rounds):
        ids = [str(uuid7()) for _ in range(BATCH)]
        await push(connection, mine, [page(mine, id, 1, text=_TEXT, title="") for id in ids])
        first = {id: {"id": id, "text": _TEXT, "title": ""} for id in ids}
        began = time.perf_counter()
        await push(
            connection, mine, [page(mine, id, 2, first[id], text=_TEXT + " a") for id in ids]
        )
        plain.append((time.perf_counter() - began) / BATCH)
        began = time.perf_counter()
        answers = await push(
            connection, theirs, [page(theirs, id, 1, first[id], text="B " + _TEXT) for id in ids]
        )
        merged.append((time.perf_counter() - began) / BATCH)
        if {one["text"] for one in answers} != {"B " + _TEXT + " a"}:
            raise RuntimeError("The rows were not merged.")
    await connection.close()
    return 1000 * median(plain), 1000 * median(merged)


def _disk(url: str) -> float:
    """Milliseconds of a commit of one row on one connection."""
    times = []
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(100):
            began = time.perf_counter()
            connection.execute("insert into bench_rows (body) values ('x')")
            times.append(time.perf_counter() - began)
    return 1000 * median(times)
