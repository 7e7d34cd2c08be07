"""When a tablet rings for follow-ups, by itself: from what it holds, with or without a network.

Each document says when it rings (`rings`, in the team's hours), so that no rule, calendar or time
zone is needed here. What was typed on this tablet counts at once, sent or not. On a call, from
arrival to clear, nothing sounds: what is due then sounds after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from .database import Document

# From arrival on, until the call is closed.
ARRIVED: Final = frozenset({"on_scene", "contact", "transporting", "at_destination"})
_ARRIVES: Final = frozenset(
    {"on_scene", "scene_secured", "contact_made", "transporting", "arrived_destination"}
)
_CLEARS: Final = frozenset({"unable_to_locate", "cleared", "cancelled", "declined"})

# What ends the ringing of a follow-up where it is typed, before the server has said so.
_SILENCES: Final = frozenset({"acknowledged", "attempted", "paused", "moved", "ended"})
_ENDS: Final = frozenset({"reached", "declined", "deceased"})
_OWNER: Final = 1  # the level of whoever has it


@dataclass(frozen=True, slots=True)
class Ring:
    """A follow-up that is due: since when, at which level."""

    id: str
    level: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Bell:
    """What is due, the longest awaited first: shown as one list. `sounds`: one tone for all of it;
    not on a call, where it is only shown."""

    rings: tuple[Ring, ...]
    sounds: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What the screen says of a follow-up that is opened. `done`: there is nothing to do any more,
    however loudly it rang."""

    text: str
    done: bool


def bell(
    follow_ups: Iterable[Document],
    *,
    me: str,
    now: datetime,
    told: Sequence[Mapping[str, Any]] = (),
    on_call: bool = False,
) -> Bell:
    """What rings at `now`, by the tablet's clock.

    `me`: the id of whoever is signed in; what another has rings there alone, until it has risen to
    the team. `told`: the facts `follow_up_event` in this tablet, in the order in which they were
    typed.
    """
    found = [
        ring
        for one in follow_ups
        if (ring := _ring(one, me, now, [fact for fact in told if _is_new(fact, one)]))
    ]
    rings = tuple(sorted(found, key=lambda ring: (ring.since, ring.id)))
    return Bell(rings, sounds=bool(rings) and not on_call)


def next_ring(follow_ups: Iterable[Document], *, me: str, now: datetime) -> datetime | None:
    """When to look again, for an alarm of the system that wakes the app. None: nothing is due."""
    later = [
        at
        for one in follow_ups
        if one.get("state") == "open"
        for level, at in _times(one)
        if at > now and _is_mine(one, level, me)
    ]
    return min(later, default=None)


def is_on_call(assignments: Iterable[Document], unsent: Iterable[Mapping[str, Any]] = ()) -> bool:
    """Whether this tablet's crew is between arrival and clear, also by taps that are not sent."""
    arrived = {one["id"]: one.get("state") in ARRIVED for one in assignments}
    for fact in unsent:
        if fact.get("event") in _ARRIVES | _CLEARS and (id := fact.get("assignment_id")):
            arrived[id] = fact["event"] in _ARRIVES
    return any(arrived.values())


def opened(follow_up: Document | None, *, told: Sequence[Mapping[str, Any]] = ()) -> Shown:
    """What the screen says when somebody opens one. None: it has left this tablet."""
    if follow_up is None:
        return Shown("NOT YOURS ANY MORE", done=True)
    if follow_up.get("state") == "ended":
        return Shown(f"DONE: {_words(follow_up.get('outcome'))}", done=True)
    for fact in told:
        if _is_new(fact, follow_up) and (ending := _ending(fact)):
            return Shown(f"DONE HERE, NOT SENT YET: {_words(ending)}", done=True)
    if follow_up.get("state") == "paused":
        return Shown(f"PAUSED: {_words(follow_up.get('paused_for'))}", done=False)
    return Shown("DUE", done=False)


def _ring(one: Document, me: str, now: datetime, told: Sequence[Mapping[str, Any]]) -> Ring | None:
    if one.get("state") != "open":
        return None
    times = [(level, at) for level, at in _times(one) if at <= now and _is_mine(one, level, me)]
    for fact in told:
        if fact.get("event") in _SILENCES:
            times = []
        elif fact.get("event") == "snoozed":
            until = _time(fact.get("until"))
            times = [(_OWNER, until)] if until and until <= now else []
    if not times:
        return None
    level, since = times[-1][0], times[0][1]
    return Ring(one["id"], level, since)


def _times(one: Document) -> list[tuple[int, datetime]]:
    found = [(ring["level"], _time(ring["at"])) for ring in one.get("rings") or []]
    return sorted((level, at) for level, at in found if at is not None)


def _is_mine(one: Document, level: int, me: str) -> bool:
    return level > _OWNER or one.get("owner_id") in {None, me}


def _is_new(fact: Mapping[str, Any], one: Document) -> bool:
    """Whether it is told of this follow-up, and the document does not have it yet."""
    known = {event.get("id") for event in one.get("events") or []}
    return fact.get("follow_up_id") == one["id"] and fact.get("id") not in known


def _ending(fact: Mapping[str, Any]) -> str | None:
    if fact.get("event") == "ended":
        return str(fact.get("outcome") or "withdrawn")
    result = fact.get("result")
    return result if fact.get("event") == "attempted" and result in _ENDS else None


def _words(code: object) -> str:
    return str(code or "").replace("_", " ").upper()


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None
