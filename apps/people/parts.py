"""What the rooms above contribute to the picture of an encounter.

Notes, doses and first aid stand in rooms that do not know each other. Each registers here what it
can say of an encounter: the note's page shows all of it together. What it says to medics it says of
the documents that a tablet holds, so that the handover is made offline too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

Part = Callable[[UUID], Any]

# Documents as they are pulled and typed, by the name of their collection.
Held = Mapping[str, Sequence[Mapping[str, Any]]]
# What a room tells medics of an encounter, section by section. Pure.
Said = Callable[[Held, UUID], Mapping[str, Any]]

_parts: dict[str, Part] = {}
_said: dict[str, Said] = {}


def register_part(name: str, part: Part) -> None:
    """Makes a part known: a function from an encounter's id to what JSON holds, None for nothing.
    ValueError for a name that is taken."""
    if name in _parts:
        raise ValueError(f"Part {name} is registered twice.")
    _parts[name] = part


def part_of(name: str, encounter_id: UUID) -> Any:
    """What one part says of an encounter; None where it says nothing, or is not known."""
    part = _parts.get(name)
    return part(encounter_id) if part else None


def parts_of(encounter_id: UUID) -> dict[str, Any]:
    """What each part says of an encounter, by name. Parts that say nothing are left out."""
    told = {name: part(encounter_id) for name, part in _parts.items()}
    return {name: said for name, said in told.items() if said}


def register_said(room: str, said: Said) -> None:
    """Makes known what a room tells medics of an encounter. ValueError for a room that has."""
    if room in _said:
        raise ValueError(f"Room {room} is registered twice.")
    _said[room] = said


def rooms() -> list[Said]:
    """What each room tells medics."""
    return list(_said.values())
