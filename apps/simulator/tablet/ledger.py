"""What the tablet says of itself to those who answer for it: what it has not sent, what it has
dropped, and a digest of what it holds. Counts, names and ids; never a text."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from .database import Database
from .device import stamp

Pairs = Sequence[tuple[str, str]]
MOST_PURGED = 1000  # ids that one declaration may name


@dataclass(frozen=True, slots=True)
class Outbox:
    """What a screen shows of the outbox: how many edits wait and since when, how many were
    refused and wait for a correction."""

    unsent: int
    oldest: datetime | None
    refused: int


class Ledger(Database):
    """The part of the store that is counted, not read."""

    def outbox(self) -> Outbox:
        unsent, oldest, refused = self._db.execute(
            "select count(*) filter (where state = 'unsent'), "
            "min(saved_at) filter (where state = 'unsent'), "
            "count(*) filter (where state <> 'unsent') from outbox"
        ).fetchone()
        return Outbox(unsent, datetime.fromisoformat(oldest) if oldest else None, refused)

    def problem(self, collection: str, id: str) -> list[str]:
        """Why an edit waits for a correction; empty where none does."""
        row = self._db.execute(
            "select o.problem, d.body from outbox o join document d using (collection, id) "
            "where o.collection = ? and o.id = ? and o.state <> 'unsent'",
            [collection, id],
        ).fetchone()
        if row is None:
            return []
        return [row[0]] if row[0] else list(orjson.loads(row[1]).get("sync_errors", []))

    def outbox_declared(self, at: datetime) -> dict[str, Any]:
        """The outbox as the server is told of it, at this reading of the device's clock."""
        said: dict[str, Any] = {"unsent": {}, "refused": {}, "at": stamp(at)}
        rows = self._db.execute(
            "select collection, o.state = 'unsent', json_extract(cast(body as text), '$.kind'), "
            "count(*), min(saved_at) from outbox o join document using (collection, id) "
            "group by 1, 2, 3 order by 5"  # the oldest of a collection first
        )
        for collection, unsent, kind, count, saved_at in rows:
            parts = said["unsent" if unsent else "refused"]
            oldest = stamp(datetime.fromisoformat(saved_at))
            part = parts.setdefault(collection, {"count": 0, "oldest_at": oldest, "kinds": {}})
            part["count"] += count
            if kind is not None:
                part["kinds"][kind] = count
        return said

    def purges(self) -> Pairs:
        """Documents that were dropped, as (collection, id), and that nobody was told of yet."""
        rows = self._db.execute(
            "select collection, id from purged order by collection, id limit ?", [MOST_PURGED]
        )
        return rows.fetchall()

    def purges_told(self, pairs: Pairs) -> None:
        self._db.executemany("delete from purged where collection = ? and id = ?", pairs)

    def digest(self, collection: str, left_out: Container[str]) -> tuple[int, str]:
        """Count and SHA-256 over `id:rev` of what is held, as the server works it out."""
        rows = self._db.execute(
            "select id, rev from document where collection = ? and not deleted order by id",
            [collection],
        )
        lines = [f"{id}:{rev}\n" for id, rev in rows if id not in left_out]
        return len(lines), hashlib.sha256("".join(lines).encode()).hexdigest()
