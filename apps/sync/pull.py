"""A pull: one page of one collection for one local database, as bytes.

The page is spliced together from the stored documents without parsing one of them, unless the
client is older than the collection's schema.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Tablet
from apps.audit.models import ActorKind
from apps.audit.services import Act, Actor, record_all
from apps.changes.reading import Head, Row
from apps.changes.services import EVERYONE, forget, hand_out, nothing_to_drop
from apps.core.problems import ProblemError
from apps.sync import checkpoints, feed, projection, recovery
from apps.sync.checkpoints import Position
from apps.sync.feed import Standing
from apps.sync.problems import UNKNOWN_COLLECTION
from apps.sync.registry import Collection, Contact

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """The answer's body, and the headers that go with it."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """What one local database gets next of one collection. `presented`: the place that it named;
    `read`: the audit entry, to be committed before anything of this leaves.

    `done`: what the holder has of commits before this one lies before the place that it named;
    `passed`: that place is known to be on its disk. `end`: where this page ends, and whether it is
    short, to be noted where the holder has something to drop. See `feed_last_page` in the feed.
    """

    standing: Standing
    documents: list[bytes]
    checkpoint: str
    presented: Position
    read: Act | None
    done: int
    passed: bool
    end: tuple[Position, bool] | None

    def body(self) -> bytes:
        """The members of a page."""
        documents = b",".join(self.documents)
        return b'"documents":[%s],"checkpoint":{"c":"%s"}' % (documents, self.checkpoint.encode())


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

    What it hands out is written to the audit log, and committed, before it returns. Tombstones that
    the holder shows to have carried out are dropped. Raises ProblemError for an app that is too
    old, and for a checkpoint or `seen` that is not of this holder, collection or history.
    """
    with recovery.at_the_door(collection, contact, from_the_start=not checkpoint, now=now):
        part = read(
            collection=collection, contact=contact, checkpoint=checkpoint, seen=seen, limit=limit
        )
    if part.end is None:
        record_all([part.read] if part.read else [], now=now)
    else:
        with transaction.atomic():
            record_all([part.read] if part.read else [], now=now)
            _hand_out(contact.instance, collection, *part.end)
    if part.passed:
        forget(holder=contact.instance, collection=collection.name, before=part.done)
        if part.end is None:
            nothing_to_drop(holder=contact.instance, collection=collection.name)
    return Page(b"{%s}" % part.body(), part.standing.headers())


def read(
    *,
    collection: Collection,
    contact: Contact,
    checkpoint: str | None,
    seen: Head | None,
    limit: int,
) -> Part:
    """Reads what `pull` hands out; its audit entry is the caller's to commit.

    A tablet on which nobody is signed in gets tombstones only: its holder holds nothing, and what
    everyone may see is for those who are signed in. From one that is lost that is withdrawn too: it
    reads the same list once more, as orders to drop. Its checkpoints then are its own, so that it
    begins again when it was found.
    """
    projection.must_be_served(contact.schema)
    if collection.version_for(contact.schema) is None:
        raise ProblemError(UNKNOWN_COLLECTION)
    holder = EVERYONE if collection.shared else contact.instance
    withdrawn = collection.shared and contact.session.lost
    asked, presented = projection.resume(
        collection,
        checkpoint or None,
        holder=contact.instance if withdrawn else holder,
        version=contact.schema,
        former=(holder if withdrawn else contact.instance) if collection.shared else None,
    )
    found = feed.visit(
        holder=holder,
        collection=collection.name,
        position=asked,
        presented=presented,
        seen=seen,
        limit=limit,
    )
    rows, position = found.rows, found.position
    if withdrawn:
        rows = [Row(row.seq, row.id, False) for row in rows]
    elif collection.shared and contact.session.user is None:
        rows, position = [], asked
    signed = checkpoints.sign(
        position,
        holder=contact.instance if withdrawn else holder,
        collection=collection.name,
        schema=projection.version_of(collection, contact.schema),
    )
    noted = rows and not collection.shared and not found.standing.copy
    noted = noted and (found.passed is False or not all(row.visible for row in rows))
    return Part(
        found.standing,
        projection.documents(collection, rows, contact.schema),
        signed,
        presented,
        reading_of(collection, contact.session.tablet, found.principal, rows),
        done=_done(presented, rows),
        passed=bool(found.passed) and not found.standing.copy,
        end=(position, len(rows) < limit) if noted else None,
    )


def _hand_out(holder: UUID, collection: Collection, last: Position, short: bool) -> None:
    hand_out(
        holder=holder,
        collection=collection.name,
        seq=last.commit.seq,
        doc_id=last.doc_id,
        short=short,
    )


def _done(presented: Position, rows: Sequence[Row]) -> int:
    """Rows of one commit may lie on both sides of a place: then it is not done with that commit."""
    seq = presented.commit.seq
    return seq if rows and rows[0].seq <= seq else seq + 1


def reading_of(
    collection: Collection, tablet: Tablet, principal: UUID | None, rows: Sequence[Row]
) -> Act | None:
    """The audit entry for handing these rows to whoever the holder is signed in as."""
    ids = [row.id for row in rows if row.visible]
    if collection.audit_as is None or not ids:
        return None
    actor = Actor(ActorKind.TABLET, principal, tablet.pk)
    return Act(actor, "read", collection.audit_as, ids)
