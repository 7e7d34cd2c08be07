"""A push: rows of one collection, each with a verdict of its own.

A client repeats a push that was answered with an error for ever, unchanged, and holds everything
else back meanwhile. So only what is wrong with the request as a whole is an error; what is wrong
with a row puts that row into quarantine, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, transaction

from apps.accounts.services import tablet_actor
from apps.audit.services import record
from apps.changes.services import together
from apps.core.problems import FieldError
from apps.sync import authors, documents, feed, merged, policies, recovery, urgent, verdicts, wire
from apps.sync.authors import Attribution
from apps.sync.canonical import fingerprint
from apps.sync.documents import Stand
from apps.sync.feed import Current
from apps.sync.registry import SERVER_MANAGED, Collection, Contact, Pushed, Refused
from apps.sync.rows import MOST_ROWS, Row, parsed, recordable, rows_of, tombstone
from apps.sync.services import early, lost, quarantine, versions
from apps.sync.services.early import Came
from apps.sync.services.quarantine import Rejected
from apps.sync.services.versions import Save
from apps.sync.values import is_positive, uuid_of
from apps.sync.verdicts import AT_COMMIT

__all__ = ["MOST_ROWS", "ROWS_A_TRANSACTION", "Row", "commit", "push", "rows_of", "told"]

# Savepoints are cheap by the dozen, and a long transaction holds up other publishers.
ROWS_A_TRANSACTION = 50


def push(
    *, collection: Collection, contact: Contact, rows: Sequence[Row], now: datetime
) -> list[bytes]:
    """Judges every row; the current documents, as they are sent, of those not applied as sent.

    What was committed stays: the same request again repeats it without effect. Raises
    OperationalError where the database is too busy; nothing is lost, as the client keeps its rows.
    """
    answers: dict[str, bytes] = {}
    for batch in _batches(rows):
        judged = commit(collection, contact, batch, now)
        unseen = _unseen(collection, contact, judged.values())
        for row in batch:
            answer = _told(collection, contact, judged[row.id], unseen)
            if answer is None and row.id in answers:  # of an earlier version in this push
                answer = _present(collection, contact, row)
            if answer is not None:
                answers[row.id] = answer
    recovery.count(collection, contact, [(r.id, uuid_of(r.id)) for r in rows], now)
    return list(answers.values())


def _present(collection: Collection, contact: Contact, row: Row) -> bytes:
    """What holds now under a row's id, for its local database."""
    held = _held(collection, contact, row)
    return tombstone(row.id) if held is None or held.row is None else wire.document(held.row)


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows of each transaction, in order. Two versions of one document are never in one: the
    second is judged by what the first has become."""
    batch: dict[str, Row] = {}
    for row in rows:
        if row.id in batch or len(batch) == ROWS_A_TRANSACTION:
            yield list(batch.values())
            batch = {}
        batch[row.id] = row
    if batch:
        yield list(batch.values())


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a row. `answer` None: it holds as it was sent. `stays`: with it a copy stays on
    the tablet, of what the row has led to or of the text that was refused.

    `another`: it was typed by somebody else than who is signed in. What may be shown of it follows
    from what this local database holds once all is committed.
    """

    row: Row
    answer: bytes | None
    another: bool = False
    stays: bool = False


@policies.within(policies.TRANSACTION_SECONDS)
def commit(
    collection: Collection, contact: Contact, rows: Sequence[Row], now: datetime
) -> dict[str, Judged]:
    """One transaction: all rows in as few statements as there can be. Where one of them cannot be
    taken, nothing of that stands, and each gets a savepoint of its own. A constraint that is
    checked at COMMIT fails all of its rows, where a savepoint has no say: then each row gets a
    transaction of its own, and the culprit stays out.
    """
    rows = [recordable(collection, row) for row in rows]
    try:
        with transaction.atomic():
            batch = _Batch(collection, contact, rows, now)
            judged = batch.judge_together(rows)
            batch.check()
            return judged
    except (_Trouble, IntegrityError, DataError):
        pass  # and nothing of it is there: who the culprit is shows row by row
    try:
        with transaction.atomic():
            batch = _Batch(collection, contact, rows, now)
            judged = {row.id: batch.judge(row) for row in rows}
            batch.check()
            return judged
    except (IntegrityError, DataError):
        if len(rows) > 1:
            return {row.id: commit(collection, contact, [row], now)[row.id] for row in rows}
        with transaction.atomic():
            batch = _Batch(collection, contact, rows, now)
            return {rows[0].id: batch.refuse(rows[0], [AT_COMMIT])}


def told(collection: Collection, contact: Contact, judged: Mapping[str, Judged]) -> list[bytes]:
    """The answers for rows of one transaction, once that has committed."""
    unseen = _unseen(collection, contact, judged.values())
    answers = (_told(collection, contact, one, unseen) for one in judged.values())
    return [answer for answer in answers if answer is not None]


