"""A pull of 100 new documents, with few and with very many entries stored.

Floor: the same pull where a thousand entries are stored. The three databases, each with a web
server, take turns.
"""

from __future__ import annotations

import time
from typing import Final

import psycopg

from bench.client import Connection
from bench.figures import Aim, Figure, median
from bench.pull import page
from bench.stack import Stack, in_thread

NEW: Final = 100
AIM: Final = Aim("ratio", most=1.3)
_UNIT = "CARE21"
_HOLDERS = 200  # who have the entries; the one that pulls is one of them
_BODY_BYTES = 200
_WARM_UP = 30

# Each entry is a commit of one document for one holder, and an entry of the audit log.
_DISABLE = ("alter table feed_change {} trigger user", "alter table feed_commit {} trigger user")
_FILL = (
    """create temporary table entry as
    select seq, ('0190' || lpad(to_hex(seq), 8, '0') || '70008000000000000000')::uuid as doc_id,
      case when seq %% %(holders)s = 0 then %(holder)s::uuid
        else md5((seq %% %(holders)s)::text)::uuid end as holder
    from generate_series(
      (select max(seq) + 1 from feed_commit), (select max(seq) + %(count)s from feed_commit)) seq
    """,
    "insert into feed_commit (id, seq) select seq + 1000000, seq from entry",
    """insert into feed_change (commit_id, kind, collection, doc_id, scopes, rev)
    select seq + 1000000, 'doc', 'assignments', doc_id, array['unit:' || holder], 1 from entry""",
    """insert into feed_document (collection, doc_id, body)
    select 'assignments', doc_id, decode(repeat('ab', %(bytes)s), 'hex') from entry""",
    """insert into feed_member (scope, collection, doc_id)
    select 'unit:' || holder, 'assignments', doc_id from entry""",
    """insert into feed_item (holder, collection, doc_id, seq, visible)
    select holder, 'assignments', doc_id, seq, true from entry""",
    """insert into audit_entry (id, at, actor_kind, actor_id, tablet_id, action, subject_type,
      subject_ids, detail)
    select doc_id, now() - make_interval(secs => 10000000 - seq), 'tablet', holder, holder, 'read',
      'assignment', array[doc_id], '{}' from entry""",
    "select setval('feed_seq', (select max(seq) from feed_commit))",
    "select setval('feed_commit_id', (select max(id) from feed_commit))",
)


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """Milliseconds for a pull, with each number of entries."""
    sizes = (1_000, 10_000, 100_000) if quick else (1_000, 100_000, 1_000_000)
    places = {size: await _place(stack, size) for size in sizes}
    times: dict[int, list[float]] = {size: [] for size in sizes}
    for number in range(_WARM_UP + (100 if quick else 300)):
        for size, place in places.items():
            began = time.perf_counter()
            body = await page(*place, limit=2 * NEW)
            seconds = time.perf_counter() - began
            if body.count(b'"_deleted":') != NEW:
                raise RuntimeError("Another number of documents came.")
            if number >= _WARM_UP:
                times[size].append(seconds)
    for http, *_ in places.values():
        await http.close()
    floor = 1000 * median(times[sizes[0]])
    return [
        Figure(
            "flat", f"pull of {NEW} new with {size:,} stored", "ms", 1000 * median(found),
            None if size == sizes[0] else floor, None if size == sizes[0] else AIM, len(found),
        )
        for size, found in times.items()
    ]  # fmt: skip


async def _place(stack: Stack, size: int) -> tuple[Connection, dict[str, str], str]:
    """A web server on so many entries: a connection to it, who pulls, and from where."""
    database = await in_thread(stack.database, f"bench_flat_{size}")
    people = await in_thread(lambda: stack.prepare(database, "people", crews={_UNIT: 1}))
    [tablet] = people["tablets"][_UNIT]
    await in_thread(_fill, stack.url(database, owner=True), size, tablet["instance"])
    made = await in_thread(lambda: stack.prepare(database, "documents", call_sign=_UNIT, count=NEW))
    web = await in_thread(stack.web, database)
    return await Connection.to(web.url), tablet, made["checkpoints"][tablet["instance"]]


def _fill(url: str, count: int, holder: str) -> None:
    given = {"count": count, "holder": holder, "holders": _HOLDERS, "bytes": _BODY_BYTES}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set synchronous_commit = off")
        for statement in _DISABLE:
            connection.execute(statement.format("disable"))
        for statement in _FILL:
            connection.execute(statement, given)
        for statement in _DISABLE:
            connection.execute(statement.format("enable"))
        # As in a database that has grown to this over the years.
        connection.execute("vacuum analyze")
