"""Identifiers: UUIDv7 (RFC 9562), so that rows made together lie together in every index."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> UUID:
    """A new time-ordered identifier."""
    return _uuid7()


def short(value: UUID) -> str:
    """The last eight hexadecimal digits: enough to tell rows apart in a list, names nobody."""
    return value.hex[-8:]
