"""When a fact was told, by which local database, and as which of its facts: the columns that every
kind of fact has.

What a tablet sends there and nobody can read is no reason to refuse a fact: it is kept as it came
(`unread`), and flagged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from apps.core.clock import iso
from apps.sync.registry import Contact, Pushed

# The fields of a document that a stamp is read from.
STAMPED: Final = frozenset({"id", "kind", "device_time", "counter", "editor", "edit_no"})

_LARGEST_INTEGER: Final = 2**63 - 1
# A clock can be off by more than the column holds only if it is broken.
_LARGEST_OFFSET_MS: Final = 2**31 - 1


@dataclass
class Reading:
    """What could not be read of a document: its parts as they came, and the codes of the flags."""

    unread: dict[str, Any] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    def bad(self, name: str, value: Any) -> None:
        """Keeps a value that its column cannot hold."""
        self.unread[name] = value
        self.flags.add("bad_field")


@dataclass(frozen=True)
class Stamp:
    """`device` is the local database, `counter` orders its facts; `device_time` is its clock,
    uncorrected, which was `clock_offset_ms` ahead of the server's at the push."""

    device: UUID
    counter: int | None
    edit_no: int | None
    device_time: datetime | None
    clock_offset_ms: int | None
    clock_uncertainty_ms: int | None


def stamp_of(row: Pushed, contact: Contact, reading: Reading) -> Stamp:
    """The stamp of a pushed fact; what of it cannot be read goes into `reading`."""
    return Stamp(
        device=row.editor or contact.instance,
        counter=whole(row.document, "counter", reading),
        edit_no=row.edit_no,
        device_time=instant(row.document, "device_time", reading),
        clock_offset_ms=_within(contact.offset_ms),
        clock_uncertainty_ms=_within(contact.uncertainty_ms),
    )


def whole(document: dict[str, Any], name: str, reading: Reading) -> int | None:
    """A whole number that a column holds (64 bits); None where there is none."""
    value = document.get(name)
    if value is None:
        return None
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_INTEGER
    if not fits:
        reading.bad(name, value)
        return None
    return int(value)


def instant(document: dict[str, Any], name: str, reading: Reading) -> datetime | None:
    """A time with its zone, in UTC. Another spelling than ours is kept, so that it is sent back
    alike; that is no flaw."""
    value = document.get(name)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError
        at = at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        reading.bad(name, value)
        return None
    if iso(at) != value:
        reading.unread[name] = value
    return at


def as_sent(at: datetime | None, name: str, unread: Any) -> str | None:
    """A stored time in the client's own spelling, if that is another one than ours."""
    spelling = unread.get(name) if isinstance(unread, dict) else None
    return spelling if at is not None and isinstance(spelling, str) else iso(at)


def _within(milliseconds: int | None) -> int | None:
    if milliseconds is None or abs(milliseconds) > _LARGEST_OFFSET_MS:
        return None
    return milliseconds
