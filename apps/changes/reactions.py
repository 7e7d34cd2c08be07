"""Reactions: what an app does, in the same transaction, when another app publishes an event.

An app that must act on what happened elsewhere never calls a sibling. It puts a function into its
own `reactions.py`, which is found at start-up:

    @reacts_to("assignment.closed", "assignment.reopened")
    def follow(event: Event, *, now: datetime) -> None: ...

It runs in a savepoint. Where it fails, what was published stands, and the reaction is parked: it is
tried again until it succeeds, and supervisors see it (see `parking`). So it is a function of how
things stand, not of what has just happened, and it may run twice.

One that `must_succeed` has no savepoint: its failure rolls the publisher back, because its work is
part of the same fact (a call that no unit was given has not been received).

What reactions lock, they do not lock one after the other, each as it comes: all of it is locked
before the first of them runs, in the one order (`locks`). So each says what it and all that it
causes will lock:

    @reacts_to("assignment.closed", "assignment.reopened", locks=locks_of_calls)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from apps.changes.locks import Lock
from apps.changes.published import Event


class Reaction(Protocol):
    def __call__(self, event: Event, *, now: datetime) -> None: ...


R = TypeVar("R", bound=Reaction)
# From events to what the reactions to them will lock, as things stand.
Locks = Callable[[Sequence[Event]], Iterable[Lock]]


@dataclass(frozen=True)
class Registered:
    """A reaction to some event. `name` says which one it is, also after a restart."""

    name: str
    react: Reaction
    must_succeed: bool
    locks: Locks | None = None


_registered: dict[str, list[Registered]] = {}


def reacts_to(
    *names: str, must_succeed: bool = False, locks: Locks | None = None
) -> Callable[[R], R]:
    """Registers a function for these events. Reactions to one event run in the order of
    registration: that of INSTALLED_APPS, then that of the lines in `reactions.py`. `locks`: what it
    will lock; None: nothing."""

    def register(reaction: R) -> R:
        name = f"{reaction.__module__}.{getattr(reaction, '__qualname__', '')}"
        known = Registered(name, reaction, must_succeed, locks)
        for name in names:
            _registered.setdefault(name, []).append(known)
        return reaction

    return register


def to(event: str) -> tuple[Registered, ...]:
    """The reactions to an event, in the order in which they run."""
    return tuple(_registered.get(event, ()))


def locks_of(events: Iterable[Event]) -> set[Lock]:
    """All that the reactions to these events will lock, as things stand."""
    asked: dict[Locks, list[Event]] = {}
    for event in events:
        for gather in {one.locks for one in to(event.name) if one.locks is not None}:
            asked.setdefault(gather, []).append(event)
    return {lock for gather, of_them in asked.items() for lock in gather(of_them)}
