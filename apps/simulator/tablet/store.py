"""What a tablet remembers: one SQLite file with documents, checkpoints and the outbox.

The rule above all others: what a responder typed is in this file from the moment it is typed until
the server has answered for it, however often the radio, the app or the tablet fails in between.

- `document.body` is what the screen shows; `document.served` is the last state that the server is
  known to hold (null: none), and the base that an edit of the document is sent with.
- `withdrawn`: the server took it back while an edit was unsent; it goes with the answer to that
  edit. `stale`: not yet seen again in the history that the server now follows.
- `outbox` names documents with an unsent edit, by the number of that edit. It is a list of names,
  not of texts: whoever types on before the first edit was sent sends the last text once.
- Every method is one transaction. On a real device set `synchronous = full`; here a crash of the
  process is survived, a power cut may not be.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

Document = dict[str, Any]

_SCHEMA = """
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
  edit_no integer not null, saved_at text not null,
  state text not null default 'unsent' check (state in ('unsent', 'refused')),
  unique (collection, id)
);
"""


@dataclass(frozen=True, slots=True)
class Edit:
    """One document with an unsent edit, as it goes to the server."""

    collection: str
    id: str
    edit_no: int
    document: Document
    assumed: Document | None


@dataclass(frozen=True, slots=True)
class Outbox:
    """What a screen shows of the outbox: how many edits wait and since when, how many were
    refused and wait for a correction."""

    unsent: int
    oldest: datetime | None
    refused: int


class Store:
    """One local database. `pushable` names the collections that the server takes edits of."""

    def __init__(self, path: Path | str, *, pushable: Sequence[str] = ("facts",)) -> None:
        self.pushable = tuple(pushable)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript(_SCHEMA)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.execute("pragma secure_delete = on")  # what is purged is gone from the file
        self.instance = UUID(self._recall("instance") or self._remember("instance", str(uuid7())))

    def close(self) -> None:
        self._db.close()

    # --- what the tablet knows of itself and of the server's history ---

    @property
    def token(self) -> str | None:
        """The tablet's bearer token, once it is enrolled."""
        return self._recall("token")

    def enrolled(self, token: str) -> None:
        self._remember("token", token)

    @property
    def claim(self) -> UUID:
        """The tablet's own name for its enrolment: the same on every retry."""
        return UUID(self._recall("claim") or self._remember("claim", str(uuid7())))

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

    # --- documents ---

    def checkpoint(self, collection: str) -> str | None:
        row = self._db.execute(
            "select value from checkpoint where collection = ?", [collection]
        ).fetchone()
        return row[0] if row else None

    def documents(self, collection: str) -> list[Document]:
        """Everything that the screen may show, oldest first (ids are UUIDv7)."""
        rows = self._db.execute(
            "select body from document where collection = ? and body is not null order by id",
            [collection],
        )
        return [orjson.loads(body) for (body,) in rows]

    def get(self, collection: str, id: str) -> Document | None:
        row = self._db.execute(
            "select body from document where collection = ? and id = ?", [collection, id]
        ).fetchone()
        return orjson.loads(row[0]) if row and row[0] is not None else None

    def accepted_at(self, collection: str, id: str) -> datetime | None:
        """When (device clock) the server's answer to the last edit of this document arrived."""
        row = self._db.execute(
            "select accepted_at from document where collection = ? and id = ?", [collection, id]
        ).fetchone()
        return datetime.fromisoformat(row[0]) if row and row[0] else None

    def take(
        self,
        collection: str,
        documents: Sequence[Document],
        *,
        prev: str | None,
        checkpoint: str,
        at: datetime,
    ) -> bool:
        """Take over one page or frame that continues at `prev`. False: it does not continue what
        this store has (something else came first, or something is missing), and nothing is done.

        A tombstone removes the document at once, unless an edit of it is still unsent: then what
        was typed stays until the server has answered for it.
        """
        with self._transaction():
            if self.checkpoint(collection) != prev:
                return False
            for document in documents:
                self._place(collection, document, at)
            self._db.execute("replace into checkpoint values (?, ?)", [collection, checkpoint])
        return True

    # --- what was typed ---

    def save(
        self, collection: str, document: Document, *, at: datetime, fact: bool = True
    ) -> Document:
        """Keep a new document or an edit, and put it into the outbox. Returns it as it was kept.

        `editor` and `edit_no` name the save: this local database, its n-th. A fact also gets the
        device's `counter`, which orders the facts of one device whatever its clock says.
        """
        with self._transaction():
            edit_no = self._count("edit_no")
            document = {**document, "editor": str(self.instance), "edit_no": edit_no}
            if fact:
                document["counter"] = self._count("counter")
            self._db.execute(
                "insert into document (collection, id, body) values (?, ?, ?) "
                "on conflict do update set body = excluded.body, accepted_at = null",
                [collection, document["id"], encoded(document)],
            )
            self._db.execute(
                "insert into outbox (collection, id, edit_no, saved_at) values (?, ?, ?, ?) "
                "on conflict do update set edit_no = excluded.edit_no, state = 'unsent'",
                [collection, document["id"], edit_no, at.isoformat()],
            )
        return document

    def unsent(self, limit: int) -> list[Edit]:
        """The oldest edits of one collection, in the order in which they were typed."""
        first = self._db.execute(
            "select collection from outbox where state = 'unsent' order by n limit 1"
        ).fetchone()
        if first is None:
            return []
        rows = self._db.execute(
            "select o.id, o.edit_no, d.body, d.served from outbox o join document d "
            "using (collection, id) where o.collection = ? and o.state = 'unsent' "
            "order by o.n limit ?",
            [first[0], limit],
        )
        return [
            Edit(first[0], id, edit_no, orjson.loads(body), served and orjson.loads(served))
            for id, edit_no, body, served in rows
        ]

    def settle(
        self, edits: Sequence[Edit], answers: Mapping[str, Document], *, at: datetime
    ) -> None:
        """The server has answered for these edits; `answers` are the documents it sent back.

        Without an answer of its own an edit was taken as sent. A document that comes back replaces
        the local one unless it was typed on meanwhile, a tombstone purges it, and one that carries
        `sync_status` was refused: its text stays here and on the server, to be corrected.
        """
        with self._transaction():
            for edit in edits:
                self._settle(edit, answers.get(edit.id), at)

    def outbox(self) -> Outbox:
        unsent, oldest, refused = self._db.execute(
            "select count(*) filter (where state = 'unsent'), "
            "min(saved_at) filter (where state = 'unsent'), "
            "count(*) filter (where state = 'refused') from outbox"
        ).fetchone()
        return Outbox(unsent, datetime.fromisoformat(oldest) if oldest else None, refused)

    # --- another history: the server was put back in time ---

    def begin_again(self, epoch: str, *, at: datetime) -> None:
        """Follow another history. Nothing is forgotten yet: every document of a pushable collection
        goes to the server once more, without a base, and everything is pulled from the start."""
        with self._transaction():
            self._remember("epoch", epoch)
            self._db.execute("delete from memory where name = 'seen'")
            self._db.execute("delete from checkpoint")
            self._db.execute("update document set served = null, stale = 1")
            for collection in self.pushable:
                rows = self._db.execute(
                    "select id, body from document where collection = ? and body is not null "
                    "order by id",
                    [collection],
                ).fetchall()
                self._db.executemany(
                    "insert into outbox (collection, id, edit_no, saved_at) values (?, ?, ?, ?) "
                    "on conflict do nothing",
                    [
                        (collection, id, orjson.loads(body).get("edit_no") or 0, at.isoformat())
                        for id, body in rows
                    ],
                )

    def complete(self, collection: str) -> None:
        """The first pull of a history has ended: what did not come with it is not ours any more."""
        with self._transaction():
            self._db.execute(
                "delete from document where collection = ? and stale and not exists "
                "(select 1 from outbox o where o.collection = document.collection "
                "and o.id = document.id)",
                [collection],
            )

    # --- inside ---

    def _settle(self, edit: Edit, answer: Document | None, at: datetime) -> None:
        key = [edit.collection, edit.id]
        refused = bool(answer and answer.get("sync_status"))
        if refused:
            self._db.execute(
                "update outbox set state = 'refused' "
                "where collection = ? and id = ? and edit_no = ?",
                [*key, edit.edit_no],
            )
        else:
            self._accepted(key, edit.edit_no, at)
        # A pull may have brought something newer while the edit was on its way.
        assumed = encoded(edit.assumed) if edit.assumed else None
        self._db.execute(
            "update document set served = ? where collection = ? and id = ? and served is ?",
            [encoded({**edit.document, "rev": 0}), *key, assumed],  # its rev is still to come
        )
        if answer is not None:
            self._place(edit.collection, answer, at)
        elif not self._waits(edit.collection, edit.id):
            self._db.execute(
                "delete from document where collection = ? and id = ? and withdrawn", key
            )

    def _place(self, collection: str, document: Document, at: datetime) -> None:
        """One document as the server has it, from a pull, a frame or the answer to a push."""
        key = [collection, document["id"]]
        waiting = self._waits(*key)
        if document.get("_deleted"):
            if waiting:
                self._db.execute(
                    "update document set withdrawn = 1 where collection = ? and id = ?", key
                )
            else:
                self._db.execute("delete from document where collection = ? and id = ?", key)
                self._db.execute("delete from outbox where collection = ? and id = ?", key)
            return
        if waiting and document.get("editor") == str(self.instance):
            # Our own edit comes back before its answer, which may be lost.
            self._accepted(key, document.get("edit_no") or 0, at)
            waiting = self._waits(*key)
        row = self._db.execute(
            "select served from document where collection = ? and id = ?", key
        ).fetchone()
        if row and row[0] and orjson.loads(row[0]).get("rev", 0) > document.get("rev", 0):
            return  # an answer that was overtaken by a newer one
        text = encoded(document)
        self._db.execute(
            "insert into document (collection, id, body, served) values (?, ?, ?, ?) "
            "on conflict do update set served = excluded.served, withdrawn = 0, stale = 0, "
            "body = case when ? then body else excluded.body end",
            [*key, text, text, waiting],
        )
        if not document.get("sync_status") and not waiting:
            self._db.execute("delete from outbox where collection = ? and id = ?", key)

    def _accepted(self, key: Sequence[str], edit_no: int, at: datetime) -> None:
        self._db.execute(
            "delete from outbox where collection = ? and id = ? and edit_no <= ?", [*key, edit_no]
        )
        self._db.execute(
            "update document set accepted_at = ? where collection = ? and id = ?",
            [at.isoformat(), *key],
        )

    def _waits(self, collection: str, id: str) -> bool:
        return bool(
            self._db.execute(
                "select 1 from outbox where collection = ? and id = ? and state = 'unsent'",
                [collection, id],
            ).fetchone()
        )

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


def seq_of(head: str | None) -> int:
    """The place of a head in the order of commits; 0 for none.

    >>> seq_of("412.90210")
    412
    """
    return int(head.partition(".")[0]) if head else 0


def encoded(value: Any) -> bytes:
    """A document, or a list of them, as canonical JSON: equal values are equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
