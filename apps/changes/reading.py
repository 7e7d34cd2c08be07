"""Reading the feed: its head, a page of one holder, one moment for several reads.

Plain SQL and plain tuples: this is what every tablet asks all day. A document that cannot be
opened is returned flagged, never raised: one bad row must not stop a tablet, so callers send a stub
for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction
from psycopg.pq import Format

from apps.changes.services import bound_to
from apps.core import crypto

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """The last commit in a snapshot: its place in the order, and this history's mark on it."""

    seq: int
    nonce: int


BEGINNING = Head(0, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """A document of a holder: to have, with `rev` and `plain` (JSON text without `rev`), or to drop
    (`visible` false). `unreadable`: it is to have, and its stored body does not open."""

    seq: int
    id: UUID
    visible: bool
    rev: int | None = None
    plain: bytes | None = None

    @property
    def unreadable(self) -> bool:
        return self.visible and self.plain is None

    def body(self) -> dict[str, Any]:
        """The document as it was published. ValueError where there is none to read."""
        if self.plain is None:
            raise ValueError("This row carries no readable document.")
        document: dict[str, Any] = orjson.loads(self.plain)
        return document


@contextmanager
def snapshot() -> Iterator[None]:
    """All reads inside see one moment, and nothing can be written.

    Inside a transaction that is already open it adds nothing: the reads are then part of that
    transaction and see what it has written.
    """
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read, read only")
        yield


def fetched(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a statement, in PostgreSQL's binary format: sealed bodies cross as they are, not
    as hexadecimal text of twice the length."""
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY  # of psycopg's cursor, inside Django's
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def head() -> Head:
    """The last commit that this snapshot sees; `BEGINNING` where nothing was ever published."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select seq, nonce from feed_commit where seq is not null order by seq desc limit 1"
        )
        row = cursor.fetchone()
    return Head(*row) if row else BEGINNING


def page(*, holder: UUID, collection: str, seq: int, doc_id: UUID, limit: int) -> list[Row]:
    """Up to `limit` rows after (seq, doc_id), oldest first; fewer than `limit`: there are no more.

    Call it in the `snapshot()` whose `head()` is given out with it.
    """
    found = fetched(
        "select p.seq, p.doc_id, p.visible, d.rev, d.body "
        "from feed_page(%s, %s, %s, %s, %s) p left join feed_document d "
        "on p.visible and d.collection = %s and d.doc_id = p.doc_id "
        "order by p.seq, p.doc_id",
        [holder, collection, seq, doc_id, limit, collection],
    )
    return [
        Row(seq, doc, True, rev, body_of(collection, doc, sealed))
        if visible
        else Row(seq, doc, False)
        for seq, doc, visible, rev, sealed in found
    ]


def body_of(collection: str, id: UUID, sealed: bytes | memoryview | None) -> bytes | None:
    """The JSON text of a stored body, or None where it does not open: that is logged as an error,
    without the document."""
    if sealed is None:
        return None
    try:
        return crypto.unseal(bytes(sealed), bound_to=bound_to(collection, id))
    except crypto.Undecryptable as error:
        log.error("stored document does not open: %s", error, extra={"collection": collection})
        return None


@dataclass(frozen=True, slots=True)
class Published:
    """A document of the log: that it was published, at the place `(seq, n)`. Not what it says."""

    seq: int
    n: int
    collection: str
    id: UUID


def published_after(
    seq: int, n: int, *, head: Head, collections: Sequence[str], limit: int
) -> list[Published]:
    """Up to `limit` documents of these collections that were published after (seq, n), up to
    `head`, in the order of the log; fewer: there are no more. For those who follow the log."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select m.seq, c.n, c.collection, c.doc_id "
            "from feed_commit m join feed_change c on c.commit_id = m.id "
            "where m.seq >= %s and m.seq <= %s and (m.seq, c.n) > (%s, %s) "
            "and c.kind = 'doc' and c.collection = any(%s::text[]) order by m.seq, c.n limit %s",
            [seq, head.seq, seq, n, list(collections), limit],
        )
        return [Published(*row) for row in cursor.fetchall()]
