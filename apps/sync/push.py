"""A push: rows of one collection, each with a verdict of its own.

A client repeats a push that was answered with an error for ever, unchanged, and holds everything
else back meanwhile. So only what is wrong with the request as a whole is an error; what is wrong
with a row puts that row into quarantine, and the others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, transaction

from apps.core.problems import INVALID, FieldError, ProblemError
from apps.sync import documents, feed, merged, wire
from apps.sync.documents import Stand
from apps.sync.feed import Current
from apps.sync.merged import LARGEST_DOCUMENT
from apps.sync.registry import SERVER_MANAGED, Collection, Contact, Pushed, Refused
from apps.sync.services import quarantine, taking
from apps.sync.services.quarantine import Rejected

log = logging.getLogger(__name__)

MOST_ROWS = 500
# Savepoints are cheap by the dozen, and a long transaction holds up other publishers.
ROWS_A_TRANSACTION = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the request, with an id that it can be answered under."""

    id: str
    document: dict[str, Any]
    assumed: dict[str, Any] | None


def rows_of(body: object) -> list[Row]:
    """The rows of a request's body. ProblemError (400) naming each row that cannot be answered."""
    if not isinstance(body, list):
        raise ProblemError(INVALID, errors=[FieldError("", "A push is a list of rows.")])
    if not 1 <= len(body) <= MOST_ROWS:
        detail = f"A push has 1 to {MOST_ROWS} rows, not {len(body)}."
        raise ProblemError(INVALID, errors=[FieldError("", detail)])
    rows: list[Row] = []
    errors: list[FieldError] = []
    for number, raw in enumerate(body):
        found = _row(raw, f"/{number}")
        if isinstance(found, FieldError):
            errors.append(found)
        else:
            rows.append(found)
    if errors:
        raise ProblemError(INVALID, errors=errors)
    return rows


def _row(raw: object, pointer: str) -> Row | FieldError:
    if not isinstance(raw, dict):
        return FieldError(pointer, "A row is an object with newDocumentState.")
    document, assumed = raw.get("newDocumentState"), raw.get("assumedMasterState")
    if not isinstance(document, dict):
        return FieldError(f"{pointer}/newDocumentState", "A document is an object.")
    id = document.get("id")
    if not (isinstance(id, str) and 0 < len(id) <= 64 and id.isprintable()):
        return FieldError(
            f"{pointer}/newDocumentState/id", "A document has an id of 1 to 64 characters."
        )
    if not (assumed is None or isinstance(assumed, dict)):
        return FieldError(f"{pointer}/assumedMasterState", "A document is an object, or left out.")
    return Row(id, document, assumed)


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
            return [_refuse(collection, contact, rows[0], [_AT_COMMIT], now)]


_AT_COMMIT = FieldError("", "It contradicts other records.")
_BROKEN = FieldError("", "The server could not take this. Its operator has been told.")
_NOBODY = FieldError("", "Nobody was signed in on the tablet.")


