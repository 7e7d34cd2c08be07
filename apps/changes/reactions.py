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
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from apps.changes.published import Event


class Reaction(Protocol):
    def __call__(self, event: Event, *, now: datetime) -> None: ...


R = TypeVar("R", bound=Reaction)


@dataclass(frozen=True)
class Registered:
    """A reaction to some event. `name` says which one it is, also after a restart."""

    name: str
    react: Reaction
    must_succeed: bool


_registered: dict[str, list[Registered]] = {}


def reacts_to(*names: str, must_succeed: bool = False) -> Callable[[R], R]:
    """Registers a function for these events. Reactions to one event run in the order of
    registration: that of INSTALLED_APPS, then that of the lines in `reactions.py`."""

    def register(reaction: R) -> R:
        known = Registered(
            f"{reaction.__module__}.{getattr(reaction, '__qualname__', '')}", reaction, must_succeed
        )
        for name in names:
            _registered.setdefault(name, []).append(known)
        return reaction

    return register


def to(event: str) -> tuple[Registered, ...]:
    """The reactions to an event, in the order in which they run."""
    return tuple(_registered.get(event, ()))
