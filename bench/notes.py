"""A supervisor's review queue with few and with very many notes stored, and 1,000 signatures.

Floor of the queue: the same queue where ten thousand notes are stored. Floor of signing: the saves
of the same drafts, one each.
"""

from __future__ import annotations

from typing import Final

import psycopg

from bench.figures import Aim, Figure
from bench.stack import Stack, in_thread

_UNIT: Final = "CARE21"
_WAITING: Final = 100  # of the team that looks, whatever is stored
_QUEUE: Final = Aim("ratio", most=1.3)

# Each note was signed, reviewed and locked, and is its team's. What nobody opens is not sealed.
_TABLES: Final = ("casenotes_casenote", "casenotes_signature", "casenotes_review")
_FILL: Final = (
    """create temporary table entry as
    select gen_random_uuid() as id, gen_random_uuid() as of, now() - make_interval(mins => n) as at
    from generate_series(1, %(count)s) n""",
    """insert into casenotes_casenote (id, encounter_id, assignment_id, state, restricted, begun_at,
      saved_at, asked, missing, flags, signed_hash, signed_at, signed_by_id, lock_due_at, locked_at)
    select id, of, of, 'locked', false, at, at, 5, 0, '[]', repeat('0', 64), at, %(author)s, at, at
    from entry""",
    """insert into casenotes_signature (id, note_id, author_id, received_at, flags, content_hash,
      content, authors)
    select id, id, %(author)s, at, '[]', repeat('0', 64), decode(repeat('ab', 900), 'hex'), ''
    from entry""",
    """insert into casenotes_review (id, note_id, state, asked_at, reasons, reviewer_id, decided_at)
    select id, id, 'accepted', at, '', %(supervisor)s, at from entry""",
    """insert into feed_member (scope, collection, doc_id)
    select 'team:' || %(team)s, 'case_notes', id from entry""",
)


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """Milliseconds for the queue with each number of notes, and signatures a second."""
    sizes = (1_000, 100_000) if quick else (10_000, 1_000_000)
    queue = [await in_thread(lambda size=size: _queue(stack, size)) for size in sizes]
    database = await in_thread(stack.database, "bench_notes_signed")
    await in_thread(lambda: stack.prepare(database, "people", crews={_UNIT: 1}))
    count = 200 if quick else 1_000
    await in_thread(lambda: stack.prepare(database, "encounters", call_sign=_UNIT, count=count))
    signed = await in_thread(lambda: stack.prepare(database, "sign", call_sign=_UNIT))
    if signed["signed"] != count:
        raise RuntimeError(f"{signed['signed']} notes were signed, not {count}.")
    return [
        *(
            Figure(
                "notes", f"queue of {_WAITING} with {size:,} notes stored", "ms", found,
                None if size == sizes[0] else queue[0], None if size == sizes[0] else _QUEUE,
            )
            for size, found in zip(sizes, queue, strict=True)
        ),
        Figure(
            "notes", f"{count:,} notes signed, 50 a request", "/s", count / signed["signing"],
            count / signed["saving"],
        ),
    ]  # fmt: skip


def _queue(stack: Stack, size: int) -> float:
    database = stack.database(f"bench_notes_{size}")
    stack.prepare(database, "people", crews={_UNIT: 1})
    made = stack.prepare(database, "supervisor", call_sign=_UNIT)
    with psycopg.connect(stack.url(database, owner=True), autocommit=True) as connection:
        connection.execute("set synchronous_commit = off")
        for table in _TABLES:
            connection.execute(f"alter table {table} disable trigger user")
        for statement in _FILL:
            connection.execute(statement, {"count": size, **made})
        for table in _TABLES:
            connection.execute(f"alter table {table} enable trigger user")
        # As in a database that has grown to this over the years.
        connection.execute("vacuum analyze")
    found = stack.prepare(database, "queue", waiting=_WAITING, **made)
    return float(found["milliseconds"])
