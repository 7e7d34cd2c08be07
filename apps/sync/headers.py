"""The headers of the protocol: which local database, what it has seen, what its clock says.

Requests: `Sync-Instance: <uuid>`, `Sync-Seen: <seq>.<nonce>`, `Sync-Clock: <unix ms>;rtt=<ms>`,
`Sync-Schema: <version>`, `Sync-Followed: <uuid>`.
Answers: `Sync-Head: <seq>.<nonce>`, `Sync-Epoch: <uuid>`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.changes.reading import Head
from apps.core.problems import INVALID, ProblemError

_HEAD = re.compile(r"(\d{1,18})\.(\d{1,18})", re.ASCII)
_CLOCK = re.compile(r"(-?\d{1,15})(?:\s*;\s*rtt=(\d{1,6}))?", re.ASCII)
_WIDEST = 2**31 - 1  # milliseconds; about 24 days


def format_head(head: Head) -> str:
    """A head as headers and messages carry it."""
    return f"{head.seq}.{head.nonce}"


def parse_head(text: str) -> Head:
    """ProblemError (400) for anything but `<seq>.<nonce>`."""
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise ProblemError(INVALID, "Sync-Seen must be a Sync-Head that this server has sent.")
    return Head(int(match[1]), int(match[2]))


def parse_instance(text: str | None) -> UUID:
    """ProblemError (400) where it is missing or no UUID."""
    try:
        return UUID(text or "")
    except ValueError:
        raise ProblemError(
            INVALID, "Sync-Instance must be the UUID of the tablet's local database."
        ) from None


def seen_seq(text: str | None) -> int | None:
    """The number of a head, for the record; None for what is none."""
    match = _HEAD.fullmatch((text or "").strip())
    return int(match[1]) if match else None


def parse_followed(text: str | None) -> UUID | None:
    """The history that a client says it follows; None for none, and for what is no UUID: whoever
    does not say it is told at the next pull what to do."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Clock:
    """Device clock minus server clock, in milliseconds, and how far the estimate may be off.

    `uncertainty_ms` is None where the device did not say how long the last exchange took.
    """

    offset_ms: int
    uncertainty_ms: int | None


def measure_clock(text: str | None, *, now: datetime) -> Clock | None:
    """What `Sync-Clock` tells. The request was under way for between nothing and one round trip, so
    half of it is added, and half of it is the uncertainty.

    None for a header that is missing or not understood: a clock is no reason to refuse data. The
    offset is held within 32 bits: a device that lives in 1970 is simply as far off as can be said.
    """
    match = _CLOCK.fullmatch((text or "").strip())
    if match is None:
        return None
    half = int(match[2]) // 2 if match[2] else 0
    offset = int(match[1]) + half - int(now.timestamp() * 1000)
    return Clock(max(-_WIDEST, min(_WIDEST, offset)), half if match[2] else None)