def _unseen(collection: Collection, contact: Contact, judged: Iterable[Judged]) -> set[UUID]:
    """The documents that would stay on this local database, and that it may not hold: what was
    typed came after the case had left it; or it was refused, and settled since, while the answer
    was lost. It has a copy that no pull would withdraw, or not once more."""
    here = contact.instance
    stay = [(here, doc_id) for one in judged if one.stays and (doc_id := uuid_of(one.row.id))]
    return {doc_id for _, doc_id in feed.not_held(collection.name, stay)} if stay else set()


def _told(
    collection: Collection, contact: Contact, judged: Judged, unseen: set[UUID]
) -> bytes | None:
    """The answer for a row. To a local database that may not see the document: an order to drop it.
    To one that is signed in as somebody else than the row's author: what it may see of it, if
    anything."""
    if judged.stays and uuid_of(judged.row.id) in unseen:
        return tombstone(judged.row.id)
    if not judged.another:
        return judged.answer
    held = _held(collection, contact, judged.row)
    if held is None or held.row is None:
        return tombstone(judged.row.id)
    return None if judged.answer is None else wire.document(held.row)


class _Batch:
    """The rows of one transaction: what they all need is read once, at the beginning."""

    def __init__(
        self, collection: Collection, contact: Contact, rows: Sequence[Row], now: datetime
    ) -> None:
        self._collection = collection
        self._contact = contact
        self._now = now
        found = {row.id: parsed(collection, row) for row in rows}
        self._parsed = authors.own_saves(found, contact)
        self._authors = authors.attribute(collection, rows, contact)
        self._stands: dict[UUID, Stand] = {}
        self._led: dict[UUID, merged.Outcome] = {}
        self._begun: set[UUID] = set()
        self._refused = quarantine.open_saves(
            collection=collection.name, ids=list(found), contact=contact
        )
        self._came: dict[str, list[Came]] = {}
        pushed = [one for one in self._parsed.values() if isinstance(one, Pushed)]
        collection.lock(pushed)
        if collection.kind == "merged":
            unread = [uuid_of(id) for id, one in found.items() if not isinstance(one, Pushed)]
            named = [id for id in unread if id is not None]
            self._stands = merged.stands_of(collection, contact, pushed, unread=named)

    def judge_together(self, rows: Sequence[Row]) -> dict[str, Judged]:
        """The verdicts on all rows, if each can be taken. Raises _Trouble otherwise."""
        history: list[Save] = []
        try:
            with together(now=self._now):
                judged = {row.id: self._judged(row, history) for row in rows}
            versions.write(history)
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # noqa: BLE001 - whatever it is, it comes again row by row
            raise _Trouble from None
        return judged

    def judge(self, row: Row) -> Judged:
        """The verdict on one row, in a savepoint of its own."""
        history: list[Save] = []
        try:
            with transaction.atomic():
                judged = self._judged(row, history)
                versions.write(history)
                return judged
        except Exception as error:  # noqa: BLE001 - every kind has its verdict, or goes on up
            self._came.pop(row.id, None)
            return self.refuse(row, verdicts.reasons(error, self._collection))

    def _judged(self, row: Row, history: list[Save]) -> Judged:
        if row.document.get("_deleted") is True and not is_positive(row.document.get("edit_no")):
            return Judged(row, None)  # a purge that comes back: never a deletion
        nobody = self._contact.session.user is None
        try:
            document = self._apply(row, history)
        except _Known:
            return Judged(row, tombstone(row.id) if nobody else None, another=not nobody)
        answer = None
        if document is not None:
            answer = orjson.dumps({"_deleted": False, **document}, option=orjson.OPT_UTC_Z)
        if nobody:  # a call for help; its banner still needs the tablet's copy
            return Judged(row, answer)
        another = self._authors[row.id].another
        return Judged(row, answer, another=another, stays=not row.document.get("_deleted"))

    def refuse(self, row: Row, errors: Sequence[FieldError]) -> Judged:
        """Keeps the row in quarantine, under its author; of a lost tablet, as long as it is not too
        much."""
        whose, here = self._authors[row.id], self._contact.session
        held = _held(self._collection, self._contact, row)
        rejected = Rejected(
            collection=self._collection.name,
            doc_id=row.id,
            content=_typed(row),
            base=row.assumed,
            editor=uuid_of(row.document.get("editor")),
            edit_no=edit_no if is_positive(edit_no := row.document.get("edit_no")) else None,
            errors=list(errors),
            fresh=held is None and uuid_of(row.id) is not None,
            waits=whose.waits and tuple(errors) == whose.errors,
        )
        if not here.lost or lost.admits(
            tablet=here.tablet,
            size=_size(row),
            is_kept=lambda: quarantine.is_kept(row=rejected, contact=self._contact),
        ):
            doc_id = uuid_of(row.id)
            if doc_id and not documents.is_published(self._collection.name, doc_id):
                self._begun.add(doc_id)
            quarantine.quarantine(row=rejected, contact=whose.speaks(self._contact), now=self._now)
        if here.user is None:
            return Judged(row, tombstone(row.id))
        answer = _in_place_of(self._collection, row, held, errors)
        return Judged(row, answer, another=whose.another, stays=True)

    def check(self) -> None:
        """Notes which of the documents wait for what they are of. Nobody has written one of them
        without its lock; see `documents`."""
        came = [one for documents in self._came.values() for one in documents]
        early.note(collection=self._collection, documents=came, now=self._now)
        if self._led:
            merged.must_have_led(self._collection.name, self._led)
        if self._begun:
            documents.must_cover_nothing(self._collection.name, self._begun)

    def _apply(self, row: Row, history: list[Save]) -> dict[str, object] | None:
        """Applies a row, or raises Refused."""
        pushed, whose = self._parsed[row.id], self._authors[row.id]
        if not isinstance(pushed, Pushed):
            raise Refused(pushed)
        stand = self._stands.get(pushed.doc_id, documents.NOTHING)
        if whose.errors:
            whose = self._although(pushed, whose, stand)
        contact = whose.speaks(self._contact)
        if whose.another and self._collection.kind == "merged":
            stand = merged.seen_by(stand, pushed, [whose.author])
        taken = verdicts.take_unsaved(
            self._collection, pushed, stand, contact, history=history, now=self._now
        )
        self._came[row.id] = early.came(pushed, taken.answer, contact)
        if self._collection.kind == "merged":
            self._led[pushed.doc_id] = taken
        takes_back = pushed.deleted and not stand.exists  # though it never heard the refusal
        settles_all = pushed.corrects or takes_back
        if settles_all or self._was_refused(row):
            quarantine.corrected(
                collection=pushed.collection,
                doc_id=pushed.doc_id,
                contact=contact,
                now=self._now,
                save=None if settles_all else pushed.edit_no,
            )
        if whose.another:
            _write_down(pushed, contact, self._contact, self._now)
        return taken.answer

    def _was_refused(self, row: Row) -> bool:
        """Whether this very save was refused before and is still open: the answer was lost, and it
        can be taken meanwhile."""
        if not self._refused:
            return False
        return (row.id, row.document.get("edit_no"), fingerprint(_typed(row))) in self._refused

    def _although(self, pushed: Pushed, whose: Attribution, stand: Stand) -> Attribution:
        """Its author cannot write now. A call for help is taken all the same; what is here already
        needs no author. Raises Refused for the rest."""
        here = self._contact.session
        if urgent.is_urgent(pushed.document) and not here.lost:
            author = whose.author if whose.author and whose.author.is_active else None
            return replace(whose, author=author, errors=())
        if verdicts.is_repeat(self._collection, pushed, stand):
            raise _Known
        raise Refused(list(whose.errors))


