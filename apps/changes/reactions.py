"""Reactions: what an app does, in the same transaction, when another app publishes an event.

An app that must act on what happened elsewhere never calls a sibling. It puts a function into its
own `reactions.py`, which is found at start-up:

    @reacts_to("incident.received", "incident.updated")
    def assign(event: Event, *, now: datetime) -> None: ...

A reaction that fails rolls the publisher back: its work is part of the same fact.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from apps.changes.published import Event


class Reaction(Protocol):
    def __call__(self, event: Event, *, now: datetime) -> None: ...


R = TypeVar("R", bound=Reaction)

_registered: dict[str, list[Reaction]] = {}


def reacts_to(*names: str) -> Callable[[R], R]:
    """Registers a function for these events. Reactions to one event run in the order of
    registration: that of INSTALLED_APPS, then that of the lines in `reactions.py`."""

    def register(reaction: R) -> R:
        for name in names:
            _registered.setdefault(name, []).append(reaction)
        return reaction

    return register


def run(event: Event, *, now: datetime) -> None:
    """Calls the reactions to one event. They may publish, and so cause further reactions."""
    for reaction in _registered.get(event.name, ()):
        reaction(event, now=now)
