"""A fact about a note, as a tablet told it, before it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.audit.services import Actor
from apps.sync.stamps import Stamp


@dataclass(frozen=True, kw_only=True)
class Telling:
    """Which fact, of which note, by whom. `actor` is how the audit log names who acts; `unread`
    (PHI) holds what could not be read of it, `flags` say so. `stamp` None: a desk tells it."""

    id: UUID
    note_id: UUID
    author: User
    actor: Actor
    stamp: Stamp | None = None
    unread: Mapping[str, Any] | None = field(default=None, repr=False)
    flags: tuple[str, ...] = ()

    def columns(self, now: datetime) -> dict[str, Any]:
        """The columns that every fact about a note has."""
        return {
            "id": self.id,
            "author": self.author,
            "received_at": now,
            "flags": list(self.flags),
            "unread": dict(self.unread) if self.unread else None,
            **(asdict(self.stamp) if self.stamp else {}),
        }
