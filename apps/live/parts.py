"""Rows of the feed as parts of frames, and the audit entry for sending them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.audit.models import ActorKind
from apps.audit.services import Act, Actor
from apps.changes.reading import Row
from apps.changes.services import EVERYONE
from apps.live.sessions import Who
from apps.sync import checkpoints, projection
from apps.sync.checkpoints import Position
from apps.sync.registry import Collection


@dataclass(frozen=True, slots=True)
class Part:
    """Documents of one collection, as the text of a JSON list without its brackets, and the
    checkpoint that they lead to."""

    collection: str
    documents: str
    checkpoint: str


def part(who: Who, collection: Collection, rows: Sequence[Row], position: Position) -> Part:
    """The rows up to `position`, for one holder."""
    documents = b",".join(projection.documents(collection, rows, who.schema)).decode()
    return Part(collection.name, documents, sign(who, collection, position))


def sign(who: Who, collection: Collection, position: Position) -> str:
    """The checkpoint of a position of this holder."""
    return checkpoints.sign(
        position,
        holder=holder_of(who, collection),
        collection=collection.name,
        schema=projection.version_of(collection, who.schema),
    )


def holder_of(who: Who, collection: Collection) -> UUID:
    """Whose list in the feed this collection is read from."""
    return EVERYONE if collection.shared else who.holder


def reading_of(
    who: Who, user: UUID | None, collection: Collection, rows: Sequence[Row]
) -> list[Act]:
    """The audit entry for sending these rows while `user` is signed in; none for what is no record,
    and for tombstones."""
    ids = [row.id for row in rows if row.visible]
    if collection.audit_as is None or not ids:
        return []
    kind = ActorKind.USER if who.tablet is None else ActorKind.TABLET
    return [Act(Actor(kind, user, who.tablet), "read", collection.audit_as, ids)]
