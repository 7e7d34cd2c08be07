"""What was told of follow-ups, read: in which order it counts, what was taken back, and which times
somebody can mean. Pure.

Times that are told are bounded (`TOLD_WITHIN`): a date in the year 9999 would be a follow-up that
nobody is ever reminded of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from apps.sync.values import uuid_of

# A time that somebody tells is used where it is no further from when they told it.
TOLD_WITHIN: Final = timedelta(days=400)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One event. `order` is the server's, `counter` that of the local database (`device`) that told
    it; `at`: when it happened, as far as that can be believed; `author` None: the system.
    `supervises`: its author may take back what others told. `content` (PHI) is never printed."""

    id: UUID
    event: str
    at: datetime
    author: UUID | None
    order: int
    device: UUID | None = None
    counter: int | None = None
    supervises: bool = False
    content: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)


def in_precedence(told: Iterable[Told]) -> list[Told]:
    """The events in the order in which they count: the server's, but that of one local database in
    its own. What was stuck on a tablet and comes last counts no later than what that tablet told
    after it."""
    every = sorted(told, key=lambda one: (one.order, one.id.int))
    places = {event.id: (event.order, 0) for event in every}
    chains: dict[UUID, list[Told]] = {}
    for event in every:
        if event.device is not None and event.counter is not None:
            chains.setdefault(event.device, []).append(event)
    for chain in chains.values():
        chain.sort(key=lambda one: (one.counter or 0, one.order))
        place = chain[-1].order
        for within, event in reversed(list(enumerate(chain))):
            place = min(place, event.order)
            places[event.id] = (place, within)
    return sorted(every, key=lambda one: places[one.id])


def withdrawn(told: Iterable[Told]) -> frozenset[UUID]:
    """The events that were taken back: by whoever told them, or by a supervisor. A withdrawal can
    be withdrawn in turn, by a later one."""
    every = {event.id: event for event in told}
    gone: set[UUID] = set()
    takes_back = [event for event in every.values() if event.event == "withdrawn"]
    for event in sorted(takes_back, key=lambda one: (-one.order, one.id.int)):
        target = every.get(uuid_of(event.content.get("event_id")) or event.id)
        if event.id in gone or target is None or target.id == event.id:
            continue
        if target.event == "withdrawn" and target.order >= event.order:
            continue
        if event.supervises or (event.author is not None and event.author == target.author):
            gone.add(target.id)
    return frozenset(gone)


def code_of(content: Mapping[str, Any], name: str) -> str:
    """A code that an event names; "" for none."""
    value = content.get(name)
    return value if isinstance(value, str) else ""


def instant(content: Mapping[str, Any], name: str, told_at: datetime) -> datetime | None:
    """A time that an event names; None for none, or for one that nobody can mean."""
    value = content.get(name)
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            return None
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if believable(at, told_at) else None


def believable(at: datetime, told_at: datetime) -> bool:
    """Whether somebody who tells it at one instant can mean the other."""
    return abs(at - told_at) <= TOLD_WITHIN
