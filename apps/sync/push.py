"""A push: rows of one collection, each with a verdict of its own.

A client repeats a push that was answered with an error for ever, unchanged, and holds everything
else back meanwhile. So only what is wrong with the request as a whole is an error; what is wrong
with a row puts that row into quarantine, and the others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import orjson
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, transaction

from apps.core.problems import INVALID, FieldError, ProblemError
from apps.sync import feed, services, wire
from apps.sync.registry import SERVER_MANAGED, Collection, Contact, Pushed, Refused
from apps.sync.services import Rejected

log = logging.getLogger(__name__)

MOST_ROWS = 500
LARGEST_DOCUMENT = 64 * 1024  # bytes of JSON
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
    waiting = iter(rows)
    while batch := list(islice(waiting, ROWS_A_TRANSACTION)):
        answers += _commit(collection, contact, batch, now)
    return answers


def _commit(
    collection: Collection, contact: Contact, rows: Sequence[Row], now: datetime
) -> list[bytes]:
    """One transaction. A constraint that is checked at COMMIT fails all of its rows, where a
    savepoint has no say: then each row gets a transaction of its own, and the culprit stays out.
    """
    try:
        with transaction.atomic():
            return [answer for row in rows if (answer := _judge(collection, contact, row, now))]
    except (IntegrityError, DataError):
        if len(rows) > 1:
            return [a for row in rows for a in _commit(collection, contact, [row], now)]
        with transaction.atomic():
            return [_refuse(collection, contact, rows[0], [_AT_COMMIT], now)]


_AT_COMMIT = FieldError("", "It contradicts other records.")
_BROKEN = FieldError("", "The server could not take this. Its operator has been told.")


def _judge(collection: Collection, contact: Contact, row: Row, now: datetime) -> bytes | None:
    """The verdict on one row: None where it holds as it was sent, else what to return."""
    if row.document.get("_deleted") and not _positive(row.document.get("edit_no")):
        return None  # a purge that comes back: never a deletion
    try:
        with transaction.atomic():
            document = _apply(collection, contact, row, now)
    except Refused as refused:
        return _refuse(collection, contact, row, refused.errors, now)
    except ProblemError as problem:
        if problem.status_code >= 500:
            raise
        errors = list(problem.errors) or [FieldError("", problem.text or problem.problem.title)]
        return _refuse(collection, contact, row, errors, now)
    except (OperationalError, InterfaceError):
        raise
    except (IntegrityError, DataError):
        return _refuse(collection, contact, row, [_AT_COMMIT], now)
    except Exception:
        log.exception("a push handler failed", extra={"collection": collection.name})
        return _refuse(collection, contact, row, [_BROKEN], now)
    if document is None:
        return None
    return orjson.dumps({"_deleted": False, **document}, option=orjson.OPT_UTC_Z)


def _apply(
    collection: Collection, contact: Contact, row: Row, now: datetime
) -> dict[str, Any] | None:
    """Applies a row, or raises Refused. Runs in a savepoint."""
    pushed = _pushed(collection, row)
    if contact.session.user is None:
        raise Refused([FieldError("", "Nobody was signed in on the tablet.")])
    if row.document.get("_deleted"):
        raise Refused([FieldError("/_deleted", "What was recorded is not deleted.")])
    new = services.take(row=pushed, contact=contact, now=now)
    if new is None:
        return None
    if new is False:
        raise Refused([FieldError("/id", "Something else was recorded under this id.")])
    assert collection.push is not None  # pull-only collections never get here
    document = collection.push(pushed, contact, now)
    if "sync_status" in row.document or "sync_status" in (row.assumed or {}):
        services.corrected(row=pushed, contact=contact, now=now)
    return document


def _pushed(collection: Collection, row: Row) -> Pushed:
    if len(orjson.dumps(row.document)) > LARGEST_DOCUMENT:
        raise Refused([FieldError("", f"A document has at most {LARGEST_DOCUMENT} bytes.")])
    errors = []
    if (doc_id := _uuid(row.id)) is None:
        errors.append(FieldError("/id", "Not a UUID."))
    editor, edit_no = row.document.get("editor"), row.document.get("edit_no")
    if editor is not None and _uuid(editor) is None:
        errors.append(FieldError("/editor", "Not a UUID."))
    if edit_no is not None and not _positive(edit_no):
        errors.append(FieldError("/edit_no", "Not a whole number of at least 1."))
    if errors or doc_id is None:
        raise Refused(errors)
    written = _written(collection, row.document)
    assumed = None if row.assumed is None else _written(collection, row.assumed)
    return Pushed(collection.name, written, assumed, doc_id, _uuid(editor), edit_no)


def _refuse(
    collection: Collection,
    contact: Contact,
    row: Row,
    errors: list[FieldError],
    now: datetime,
) -> bytes:
    """Keeps the row in quarantine; what the tablet gets in its place."""
    edit_no = row.document.get("edit_no")
    rejected = Rejected(
        collection=collection.name,
        doc_id=row.id,
        content={k: v for k, v in row.document.items() if k not in SERVER_MANAGED - {"_deleted"}},
        base=row.assumed,
        editor=_uuid(row.document.get("editor")),
        edit_no=edit_no if _positive(edit_no) else None,
        errors=errors,
    )
    services.quarantine(row=rejected, contact=contact, now=now)
    return _in_place_of(collection, contact, row, errors)


def _in_place_of(
    collection: Collection, contact: Contact, row: Row, errors: list[FieldError]
) -> bytes:
    """What holds under the row's id, if this holder may see it. A tombstone for what it may not,
    and where nobody is signed in. Otherwise what was typed, marked, so that it stays in sight."""
    doc_id = _uuid(row.id)
    if contact.session.user is None:
        return b'{"id":%s,"_deleted":true}' % orjson.dumps(row.id)
    if doc_id is not None:
        holder = contact.instance
        held = feed.current(holder=holder, collection=collection.name, doc_id=doc_id)
        if held is not None:
            return wire.tombstone(doc_id) if held.row is None else wire.document(held.row)
    marked = {
        **{k: v for k, v in row.document.items() if k not in SERVER_MANAGED},
        "sync_status": "quarantined",
        "sync_errors": [f"{e.pointer or '/'}: {e.detail}" for e in errors],
        "_deleted": False,
    }
    return orjson.dumps(marked)


def _written(collection: Collection, document: dict[str, Any]) -> dict[str, Any]:
    managed = collection.server_managed(document)
    return {name: value for name, value in document.items() if name not in managed}


def _positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def _uuid(value: object) -> UUID | None:
    """A UUID in its one canonical form: the answer must name the id exactly as it was sent."""
    if not isinstance(value, str):
        return None
    try:
        found = UUID(value)
    except ValueError:
        return None
    return found if str(found) == value else None
