"""What leads to a person besides the calls on which they were met.

Rooms above this one have records of their own that go with a person's: whoever is to look for
somebody must know whom they look for. Each registers here which scopes lead to a person; whoever
changes them shows the person again (`services.show_person`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from uuid import UUID

# From the encounters with a person to the scopes that see the person by them.
Lead = Callable[[Collection[UUID]], frozenset[str]]

_leads: dict[str, Lead] = {}


def register_lead(name: str, lead: Lead) -> None:
    """Makes a lead known. ValueError for a name that is taken."""
    if name in _leads:
        raise ValueError(f"Lead {name} is registered twice.")
    _leads[name] = lead


def scopes_leading(encounters: Collection[UUID]) -> frozenset[str]:
    """The scopes of everything that leads to the person of these encounters."""
    return frozenset().union(*(lead(encounters) for lead in _leads.values()))
