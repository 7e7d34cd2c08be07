"""What a tablet remembers: documents, checkpoints and the outbox.

The rule above all others: what a responder typed is in this file from the moment it is typed until
the server has answered for it, however often the radio, the app or the tablet fails in between.

- `document.body` is what the screen shows. `served` is the state of the server that `body` was
  typed on (null: none), and goes with an edit as its base. `newer` is a state that came while an
  edit was unsent: shown once that edit is answered, never its base, or the edit would put back what
  others wrote meanwhile. `rev` is the highest revision that came; `sent`: a later one is known to
  exist, because an edit was taken as sent. `urgent`: it was typed here as a call for help.
- `deleted`: its author has deleted it. `withdrawn`: the server took it back while an edit was
  unsent; it goes with the answer to that edit. `stale`: not yet seen again since the store began
  to pull from the start.
- `outbox` names documents with an edit that is `unsent`, was `refused` by the server (which keeps
  the text), or was set `aside` because no request with it is understood. It is a list of names, not
  of texts: whoever types on before the first edit was sent sends the last text once.
- Every method is one transaction. On a real device set `synchronous = full`; here a crash of the
  process is survived, a power cut may not be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from .database import Document, encoded, seq_of
from .ledger import Ledger, Outbox

__all__ = ["Document", "Edit", "Outbox", "Store", "encoded", "seq_of"]

_NOT_TYPED = ("sync_status", "sync_errors", "author_id")


@dataclass(frozen=True, slots=True)
class Edit:
    """One document with an unsent edit, as it goes to the server."""

    collection: str
    id: str
    edit_no: int
    document: Document
    assumed: Document | None


class Store(Ledger):
    """One local database. `pushable` names the collections that the server takes edits of, and
    `append_only` those of them whose documents are written once."""

    def __init__(
        self,
        path: Path | str,
        *,
        pushable: Sequence[str] = ("facts",),
        append_only: Sequence[str] = ("facts",),
    ) -> None:
        super().__init__(path)
        self.pushable = tuple(pushable)
        self.append_only = tuple(append_only)
        # The app was started anew: it, or the server, may be a newer one that understands.
        self._db.execute("update outbox set state = 'unsent', problem = null where state = 'aside'")

    # --- what the server says ---

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

    def signed_in(self, person: str) -> None:
        """Somebody has signed in. A call for help that was sent while nobody was signed in stays
        for its banner, and no tombstone names it: it leaves when somebody else signs in. Where they
        may see it, a pull brings it."""
        with self._transaction():
            if person != self.author:
                rows = self._db.execute(
                    "select collection, id from document d where urgent and sent and not exists "
                    "(select 1 from outbox o where o.collection = d.collection and o.id = d.id)"
                )
                for key in rows.fetchall():
                    self._purge(*key)
            super().signed_in(person)

    def save(
        self, collection: str, document: Document, *, at: datetime, urgent: bool = False
    ) -> Document:
        """Keep a new document or an edit, and put it into the outbox. Returns it as it was kept.

        `editor` and `edit_no` name the save: this local database, its n-th. A fact also gets the
        device's `counter`, which orders the facts of one device whatever its clock says. `urgent`
        goes before everything else. `author_id` says who typed it: by the time it arrives, somebody
        else may be signed in.
        """
        with self._transaction():
            document = {name: value for name, value in document.items() if name not in _NOT_TYPED}
            document |= self._next_save()
            if collection == "facts":
                document["counter"] = self._count("counter")
            self._keep(collection, document, at, urgent=urgent)
        return document

    def delete(self, collection: str, id: str, *, at: datetime) -> None:
        """Its author deletes a document: it is gone from the screen, and from the server if nobody
        has changed it meanwhile. Where somebody has, it comes back with the answer."""
        with self._transaction():
            row = self._row(collection, id)
            if row is None:
                return
            document = {**orjson.loads(row[0]), **self._next_save(), "_deleted": True}
            self._keep(collection, document, at)

    def unsent(
        self, limit: int, *, urgent: bool = False, collection: str | None = None
    ) -> list[Edit]:
        """The oldest edits of one collection (this one, if it is named), in the order in which they
        were typed. What is urgent comes first and by itself; with `urgent` nothing else comes."""
        first = self._db.execute(
            "select collection, urgent from outbox where state = 'unsent' and urgent >= ? "
            "and collection = coalesce(?, collection) order by urgent desc, n limit 1",
            [urgent, collection],
        ).fetchone()
        if first is None:
            return []
        rows = self._db.execute(
            "select o.id, o.edit_no, d.body, d.served from outbox o join document d "
            "using (collection, id) where o.collection = ? and o.urgent = ? "
            "and o.state = 'unsent' order by o.n limit ?",
            [*first, limit],
        )
        return [
            Edit(first[0], id, edit_no, self._as_sent(body), served and orjson.loads(served))
            for id, edit_no, body, served in rows
        ]

    def settle(
        self, edits: Sequence[Edit], answers: Mapping[str, Document], *, at: datetime
    ) -> bool:
        """The server has answered for these edits; `answers` are the documents it sent back. True:
        the collection is to be pulled from the start.

        Without an answer of its own an edit was taken as sent. A document that comes back replaces
        the local one unless it was typed on meanwhile, a tombstone purges it, and one that carries
        `sync_status` was refused: its text stays here and on the server, to be corrected.
        """
        with self._transaction():
            anew = [self._settle(edit, answers.get(edit.id), at) for edit in edits]
        return any(anew)

    def set_aside(self, edit: Edit, problem: str) -> None:
        """No request with this edit is understood: it waits, in sight, and holds up no other. It is
        sent again when it is edited, or when the app is started anew."""
        self._mark(edit, "aside", problem)

    # --- from the start again ---

    def begin_again(self, epoch: str, *, at: datetime) -> None:
        """Follow another history: the server was put back in time. Nothing is forgotten yet: what
        this store holds goes to the server once more, without a base, also what was refused;
        everything is pulled from the start. What is written once goes only where it was written
        here: others hand over their own. What people change together goes whoever wrote it."""
        with self._transaction():
            self._remember("followed", self.followed or epoch)
            self._remember("epoch", epoch)
            self._db.execute("delete from memory where name = 'seen'")
            self._db.execute("delete from checkpoint")
            self._db.execute(
                "update document set served = null, newer = null, rev = 0, sent = 0, stale = 1"
            )
            for collection in self.pushable:
                rows = self._db.execute(
                    "select id, body from document where collection = ? order by id", [collection]
                ).fetchall()
                self._db.executemany(
                    "insert into outbox (collection, id, edit_no, saved_at) values (?, ?, ?, ?) "
                    "on conflict do nothing",
                    [
                        (collection, id, document.get("edit_no") or 0, at.isoformat())
                        for id, body in rows
                        if self._ours_to_send(collection, document := orjson.loads(body))
                    ],
                )
            self._db.execute("update outbox set state = 'unsent', problem = null")
            (last,) = self._db.execute("select max(n) from outbox").fetchone()
            self._remember("owed", str(last or 0))

    def start_over(self, collection: str) -> None:
        """Pull one collection from the start: its checkpoint, or what is held of it, is no good."""
        with self._transaction():
            self._start_over(collection)

    def complete(self, collection: str) -> None:
        """A pull from the start has ended: what did not come with it is not ours any more."""
        with self._transaction():
            rows = self._db.execute(
                "select id from document d where collection = ? and stale and not exists "
                "(select 1 from outbox o where o.collection = d.collection and o.id = d.id)",
                [collection],
            )
            for (id,) in rows.fetchall():
                self._purge(collection, id)

    # --- inside ---

    def _start_over(self, collection: str) -> None:
        self._db.execute("delete from checkpoint where collection = ?", [collection])
        self._db.execute(
            "update document set stale = 1, rev = 0, sent = 0 where collection = ?", [collection]
        )

    def _as_sent(self, body: bytes) -> Document:
        """A document that others wrote, and that is handed over to another history, is sent as what
        was held here: this tablet cannot speak for its author."""
        document: Document = orjson.loads(body)
        if document.get("editor") not in self.writers:
            document.pop("author_id", None)
        return document

    def _ours_to_send(self, collection: str, document: Document) -> bool:
        return collection not in self.append_only or document.get("editor") in self.writers

    def _keep(
        self, collection: str, document: Document, at: datetime, *, urgent: bool = False
    ) -> None:
        deleted = bool(document.get("_deleted"))
        self._db.execute(
            "insert into document (collection, id, body, deleted, urgent) values (?, ?, ?, ?, ?) "
            "on conflict do update set body = excluded.body, deleted = excluded.deleted, "
            "urgent = max(urgent, excluded.urgent), accepted_at = null",
            [collection, document["id"], encoded(document), deleted, urgent],
        )
        self._db.execute(
            "insert into outbox (collection, id, edit_no, saved_at, urgent) "
            "values (?, ?, ?, ?, ?) on conflict do update set edit_no = excluded.edit_no, "
            "state = 'unsent', problem = null, urgent = max(urgent, excluded.urgent)",
            [collection, document["id"], document["edit_no"], at.isoformat(), urgent],
        )

    def _settle(self, edit: Edit, answer: Document | None, at: datetime) -> bool:
        key = (edit.collection, edit.id)
        if not self._waits(*key):
            return False  # a pull, or another answer, has said so before: what came since counts
        # What was withdrawn while the push was under way goes: the answer may tell of before. Where
        # it is ours again, a pull brings it.
        withdrawn = self._row(*key)[3]
        if answer is not None and answer.get("sync_status"):
            self._refused(edit, answer)
            if withdrawn and not self._waits(*key):
                self._purge(*key)
            return False
        # What came while the push was under way came after what a tombstone tells of, perhaps.
        anew = bool(answer and answer.get("_deleted") and self._came_since(edit))
        self._accepted(key, edit.edit_no, at)
        self._sent(edit, as_sent=answer is None)
        if anew:
            self._start_over(edit.collection)
        if answer is not None and not withdrawn:
            self._place(edit.collection, answer, at)
        row = self._row(*key)
        if row is None or self._waits(*key):
            return anew
        _, newer, _, withdrawn, deleted = row
        if withdrawn or (deleted and newer is None):
            self._purge(*key)
        elif newer is not None:
            self._show(*key, newer)
        else:
            self._stamp(*key)
        return anew

    def _stamp(self, collection: str, id: str) -> None:
        """What was typed before the revision of its base had come carries it from now on."""
        key = [collection, id]
        body, rev = self._db.execute(
            "select body, rev from document where collection = ? and id = ?", key
        ).fetchone()
        if (document := orjson.loads(body)).get("rev", 0) < rev:
            text = encoded({**document, "rev": rev})
            self._db.execute(
                "update document set body = ? where collection = ? and id = ?", [text, *key]
            )

    def _refused(self, edit: Edit, answer: Document) -> None:
        """What was refused stays in sight, and is what its correction is typed on. A pull may have
        brought it before, with its revision."""
        self._mark(edit, "refused", None)
        row = self._row(edit.collection, edit.id)
        text = encoded({"rev": row[2], **answer} if row and row[2] else answer)
        self._db.execute(
            "update document set served = ?, newer = null, deleted = 0, sent = 0, "
            "body = case when ? then body else ? end where collection = ? and id = ?",
            [text, self._waits(edit.collection, edit.id), text, edit.collection, edit.id],
        )

    def _came_since(self, edit: Edit) -> bool:
        """Whether the server's state has come since this edit was typed."""
        assumed = encoded(edit.assumed) if edit.assumed else None
        (came,) = self._db.execute(
            "select newer is not null or served is not ? from document "
            "where collection = ? and id = ?",
            [assumed, edit.collection, edit.id],
        ).fetchone()
        return bool(came)

    def _sent(self, edit: Edit, *, as_sent: bool) -> None:
        """The server has judged this edit: whatever is typed from now on is typed on it. Where it
        holds as sent, its revision is still to come, and nothing older is shown. A pull may have
        brought a later base while the edit was on its way: that one stays."""
        assumed = encoded(edit.assumed) if edit.assumed else None
        self._db.execute(
            "update document set served = ?, sent = ? "
            "where collection = ? and id = ? and served is ?",
            [encoded(edit.document), as_sent, edit.collection, edit.id, assumed],
        )

    def _place(self, collection: str, document: Document, at: datetime) -> None:
        """One document as the server has it, from a pull, a frame or the answer to a push."""
        id = document["id"]
        if document.get("_deleted"):
            if self._waits(collection, id):
                self._db.execute(
                    "update document set withdrawn = 1, newer = null "
                    "where collection = ? and id = ?",
                    [collection, id],
                )
            else:
                self._purge(collection, id)
            return
        row = self._row(collection, id)
        if row is not None and row[2] > document.get("rev", 0) and not row[3]:
            return  # it was overtaken by a newer one; what was withdrawn and comes again was not
        ours = self._waits(collection, id) and document.get("editor") in self.writers
        if ours:
            # Our own edit comes back before its answer, which may be lost.
            self._echo(collection, document, at)
        if not self._waits(collection, id):
            self._show(collection, id, encoded(document))
            return
        text = encoded(document)
        self._db.execute(
            "update document set served = case when ? then ? else served end, "
            "newer = case when ? then newer else ? end, rev = max(rev, ?), withdrawn = 0, "
            "sent = 0, stale = 0 where collection = ? and id = ?",
            [ours, text, ours, text, document.get("rev", 0), collection, id],
        )

    def _echo(self, collection: str, document: Document, at: datetime) -> None:
        edit_no = document.get("edit_no") or 0
        key = (collection, document["id"])
        if document.get("sync_status"):
            self._mark(Edit(*key, edit_no, document, None), "refused", None)
        else:
            self._accepted(key, edit_no, at)

    def _show(self, collection: str, id: str, text: bytes) -> None:
        """Put a state of the server on the screen. Nothing is unsent."""
        document = orjson.loads(text)
        self._db.execute(
            "insert into document (collection, id, body, served, rev) values (?, ?, ?, ?, ?) "
            "on conflict do update set body = excluded.body, served = excluded.served, "
            "newer = null, rev = max(rev, excluded.rev), sent = 0, withdrawn = 0, stale = 0, "
            "deleted = 0",
            [collection, id, text, text, document.get("rev", 0)],
        )
        if not document.get("sync_status"):
            self._db.execute("delete from outbox where collection = ? and id = ?", [collection, id])

    def _purge(self, collection: str, id: str) -> None:
        key = [collection, id]
        self._db.execute("delete from outbox where collection = ? and id = ?", key)
        if self._db.execute("delete from document where collection = ? and id = ?", key).rowcount:
            self._db.execute("insert or ignore into purged values (?, ?)", key)
            self._has_dropped = True

    def _accepted(self, key: tuple[str, str], edit_no: int, at: datetime) -> None:
        self._db.execute(
            "delete from outbox where collection = ? and id = ? and edit_no <= ?", [*key, edit_no]
        )
        self._db.execute(
            "update document set accepted_at = ? where collection = ? and id = ?",
            [at.isoformat(), *key],
        )

    def _mark(self, edit: Edit, state: str, problem: str | None) -> None:
        """Unless it was typed on meanwhile."""
        self._db.execute(
            "update outbox set state = ?, problem = ? "
            "where collection = ? and id = ? and edit_no = ?",
            [state, problem, edit.collection, edit.id, edit.edit_no],
        )

    def _row(self, collection: str, id: str) -> Any:
        return self._db.execute(
            "select body, newer, rev + sent, withdrawn, deleted from document "
            "where collection = ? and id = ?",
            [collection, id],
        ).fetchone()

    def _waits(self, collection: str, id: str) -> bool:
        """Whether something of it was typed that the server does not have."""
        return bool(
            self._db.execute(
                "select 1 from outbox where collection = ? and id = ? and state <> 'refused'",
                [collection, id],
            ).fetchone()
        )
