"""A fact of a tablet about a referral, a consent or a disclosure, before it is stored."""

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
    """Which fact, by whom. `actor` is how the audit log names who acts; `unread` (PHI) holds what
    could not be read of it, `flags` say so."""

    id: UUID
    author: User
    actor: Actor
    stamp: Stamp
    unread: Mapping[str, Any] | None = field(default=None, repr=False)
    flags: tuple[str, ...] = ()

    def columns(self, now: datetime) -> dict[str, Any]:
        """The columns that every such fact has."""
        return {
            "id": self.id,
            "received_at": now,
            "flags": list(self.flags),
            "unread": dict(self.unread) if self.unread else None,
            **asdict(self.stamp),
        }
