"""What the rooms above contribute to the picture of an encounter.

Notes, doses and first aid stand in rooms that do not know each other. Each registers here what it
can say of an encounter; the handover to medics and the note's page show all of it together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

Part = Callable[[UUID], Any]

_parts: dict[str, Part] = {}


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
