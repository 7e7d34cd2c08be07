"""What a board begins with: what is open now, and the checkpoints from which its socket goes on.

From no checkpoint at all a desk's socket tells everything that was ever published to it: years of
closed calls, each of them written into the audit log as read. A page needs those that are open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.assignments.models import Alert, Assignment
from apps.audit.services import Act, record_all
from apps.changes import reading
from apps.changes.models import Item, StoredDocument
from apps.changes.reading import BEGINNING, Head, Row
from apps.core.clock import iso
from apps.dispatch.desk import UNITS
from apps.sync import checkpoints, projection, registry
from apps.sync.checkpoints import Position

# What a board asks of the socket.
COLLECTIONS: Final = ("assignments", "alerts", UNITS)
# Behind every document of a commit.
_LAST: Final = UUID(int=2**128 - 1)


@dataclass(frozen=True)
class Picture:
    """Documents by collection, as JSON text, and the checkpoint that each collection has come to.
    `at`: when it was taken."""

    documents: dict[str, list[bytes]]
    checkpoints: dict[str, str | None]
    at: datetime

    def as_json(self) -> bytes:
        """`{at, documents: {collection: [...]}, checkpoints: {collection: text or null}}`, times in
        ISO 8601."""
        lists = {
            name: orjson.Fragment(b"[%s]" % b",".join(found))
            for name, found in self.documents.items()
        }
        told = {"at": iso(self.at), "documents": lists, "checkpoints": self.checkpoints}
        return orjson.dumps(told)


def take(*, by: User, now: datetime) -> Picture:
    """The open calls, those cleared a short while ago or with a CAD number that waits, the open
    alerts and the units that this person's desk sees, in one snapshot with the checkpoints. That
    they were read is in the audit log when this returns."""
    found: dict[str, list[Row]] = {}
    with reading.snapshot():
        head = reading.head()
        for name, ids in _wanted(by):
            found[name] = list(_rows(name, by.pk, ids))
    version = registry.current_version()
    acts = []
    for name, rows in found.items():
        kind = _collection(name).audit_as
        if kind is not None and rows:
            acts.append(Act(user_actor(by), "read", kind, [row.id for row in rows]))
    record_all(acts, now=now)
    return Picture(
        {
            name: projection.documents(_collection(name), rows, version)
            for name, rows in found.items()
        },
        {name: _checkpoint(name, by.pk, head, version) for name in found},
        now,
    )


def _wanted(by: User) -> Iterator[tuple[str, QuerySet[Any]]]:
    """Which documents of each collection, as a query for their ids."""
    on_tablets = Q(closed_at=None) | Q(leaves_at__isnull=False)
    wanted = Assignment.objects.filter(on_tablets | Q(link_at__isnull=False))
    yield "assignments", wanted.values("pk")
    yield "alerts", Alert.objects.open().values("pk")
    units = Item.objects.filter(holder=by.pk, collection=UNITS, visible=True)
    yield UNITS, units.values("doc_id")


def _rows(collection: str, holder: UUID, ids: QuerySet[Any]) -> Iterator[Row]:
    """The documents of these that the holder may see."""
    mine = Item.objects.filter(holder=holder, collection=collection, visible=True, doc_id__in=ids)
    stored = StoredDocument.objects.filter(
        collection=collection, doc_id__in=mine.values("doc_id")
    ).order_by("doc_id")
    for row in stored:
        plain = reading.body_of(collection, row.doc_id, row.body)
        yield Row(0, row.doc_id, True, row.rev, plain)


def _collection(name: str) -> registry.Collection:
    found = registry.get(name)
    assert found is not None, "a board asks for registered collections only"
    return found


def _checkpoint(name: str, holder: UUID, head: Head, version: int) -> str | None:
    if head == BEGINNING:
        return None
    schema = projection.version_of(_collection(name), version)
    return checkpoints.sign(Position(head, _LAST), holder=holder, collection=name, schema=schema)