class _Trouble(Exception):
    """One of these rows cannot be taken."""


class _Known(Exception):
    """What this row says was taken before, from whoever it was."""


# What the server wrote itself is no part of what was typed.
_NOT_KEPT = SERVER_MANAGED - {"_deleted"}


def _typed(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.document.items() if name not in _NOT_KEPT}


def _size(row: Row) -> int:
    return len(orjson.dumps([row.document, row.assumed]))


def _write_down(pushed: Pushed, contact: Contact, came_as: Contact, now: datetime) -> None:
    """The audit entry of an edit that came under another sign-in than its author's."""
    here = came_as.session.user
    record(
        actor=tablet_actor(contact.session.tablet, contact.session.user),
        action="push",
        subject_type=pushed.collection,
        subject_ids=[pushed.doc_id],
        now=now,
        detail={"signed_in": str(here.pk) if here else None},
    )


def _held(collection: Collection, contact: Contact, row: Row) -> Current | None:
    """What holds under the row's id; None where nothing does but, perhaps, a refused text."""
    doc_id = uuid_of(row.id)
    if doc_id is None:
        return None
    found = feed.current(holder=contact.instance, collection=collection.name, doc_id=doc_id)
    return None if found and documents.stands_in(collection.name, doc_id) else found


def _in_place_of(
    collection: Collection, row: Row, held: Current | None, errors: Sequence[FieldError]
) -> bytes:
    """What a client gets in place of a refused row: an order to drop what its holder may not see. A
    fact that was recorded stays as it is. Otherwise what was typed, marked, so that it stays in
    sight."""
    if held is not None and held.row is None:
        return tombstone(row.id)
    if held is not None and held.row is not None and collection.kind == "append_only":
        return wire.document(held.row)
    marked = quarantine.marked(row.document, errors)
    if held is not None and held.row is not None:
        marked["rev"] = held.row.rev
    return orjson.dumps({**marked, "_deleted": False})