class _Batch:
    """The rows of one transaction: what they all need is read once, at the beginning."""

    def __init__(
        self, collection: Collection, contact: Contact, rows: Sequence[Row], now: datetime
    ) -> None:
        self._collection = collection
        self._contact = contact
        self._now = now
        self._parsed = {row.id: _parsed(collection, row) for row in rows}
        self._stands: dict[UUID, Stand] = {}
        self._revs: dict[UUID, int] = {}
        if collection.kind == "merged":
            versions = [one for one in self._parsed.values() if isinstance(one, Pushed)]
            self._stands = merged.stands_of(collection, contact, versions)

    def judge(self, row: Row) -> bytes | None:
        """The verdict on one row: None where it holds as it was sent, else what to return."""
        if row.document.get("_deleted") and not _positive(row.document.get("edit_no")):
            return None  # a purge that comes back: never a deletion
        errors: list[FieldError]
        try:
            with transaction.atomic():
                document = self._apply(row)
        except Refused as refused:
            errors = refused.errors
        except ProblemError as problem:
            if problem.status_code >= 500:
                raise
            errors = list(problem.errors) or [FieldError("", problem.text or problem.problem.title)]
        except (OperationalError, InterfaceError):
            raise
        except (IntegrityError, DataError):
            errors = [_AT_COMMIT]
        except Exception:
            log.exception("a push handler failed", extra={"collection": self._collection.name})
            errors = [_BROKEN]
        else:
            if document is None:
                return None
            return orjson.dumps({"_deleted": False, **document}, option=orjson.OPT_UTC_Z)
        return _refuse(self._collection, self._contact, row, errors, self._now)

    def check(self) -> None:
        """Nobody has written one of these documents without its lock; see `documents`."""
        if self._revs:
            documents.must_have_led_to(self._collection.name, self._revs)

    def _apply(self, row: Row) -> dict[str, Any] | None:
        """Applies a row, or raises Refused. Runs in a savepoint."""
        pushed = self._parsed[row.id]
        if not isinstance(pushed, Pushed):
            raise Refused(pushed)
        if self._contact.session.user is None:
            raise Refused([_NOBODY])
        if self._collection.kind == "merged":
            stand = self._stands.get(pushed.doc_id, documents.NOTHING)
            taken = merged.take(self._collection, pushed, stand, self._contact, self._now)
            self._revs[pushed.doc_id] = taken.rev
            document = taken.answer
        else:
            document = _take_fact(self._collection, pushed, self._contact, self._now)
        if pushed.corrects:
            quarantine.corrected(
                collection=pushed.collection,
                doc_id=pushed.doc_id,
                contact=self._contact,
                now=self._now,
            )
        return document


def _take_fact(
    collection: Collection, pushed: Pushed, contact: Contact, now: datetime
) -> dict[str, Any] | None:
    """A document that is written once, into the ledger and to the handler."""
    if pushed.deleted:
        raise Refused([FieldError("/_deleted", "What was recorded is not deleted.")])
    new = taking.take(row=pushed, contact=contact, now=now)
    if new is None:
        return None
    if not new:
        detail = "Something else was recorded under this id, and stays."
        raise Refused([FieldError("/id", detail)])
    if pushed.corrects:
        quarantine.give_way(collection=collection.name, doc_id=pushed.doc_id)
    assert collection.push is not None  # the registry has checked it
    return collection.push(pushed, contact, now)


def _parsed(collection: Collection, row: Row) -> Pushed | list[FieldError]:
    """The row as the collections take it, or what is wrong with its envelope."""
    if len(orjson.dumps(row.document)) > LARGEST_DOCUMENT:
        return [FieldError("", f"A document has at most {LARGEST_DOCUMENT} bytes.")]
    errors = []
    if (doc_id := documents.uuid_of(row.id)) is None:
        errors.append(FieldError("/id", "Not a UUID."))
    editor, edit_no = row.document.get("editor"), row.document.get("edit_no")
    if editor is not None and _uuid(editor) is None:
        errors.append(FieldError("/editor", "Not a UUID."))
    if edit_no is not None and not _positive(edit_no):
        errors.append(FieldError("/edit_no", "Not a whole number of at least 1."))
    if errors or doc_id is None:
        return errors
    assumed = row.assumed or {}
    return Pushed(
        collection=collection.name,
        document=_written(collection, row.document),
        assumed=None if row.assumed is None else _written(collection, row.assumed),
        doc_id=doc_id,
        editor=_uuid(editor),
        edit_no=edit_no,
        rev=documents.whole(row.document.get("rev")),
        assumed_rev=documents.whole(assumed.get("rev")),
        deleted=bool(row.document.get("_deleted")),
        corrects="sync_status" in row.document or "sync_status" in assumed,
    )


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
        editor=_uuid(row.document.get("editor")),
        edit_no=edit_no if _positive(edit_no) else None,
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


def _written(collection: Collection, document: dict[str, Any]) -> dict[str, Any]:
    managed = collection.server_managed(document)
    return {name: value for name, value in document.items() if name not in managed}


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def _uuid(value: object) -> UUID | None:
    """A UUID in its one canonical form: the answer must name the id exactly as it was sent."""
    return documents.uuid_of(value) if isinstance(value, str) else None
