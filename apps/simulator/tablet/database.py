"""The tablet's one SQLite file: its tables and transactions, what it remembers by name, and what is
read of its documents."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

Document = dict[str, Any]

_TABLES = """
create table if not exists memory (name text primary key, value text not null) without rowid;
create table if not exists document (
  collection text not null, id text not null, body blob, served blob, accepted_at text,
  withdrawn integer not null default 0, stale integer not null default 0,
  primary key (collection, id)
) without rowid;
create table if not exists checkpoint (
  collection text primary key, value text not null
) without rowid;
create table if not exists outbox (
  n integer primary key autoincrement, collection text not null, id text not null,
  edit_no integer not null, saved_at text not null, state text not null default 'unsent',
  unique (collection, id)
);
create table if not exists purged (
  collection text not null, id text not null, primary key (collection, id)
) without rowid;
"""
# What later versions added, so that a file of an earlier one is taken up.
_ADDED = (
    ("document", "newer", "blob"),
    ("document", "rev", "integer not null default 0"),
    ("document", "sent", "integer not null default 0"),
    ("document", "deleted", "integer not null default 0"),
    ("document", "urgent", "integer not null default 0"),
    ("outbox", "urgent", "integer not null default 0"),
    ("outbox", "problem", "text"),
)


class Database:
    """One local database. Every public method of what is built on it is one transaction."""

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # Called after documents were dropped: what hangs on them goes too.
        self.dropped: list[Callable[[], None]] = []
        self._has_dropped = False
        self._db.executescript(_TABLES)
        for table, column, kind in _ADDED:
            known = {row[1] for row in self._db.execute(f"pragma table_info({table})")}
            if column not in known:
                self._db.execute(f"alter table {table} add column {column} {kind}")
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.execute("pragma secure_delete = on")  # what is purged is gone from the file
        self.instance = UUID(self._recall("instance") or self._remember("instance", str(uuid7())))

    def close(self) -> None:
        self._db.close()

    @property
    def empty(self) -> bool:
        """Whether it holds nothing that anybody typed or sent."""
        (held,) = self._db.execute(
            "select (select count(*) from document) + (select count(*) from outbox)"
        ).fetchone()
        return not held

    def wipe(self) -> None:
        """Forget everything, the token and the name of this database too."""
        with self._transaction():
            for table in ("document", "outbox", "checkpoint", "purged", "memory"):
                self._db.execute(f"delete from {table}")  # noqa: S608  (names of this module)
        forget(self._db)

    def begin_as_new(self) -> None:
        """This file was another tablet's, which was shut out; the device was enrolled anew. It is a
        new local database from now on, and a new writer: it holds what a new one holds, nothing,
        and saves under a name of its own. What the server has not answered for moves over as it is,
        under the name of the save that it was, with its base: a repeat of it stays one. What was
        refused lies on the server, and comes again to its author. Saves are counted on: what is
        typed on while an older save is on its way has the higher number, as ever."""
        name = uuid7()
        with self._transaction():
            self._remember("writers", " ".join(sorted(self.writers)))
            self._remember("instance", str(name))
            self._db.execute("delete from memory where name = 'seen'")
            self._db.execute("delete from checkpoint")
            self._db.execute("delete from purged")  # nobody asks the new one for them
            self._db.execute("delete from outbox where state = 'refused'")
            self._db.execute(
                "delete from document where not exists (select 1 from outbox o "
                "where o.collection = document.collection and o.id = document.id)"
            )
            self._db.execute("update document set newer = null, rev = 0, sent = 0, stale = 1")
            self._has_dropped = True
        self.instance = name

    # --- what the tablet knows of itself and of the server's history ---

    @property
    def token(self) -> str | None:
        """The tablet's bearer token, once it is enrolled."""
        return self._recall("token")

    def enrolled(self, token: str) -> None:
        """The next enrolment, after the tablet was shut out, is another one."""
        with self._transaction():
            self._remember("token", token)
            self._db.execute("delete from memory where name = 'claim'")

    @property
    def claim(self) -> UUID:
        """The tablet's own name for its enrolment: the same on every retry until it is answered."""
        return UUID(self._recall("claim") or self._remember("claim", str(uuid7())))

    @property
    def author(self) -> str | None:
        """Who signed in here last: whoever types here, also when that sign-in has ended and nobody
        could tell the tablet yet."""
        return self._recall("author")

    def signed_in(self, person: str) -> None:
        self._remember("author", person)

    @property
    def epoch(self) -> str | None:
        """The name of the server's history that this store follows; None before any answer."""
        return self._recall("epoch")

    @property
    def seen(self) -> str | None:
        """The highest head ("seq.nonce") that any answer or heartbeat has shown."""
        return self._recall("seen")

    def has_seen(self, head: str) -> None:
        """Remember a head if it is the highest."""
        if seq_of(head) > seq_of(self.seen):
            self._remember("seen", head)

    def follow(self, epoch: str) -> None:
        """Remember the first history that the server names."""
        self._remember("epoch", epoch)
        self._remember("followed", epoch)

    @property
    def followed(self) -> str | None:
        """The history that is followed in full: everything that was held when the store began to
        follow it was sent. Until then the one before."""
        if self.owes:
            return self._recall("followed")
        return self.epoch

    @property
    def owes(self) -> bool:
        """Whether something is unsent that was held when another history was begun."""
        last = self._recall("owed")
        return last is not None and bool(
            self._db.execute(
                "select 1 from outbox where state = 'unsent' and n <= ? limit 1", [int(last)]
            ).fetchone()
        )

    @property
    def writers(self) -> frozenset[str]:
        """The names under which this file has saved: its own, and those of the local databases that
        it was while the tablet was another one (`Store.begin_as_new`)."""
        return frozenset({str(self.instance), *(self._recall("writers") or "").split()})

    # --- what it holds ---

    def checkpoint(self, collection: str) -> str | None:
        row = self._db.execute(
            "select value from checkpoint where collection = ?", [collection]
        ).fetchone()
        return row[0] if row else None

    def documents(self, collection: str) -> list[Document]:
        """Everything that the screen may show, oldest first (ids are UUIDv7)."""
        rows = self._db.execute(
            "select body from document where collection = ? and not deleted order by id",
            [collection],
        )
        return [orjson.loads(body) for (body,) in rows]

    def get(self, collection: str, id: str) -> Document | None:
        row = self._db.execute(
            "select body from document where collection = ? and id = ? and not deleted",
            [collection, id],
        ).fetchone()
        return orjson.loads(row[0]) if row else None

    def names(self, text: str) -> bool:
        """Whether any document has this text in it: the address of a photo, say."""
        found = self._db.execute(
            "select 1 from document where instr(body, ?) or instr(served, ?) or instr(newer, ?)",
            [text.encode()] * 3,
        )
        return found.fetchone() is not None

    def kept(self) -> list[Document]:
        """What the server keeps until somebody settles it, oldest first: rows that it refused, and
        texts of a conflict or a restore that stand beside what others wrote in their place."""
        return [d for d in self.documents("quarantine") if d.get("status") == "open"]

    def accepted_at(self, collection: str, id: str) -> datetime | None:
        """When (device clock) the server's answer to the last edit of this document arrived."""
        row = self._db.execute(
            "select accepted_at from document where collection = ? and id = ?", [collection, id]
        ).fetchone()
        return datetime.fromisoformat(row[0]) if row and row[0] else None

    # --- inside ---

    def _next_save(self) -> dict[str, Any]:
        """What names the next save, and who types it."""
        named = {"editor": str(self.instance), "edit_no": self._count("edit_no")}
        return named | ({"author_id": self.author} if self.author else {})

    def _count(self, name: str) -> int:
        number = int(self._recall(name) or 0) + 1
        self._remember(name, str(number))
        return number

    def _recall(self, name: str) -> str | None:
        row = self._db.execute("select value from memory where name = ?", [name]).fetchone()
        return row[0] if row else None

    def _remember(self, name: str, value: str) -> str:
        self._db.execute("replace into memory values (?, ?)", [name, value])
        return value

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")
        if self._has_dropped:
            self._has_dropped = not forget(self._db)
            for tidy in self.dropped:
                tidy()


def forget(db: sqlite3.Connection) -> bool:
    """What was deleted is gone from the file. False: somebody is reading just now, so that it is to
    be done again.

    `secure_delete` overwrites what it deletes, and not the copies that stay behind where a row was
    moved between pages: so the file is written anew (milliseconds for a shift's documents). The
    pages of before stand in the log of writes until that is emptied.
    """
    try:
        db.execute("vacuum")
        (busy, *_) = db.execute("pragma wal_checkpoint(truncate)").fetchone()
    except sqlite3.OperationalError:  # a reader in another thread
        return False
    return not busy


def seq_of(head: str | None) -> int:
    """The place of a head in the order of commits; 0 for none.

    >>> seq_of("412.90210")
    412
    """
    return int(head.partition(".")[0]) if head else 0


def encoded(value: Any) -> bytes:
    """A document, or a list of them, as canonical JSON: equal values are equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
