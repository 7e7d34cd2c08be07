"""What a push looks up costs the same however much is stored, also where PostgreSQL has planned it
when all tables were empty, and knows nothing of them yet."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from django.db import connection

from apps.core.ids import uuid7

COLLECTION = "pages"
ROWS = 50
STANDS = """
    select * from sync_stands(%(collection)s, %(ids)s::uuid[], %(holders)s::uuid[],
      %(ids)s::uuid[], array_fill(1::bigint, array[50]), array_fill(''::bytea, array[50]))
"""
NOT_HELD = "select * from sync_not_held(%(collection)s, %(holders)s::uuid[], %(ids)s::uuid[])"


@pytest.mark.parametrize("statement", [STANDS, NOT_HELD], ids=["stands", "not held"])
@pytest.mark.django_db
def test_it_costs_the_same_however_much_a_holder_has(statement: str) -> None:
    holder = uuid7()
    ids = [uuid7() for _ in range(ROWS)]
    _blocks(statement, holder, ids)  # planned
    _store(holder, ids, after=1_000_000)  # at the end of the holder's list
    few = _blocks(statement, holder, ids)
    _store(holder, [uuid7() for _ in range(5_000)], after=0)
    assert _blocks(statement, holder, ids) <= 2 * few


def _store(holder: UUID, ids: list[UUID], *, after: int) -> None:
    """As the feed keeps documents that this holder has, since the commits after this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into feed_document (collection, doc_id, body) "
            "select %s, id, '' from unnest(%s::uuid[]) id",
            [COLLECTION, ids],
        )
        cursor.execute(
            "insert into feed_item (holder, collection, doc_id, seq, visible) "
            "select %s, %s, id, %s + n, true "
            "from unnest(%s::uuid[]) with ordinality as g (id, n)",
            [holder, COLLECTION, after, ids],
        )


def _blocks(statement: str, holder: UUID, ids: list[UUID]) -> int:
    """How many pages of tables and indexes it looks at, once it has been planned."""
    asked = {"collection": COLLECTION, "ids": ids, "holders": [holder] * len(ids)}
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        cursor.execute(f"explain (analyze, buffers, format json) {statement}", asked)
        [told] = cursor.fetchone()
    plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
