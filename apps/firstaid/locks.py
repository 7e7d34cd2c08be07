"""What is locked of first aid, on the rungs of docs/adr/0030."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from apps.assignments.locks import locks_of_arrivals
from apps.changes.locks import WHOLE, Lock, Rung
from apps.changes.published import Event
from apps.people.locks import calls_of

# All stock: see `services.ledger`.
LEDGER: Final = Lock(Rung.LEDGER, WHOLE)


def locks_of_calls(events: Sequence[Event]) -> set[Lock]:
    """Of assignments to which something has happened."""
    return locks_of_arrivals(event.subject for event in events)


def locks_of_calls_met(events: Sequence[Event]) -> set[Lock]:
    """Of the assignments of encounters in which something has happened."""
    return locks_of_arrivals(calls_of(event.subject for event in events))
