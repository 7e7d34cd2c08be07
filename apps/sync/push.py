"""A push: rows of one collection, each with a verdict of its own.

A client repeats a push that was answered with an error for ever, unchanged, and holds everything
else back meanwhile. So only what is wrong with the request as a whole is an error; what is wrong
with a row puts that row into quarantine, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import orjson
from django.db import DataError, IntegrityError, transaction

from apps.core.problems import FieldError
from apps.sync import documents, feed, merged, verdicts, wire
from apps.sync.documents import Stand
from apps.sync.feed import Current
from apps.sync.registry import SERVER_MANAGED, Collection, Contact, Pushed, Refused
from apps.sync.rows import MOST_ROWS, Row, parsed, positive, rows_of, uuid
from apps.sync.services import quarantine
from apps.sync.services.quarantine import Rejected
from apps.sync.verdicts import AT_COMMIT

__all__ = ["MOST_ROWS", "ROWS_A_TRANSACTION", "Row", "push", "rows_of"]

# Savepoints are cheap by the dozen, and a long transaction holds up other publishers.
ROWS_A_TRANSACTION = 50


def push(
    *, collection: Collection, contact: Contact, rows: Sequence[Row], now: datetime
) -> list[bytes]:
    """Judges every row; the current documents, as they are sent, of those not applied as sent.

    What was committed stays: the same request again repeats it without effect. Raises
    OperationalError where the database is too busy; nothing is lost, as the client keeps its rows.
    """
    answers: list[bytes] = []
    for batch in _batches(rows):
        answers += _commit(collection, contact, batch, now)
    return answers


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


def _commit(
    collection: Collection, contact: Contact, rows: Sequence[Row], now: datetime
) -> list[bytes]:
    """One transaction. A constraint that is checked at COMMIT fails all of its rows, where a
    savepoint has no say: then each row gets a transaction of its own, and the culprit stays out.
    """
    try:
        with transaction.atomic():
            batch = _Batch(collection, contact, rows, now)
            answers = [answer for row in rows if (answer := batch.judge(row))]
            batch.check()
            return answers
    except (IntegrityError, DataError):
        if len(rows) > 1:
            return [a for row in rows for a in _commit(collection, contact, [row], now)]
        with transaction.atomic():
            return [_refuse(collection, contact, rows[0], [AT_COMMIT], now)]


_NOBODY = FieldError("", "Nobody was signed in on the tablet.")


class _Batch:
    """The rows of one transaction: what they all need is read once, at the beginning."""

    def __init__(
        self, collection: Collection, contact: Contact, rows: Sequence[Row], now: datetime
    ) -> None:
        self._collection = collection
        self._contact = contact
        self._now = now
        self._parsed = {row.id: parsed(collection, row) for row in rows}
        self._stands: dict[UUID, Stand] = {}
        self._revs: dict[UUID, int] = {}
        if collection.kind == "merged":
            versions = [one for one in self._parsed.values() if isinstance(one, Pushed)]
            self._stands = merged.stands_of(collection, contact, versions)

    def judge(self, row: Row) -> bytes | None:
        """The verdict on one row: None where it holds as it was sent, else what to return."""
        if row.document.get("_deleted") and not positive(row.document.get("edit_no")):
            return None  # a purge that comes back: never a deletion
        try:
            with transaction.atomic():
                document = self._apply(row)
        except Exception as error:  # noqa: BLE001 - every kind has its verdict, or goes on up
            errors = verdicts.reasons(error, self._collection)
            return _refuse(self._collection, self._contact, row, errors, self._now)
        if document is None:
            return None
        return orjson.dumps({"_deleted": False, **document}, option=orjson.OPT_UTC_Z)

    def check(self) -> None:
        """Nobody has written one of these documents without its lock; see `documents`."""
        if self._revs:
            documents.must_have_led_to(self._collection.name, self._revs)

    def _apply(self, row: Row) -> dict[str, object] | None:
        """Applies a row, or raises Refused. Runs in a savepoint."""
        pushed = self._parsed[row.id]
        if not isinstance(pushed, Pushed):
            raise Refused(pushed)
        if self._contact.session.user is None:
            raise Refused([_NOBODY])
        stand = self._stands.get(pushed.doc_id, documents.NOTHING)
        taken = verdicts.take(self._collection, pushed, stand, self._contact, self._now)
        if self._collection.kind == "merged":
            self._revs[pushed.doc_id] = taken.rev
        if pushed.corrects:
            quarantine.corrected(
                collection=pushed.collection,
                doc_id=pushed.doc_id,
                contact=self._contact,
                now=self._now,
            )
        return taken.answer


def _refuse(
    collection: Collection,
    contact: Contact,
    row: Row,
    errors: list[FieldError],
    now: datetime,
) -> bytes:
    """Keeps the row in quarantine; what the tablet gets in its place."""
    edit_no = row.document.get("edit_no")
    held = _held(collection, contact, row)
    rejected = Rejected(
        collection=collection.name,
        doc_id=row.id,
        content={k: v for k, v in row.document.items() if k not in SERVER_MANAGED - {"_deleted"}},
        base=row.assumed,
        editor=uuid(row.document.get("editor")),
        edit_no=edit_no if positive(edit_no) else None,
        errors=errors,
        fresh=held is None and documents.uuid_of(row.id) is not None,
    )
    quarantine.quarantine(row=rejected, contact=contact, now=now)
    return _in_place_of(collection, contact, row, held, errors)


def _held(collection: Collection, contact: Contact, row: Row) -> Current | None:
    """What holds under the row's id; None where nothing does but, perhaps, a refused text."""
    doc_id = documents.uuid_of(row.id)
    if doc_id is None:
        return None
    found = feed.current(holder=contact.instance, collection=collection.name, doc_id=doc_id)
    return None if found and documents.stands_in(collection.name, doc_id) else found


def _in_place_of(
    collection: Collection,
    contact: Contact,
    row: Row,
    held: Current | None,
    errors: list[FieldError],
) -> bytes:
    """What a client gets in place of a refused row: an order to drop what its holder may not see,
    or what nobody is signed in for. A fact that was recorded stays as it is. Otherwise what was
    typed, marked, so that it stays in sight."""
    nobody = contact.session.user is None
    if nobody or (held is not None and held.row is None):
        return b'{"id":%s,"_deleted":true}' % orjson.dumps(row.id)
    if held is not None and held.row is not None and collection.kind == "append_only":
        return wire.document(held.row)
    marked = quarantine.marked(row.document, errors)
    if held is not None and held.row is not None:
        marked["rev"] = held.row.rev
    return orjson.dumps({**marked, "_deleted": False})
