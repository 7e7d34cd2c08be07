"""What services publish: documents as they are sent, and events that others react to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.changes.scopes import checked


@dataclass(frozen=True, slots=True)
class Document:
    """A document with ALL the scopes it is in from now on; an empty set withdraws it from all.
    None: it is sent once more to whoever has it, as it is.

    `body` is the document as it is sent, without `rev` and `_deleted`. None: only who may see the
    record is published (`visible_to`); a body that was published before stays as it is.
    """

    collection: str
    id: UUID
    scopes: frozenset[str] | None
    body: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        for scope in self.scopes or ():
            checked(scope)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to `subject`, named `<what>.<happened>`: "incident.received"."""

    name: str
    subject: UUID
