"""A pull: one page of one collection for one local database, as bytes.

The page is spliced together from the stored documents without parsing one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.accounts.models import Tablet
from apps.audit.models import ActorKind
from apps.audit.services import Act, Actor, record_all
from apps.changes.reading import Head, Row
from apps.changes.services import EVERYONE
from apps.sync import checkpoints, feed, wire
from apps.sync.registry import Collection, Contact

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """The answer's body, and the headers that go with it."""

    body: bytes
    headers: dict[str, str]


def pull(
    *,
    collection: Collection,
    contact: Contact,
    checkpoint: str | None,
    seen: Head | None,
    limit: int,
    now: datetime,
) -> Page:
    """The page after a checkpoint: `limit` rows, or all there are.

    What it hands out is written to the audit log, and committed, before it returns. A tablet on
    which nobody is signed in gets tombstones only: its holder holds nothing, and what everyone may
    see is for those who are signed in. Raises ProblemError for a checkpoint or `seen` that is not
    of this holder, collection or history.
    """
    holder = EVERYONE if collection.shared else contact.instance
    asked = (
        checkpoints.read(checkpoint, holder=holder, collection=collection.name)
        if checkpoint
        else checkpoints.START
    )
    found = feed.visit(
        holder=holder, collection=collection.name, position=asked, seen=seen, limit=limit
    )
    rows, position = found.rows, found.position
    if collection.shared and contact.session.user is None:
        rows, position = [], asked
    if read := reading_of(collection, contact.session.tablet, found.principal, rows):
        record_all([read], now=now)
    signed = checkpoints.sign(
        position, holder=holder, collection=collection.name, schema=collection.version
    )
    return Page(_body(rows, signed), found.standing.headers())


def reading_of(
    collection: Collection, tablet: Tablet, principal: UUID | None, rows: Sequence[Row]
) -> Act | None:
    """The audit entry for handing these rows to whoever the holder is signed in as."""
    ids = [row.id for row in rows if row.visible]
    if collection.audit_as is None or not ids:
        return None
    actor = Actor(ActorKind.TABLET, principal, tablet.pk)
    return Act(actor, "read", collection.audit_as, ids)


def _body(rows: Sequence[Row], checkpoint: str) -> bytes:
    documents = b",".join([wire.document(row) for row in rows])
    return b'{"documents":[%s],"checkpoint":{"c":"%s"}}' % (documents, checkpoint.encode())
