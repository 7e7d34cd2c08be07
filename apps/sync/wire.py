"""Documents as they go over the wire. A stored body is spliced in as it is, never parsed."""

from __future__ import annotations

from uuid import UUID

from apps.changes.reading import Row

_TOMBSTONE = b'{"id":"%s","_deleted":true}'
# Valid under every schema, and to be seen: the screen says that something is here but unreadable.
_STUB = b'{"id":"%s","rev":%d,"sync_status":"unreadable","_deleted":false}'


def document(row: Row) -> bytes:
    """A row as a client gets it: its document with `rev` and `_deleted`, a tombstone, or a stub
    where the stored body does not open or is no JSON object."""
    if not row.visible:
        return tombstone(row.id)
    plain = row.plain
    if plain is None or len(plain) < 3 or plain[:1] != b"{" or plain[-1:] != b"}":
        return _STUB % (str(row.id).encode(), row.rev or 0)
    return b'%s,"rev":%d,"_deleted":false}' % (plain[:-1], row.rev or 0)


def tombstone(id: UUID) -> bytes:
    """An order to drop a document."""
    return _TOMBSTONE % str(id).encode()
