"""Documents as an older app knows them, and what such an app sends, with what it cannot know.

Every request says which version of the schemas its app was built for. A client of today gets stored
bodies spliced in as they are. For an older one each document is cut to what its schema knows:
fields of the document itself always, those of objects within it where that schema allows no others.
What was cut is unknown to that client, not deleted: a field that is missing in what it sends back
stays as it is, and what an object within lacks for the same reason is put back before it is judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from apps.changes.reading import Row
from apps.core.problems import INVALID, ProblemError
from apps.sync import checkpoints, wire
from apps.sync.checkpoints import START, Position
from apps.sync.problems import UPGRADE_REQUIRED
from apps.sync.registry import SERVER_MANAGED, Collection

# Something is here of a sort that came after this client was built.
_NEWER = b'{"id":"%s","rev":%d,"sync_status":"newer","_deleted":false}'
_ENVELOPE = SERVER_MANAGED | {"id"}
# What names a save and its author may stand in any document, whatever its schema says.
_SIGNED = _ENVELOPE | {"editor", "edit_no", "author_id"}


def parse_version(text: str | None) -> int:
    """What `Sync-Schema` says; without it an app counts as the oldest that is served.

    ProblemError (400) for what is no whole number from 1.
    """
    if text is None:
        return oldest()
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= 0xFFFF):
        raise ProblemError(INVALID, "Sync-Schema is the version of the schemas: 1 or more.")
    return int(text)


def oldest() -> int:
    """The oldest version of the schemas that documents are served in."""
    return int(settings.OLDEST_SCHEMA_SERVED)


def must_be_served(version: int) -> None:
    """ProblemError (426) for an app that is too old to be served anything."""
    if version < oldest():
        raise ProblemError(UPGRADE_REQUIRED, extra={"oldest_schema": oldest()})


def current(collection: Collection, version: int) -> bool:
    """Whether a client of this version knows the collection as it is today."""
    return version >= collection.versions()[-1]


def version_of(collection: Collection, version: int) -> int:
    """The version of the collection's schema that such a client knows: what its checkpoints carry.
    An app from before the oldest gets that one."""
    return collection.version_for(version) or collection.versions()[0]


def resume(
    collection: Collection,
    checkpoint: str | None,
    *,
    holder: UUID,
    version: int,
    former: UUID | None = None,
) -> tuple[Position, Position]:
    """From where to read on after a checkpoint, and the place that was presented.

    `former`: whose list it read until now, where that may have been another one. Then it reads this
    one from the start.

    They differ after an upgrade: what the local database holds then lacks what its old schema did
    not know, so a collection whose schema has changed comes again from the start. Raises
    ProblemError as `checkpoints.read` does.
    """
    if checkpoint is None:
        return START, START
    try:
        presented = checkpoints.read(checkpoint, holder=holder, collection=collection.name)
    except ProblemError:
        if former is None:
            raise
        return START, checkpoints.read(checkpoint, holder=former, collection=collection.name)
    lacks = checkpoints.schema_of(checkpoint) < version_of(collection, version)
    return (START if lacks else presented), presented


def documents(collection: Collection, rows: Iterable[Row], version: int) -> list[bytes]:
    """Rows of the feed as a client of this version gets them."""
    if current(collection, version):
        return [wire.document(row) for row in rows]
    return [document(collection, row, version) for row in rows]


def document(collection: Collection, row: Row, version: int) -> bytes:
    """A row of the feed as a client of this version gets it."""
    if not row.visible or current(collection, version):
        return wire.document(row)
    try:
        body = orjson.loads(row.plain or b"")
    except orjson.JSONDecodeError:
        body = None
    if not body or not isinstance(body, dict):
        return wire.document(row)  # the stub of what cannot be read
    known = _known(collection, {**body, "rev": row.rev or 0, "_deleted": False}, version)
    return _newer(row.id, row.rev) if known is None else orjson.dumps(known)


def answer(collection: Collection, sent: bytes, version: int) -> bytes:
    """A document of a push's answer as a client of this version gets it. What was refused is what
    the client itself wrote, and stays whole."""
    if current(collection, version):
        return sent
    body = orjson.loads(sent)
    if body["_deleted"] or body.get("sync_status"):
        return sent
    known = _known(collection, body, version)
    return _newer(body["id"], body.get("rev")) if known is None else orjson.dumps(known)


def completed(
    collection: Collection, sent: Mapping[str, Any], present: Mapping[str, Any], version: int
) -> dict[str, Any]:
    """A version that an older client sends, with what its schema keeps it from knowing within the
    objects of its fields: that stands as in the present document. Fields that it does not name at
    all are the judgement's to keep."""
    if not present or current(collection, version):
        return dict(sent)
    shape = collection.shape(present, version_of(collection, version))
    known: Mapping[str, Any] = (shape or {}).get("properties", {})
    return {
        name: _filled(value, present.get(name), known.get(name, {})) for name, value in sent.items()
    }


def shown(collection: Collection, body: Mapping[str, Any]) -> dict[str, Any]:
    """A text that was refused, as it is shown in the place of a document: without what no schema
    knows. A client that validates drops the whole document for one such field."""
    newest = collection.versions()[-1]
    shape = collection.shape(body, newest) or collection.published_schema(newest)
    properties = shape.get("properties", {})
    return {
        name: _cut(value, properties.get(name, {}))
        for name, value in body.items()
        if name in properties or name in _SIGNED
    }


def _newer(id: object, rev: int | None) -> bytes:
    return _NEWER % (str(id).encode(), rev or 0)


def _known(collection: Collection, body: dict[str, Any], version: int) -> dict[str, Any] | None:
    shape = collection.shape(body, version_of(collection, version))
    if shape is None:
        return None
    properties = shape.get("properties", {})
    return {
        name: _cut(value, properties.get(name, {}))
        for name, value in body.items()
        if name in properties or name in _ENVELOPE
    }


def _cut(value: Any, shape: Mapping[str, Any]) -> Any:
    match value:
        case dict():
            known = shape.get("properties", {})
            rest = shape.get("additionalProperties", True)
            return {
                name: _cut(one, known.get(name, rest if isinstance(rest, Mapping) else {}))
                for name, one in value.items()
                if name in known or rest is not False
            }
        case list():
            items = shape.get("items")
            return [_cut(one, items) for one in value] if isinstance(items, Mapping) else value
        case _:
            return value


def _filled(value: Any, present: Any, shape: Mapping[str, Any]) -> Any:
    """The inverse of `_cut`: members that the shape does not let its client know are taken from
    the present value. Items of a list are the same where their `id` is."""
    if isinstance(value, dict) and isinstance(present, dict):
        known = shape.get("properties", {})
        filled = {
            name: _filled(one, present.get(name), known.get(name, {}))
            for name, one in value.items()
        }
        if shape.get("additionalProperties") is False:
            filled |= {n: one for n, one in present.items() if n not in known and n not in value}
        return filled
    items = shape.get("items")
    if isinstance(value, list) and isinstance(present, list) and isinstance(items, Mapping):
        named = {one["id"]: one for one in present if isinstance(one, dict) and _named(one)}
        return [
            _filled(one, named.get(one["id"]), items)
            if isinstance(one, dict) and _named(one)
            else one
            for one in value
        ]
    return value


def _named(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("id"), str)
