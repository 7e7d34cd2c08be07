"""The first pull of 10,000 documents, in pages of 1,000, over HTTP.

Floor: the same rows in the same pages, read and decrypted by psycopg alone.
"""

from __future__ import annotations

import time
from typing import Any, Final
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.client import Connection
from bench.figures import Aim, Figure, median
from bench.stack import Stack, in_thread

COLLECTION: Final = "assignments"
COUNT: Final = 10_000
PAGE: Final = 1_000
AIM: Final = Aim("ratio", least=0.5)
_UNIT = "CARE21"
_HEADER = 1 + 4 + 12  # version, key id, nonce: see apps.core.crypto
_ROWS = """
select i.seq, i.doc_id, d.rev, d.body from feed_item i
join feed_document d on d.collection = i.collection and d.doc_id = i.doc_id
where i.holder = %s and i.collection = %s and (i.seq, i.doc_id) > (%s, %s)
order by i.seq, i.doc_id limit %s
"""


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """Documents per second, in rounds that take turns with the floor's."""
    database = await in_thread(stack.database, "bench_pull")
    people = await in_thread(lambda: stack.prepare(database, "people", crews={_UNIT: 1}))
    made = await in_thread(
        lambda: stack.prepare(database, "documents", call_sign=_UNIT, count=COUNT - 1)
    )
    [tablet] = people["tablets"][_UNIT]
    web = await in_thread(stack.web, database)
    http = await Connection.to(web.url)
    key = AESGCM(bytes.fromhex(made["key"]))
    ours, floor = [], []
    with psycopg.connect(stack.url(database), autocommit=True) as connection:
        for number in range(4 if quick else 12):
            ours.append(await first_pull(http, tablet))
            floor.append(await in_thread(_read, connection, key, UUID(tablet["instance"])))
            if number == 0:  # both warm up
                ours, floor = [], []
    await http.close()
    name = f"first pull of {COUNT:,} in pages of {PAGE:,} ({made['bytes'] / 1000:.1f} KB each)"
    rates = COUNT / median(ours), COUNT / median(floor)
    return [Figure("pull", name, "documents/s", *rates, AIM, len(ours))]


async def first_pull(http: Connection, tablet: dict[str, str]) -> float:
    """Seconds for all pages, from no checkpoint to the first page that is not full."""
    began, checkpoint, total = time.perf_counter(), "", 0
    while True:
        body = await page(http, tablet, checkpoint, PAGE)
        found = body.count(b'"_deleted":')
        total += found
        checkpoint = checkpoint_of(body)
        if found < PAGE:
            break
    seconds = time.perf_counter() - began
    if total != COUNT:
        raise RuntimeError(f"{total} documents came instead of {COUNT}.")
    return seconds


async def page(http: Connection, tablet: dict[str, str], checkpoint: str, limit: int) -> bytes:
    """The body of one pull."""
    after = f"&checkpoint={checkpoint}" if checkpoint else ""
    path = f"/api/v1/sync/{COLLECTION}/pull?limit={limit}{after}"
    headers = {"authorization": f"Bearer {tablet['token']}", "sync-instance": tablet["instance"]}
    return (await http.request("GET", path, headers=headers)).body


def checkpoint_of(body: bytes) -> str:
    """The last member of a page. Parsing the rest is the client's own affair."""
    return body[body.rindex(b'"c":"') + 5 : -3].decode()


def _read(connection: psycopg.Connection[Any], key: AESGCM, holder: UUID) -> float:
    """Seconds for the same rows."""
    began, seq, last = time.perf_counter(), 0, UUID(int=0)
    while True:
        rows = connection.execute(_ROWS, [holder, COLLECTION, seq, last, PAGE]).fetchall()
        for _, id, _, body in rows:
            place = f"document:{COLLECTION}:{id}".encode()
            key.decrypt(body[5:_HEADER], body[_HEADER:], place)
        if len(rows) < PAGE:
            return time.perf_counter() - began
        seq, last = rows[-1][0], rows[-1][1]
