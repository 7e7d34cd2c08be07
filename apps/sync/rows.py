"""The rows of a push as they come, and as collections take them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from apps.core.problems import INVALID, FieldError, ProblemError
from apps.sync.merged import LARGEST_DOCUMENT
from apps.sync.registry import Collection, Pushed
from apps.sync.values import is_positive, revision, uuid_of

MOST_ROWS = 500
# JSON is written up to 254 levels deep, and a row is kept and shown within a few of its own.
_WITHIN = 40


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the request, with an id that it can be answered under. `withheld`: something was
    taken out of its document."""

    id: str
    document: dict[str, Any]
    assumed: dict[str, Any] | None
    withheld: bool = False


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


def tombstone(id: str) -> bytes:
    """The answer to a row that orders to drop its document."""
    return b'{"id":%s,"_deleted":true}' % orjson.dumps(id)


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
    if _too_deep(raw):
        return FieldError(pointer, "A row is nested over 200 levels deep.")
    return Row(id, document, assumed)


def _too_deep(raw: object) -> bool:
    """Whether it can be read and not be written again. No form of any client is like that, so the
    answer is for those who try."""
    for _ in range(_WITHIN):
        raw = [raw]
    try:
        orjson.dumps(raw)
    except orjson.JSONEncodeError:
        return True
    return False


def recordable(collection: Collection, row: Row) -> Row:
    """The row without what its collection never records, also in the state that its client assumes:
    an older app may hold it still. So the same push twice is the same row twice."""
    if (never := collection.never) is None:
        return row
    document, assumed = _without(row.document, never), _without(row.assumed, never)
    withheld = row.withheld or document != row.document
    return replace(row, document=document, assumed=assumed, withheld=withheld)


def _without(value: Any, never: Callable[[str], bool]) -> Any:
    match value:
        case dict():
            return {n: _without(one, never) for n, one in value.items() if not never(n)}
        case list():
            return [_without(one, never) for one in value]
        case _:
            return value


def parsed(collection: Collection, row: Row) -> Pushed | list[FieldError]:
    """The row as the collections take it, or what is wrong with its envelope."""
    row = recordable(collection, row)
    written = _written(collection, row.document)
    # Without what the server has put in: whoever sends back what they were sent has not typed that.
    if len(orjson.dumps(written)) > LARGEST_DOCUMENT:
        return [FieldError("", f"A document has at most {LARGEST_DOCUMENT} bytes.")]
    errors = []
    if (doc_id := uuid_of(row.id)) is None:
        errors.append(FieldError("/id", "Not a UUID."))
    editor, edit_no = row.document.get("editor"), row.document.get("edit_no")
    if editor is not None and uuid_of(editor) is None:
        errors.append(FieldError("/editor", "Not a UUID."))
    if edit_no is not None and not is_positive(edit_no):
        errors.append(FieldError("/edit_no", "Not a whole number of at least 1."))
    if (deleted := row.document.get("_deleted")) and deleted is not True:
        errors.append(FieldError("/_deleted", "Neither true nor false."))
    if errors or doc_id is None:
        return errors
    assumed = row.assumed or {}
    return Pushed(
        collection=collection.name,
        document=written,
        assumed=None if row.assumed is None else _written(collection, row.assumed),
        doc_id=doc_id,
        # Which local database, and nothing of which save: that names none.
        editor=None if edit_no is None else uuid_of(editor),
        edit_no=edit_no,
        rev=revision(row.document.get("rev")),
        assumed_rev=revision(assumed.get("rev")),
        deleted=deleted is True,
        corrects="sync_status" in row.document or "sync_status" in assumed,
        withheld=row.withheld,
    )


def _written(collection: Collection, document: dict[str, Any]) -> dict[str, Any]:
    managed = collection.server_managed(document)
    return {name: value for name, value in document.items() if name not in managed}
