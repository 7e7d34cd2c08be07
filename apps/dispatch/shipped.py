"""What other rooms ship as rows of their own, for `manage.py load_reference`.

A room above this one registers, in its `sync.py`, a function that adds what is not here yet, and
returns how many were new. What the agency has changed stays.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from apps.audit.services import Actor


class Load(Protocol):
    def __call__(self, *, by: Actor, now: datetime) -> int: ...


_registered: dict[str, Load] = {}


def register_shipped(name: str, load: Load) -> None:
    """Makes rows known by what they are called in the plural. ValueError for a name that is
    taken."""
    if name in _registered:
        raise ValueError(f"Shipped {name} are registered twice.")
    _registered[name] = load


def shipped() -> dict[str, Load]:
    """All of them, in the order of their names."""
    return dict(sorted(_registered.items()))
