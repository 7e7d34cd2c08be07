"""A fact that a tablet tells, read from what was pushed, before it is stored.

Nothing is refused for a detail: what fits is the fact, what does not is kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.accounts.services import tablet_actor
from apps.audit.services import Actor
from apps.sync.fitting import fit
from apps.sync.registry import Contact, Pushed
from apps.sync.stamps import Reading, Stamp, stamp_of


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


def fitting_of(row: Pushed, schema: Mapping[str, Any]) -> tuple[dict[str, Any], Reading]:
    """What of a pushed fact fits its schema, and a reading that keeps the rest."""
    found, apart = fit(row.document, schema)
    return found, Reading(apart, {"bad_field"} if apart else set())


def telling_of(row: Pushed, contact: Contact, reading: Reading) -> Telling:
    """Who tells a pushed fact, and how it came. After everything was read into `reading`."""
    user = contact.session.user
    assert user is not None, "the edge lets nobody through who is not signed in"
    stamp = stamp_of(row, contact, reading)
    return Telling(
        id=row.doc_id,
        author=user,
        actor=tablet_actor(contact.session.tablet, user),
        stamp=stamp,
        unread=reading.unread or None,
        flags=tuple(sorted(reading.flags)),
    )
