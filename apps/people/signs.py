"""What the rooms above know of encounters, in codes and times, for rules that read many at once.

`parts` says of one encounter what people read; here stands what a rule compares. Each room
registers a source: from the ids of encounters to what it knows of each. Those of which it knows
nothing it leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

Signs = Mapping[str, Any]
Source = Callable[[Collection[UUID]], Mapping[UUID, Signs]]

_sources: dict[str, Source] = {}


def register_signs(name: str, source: Source) -> None:
    """Makes a source known. ValueError for a name that is taken."""
    if name in _sources:
        raise ValueError(f"Signs {name} are registered twice.")
    _sources[name] = source


def signs_of(
    encounters: Collection[UUID], *, of: Collection[str] | None = None
) -> dict[UUID, dict[str, Any]]:
    """What all rooms know of these encounters: `outcome` and `risk` of the note (codes of
    `casenotes.codes`), `dose_at` of the last naloxone that somebody got, `referral_at` of the last
    referral, `signed` what stands in a signed note (see `casenotes.signs`). `of`: of these rooms
    alone. A few statements, however many."""
    found: dict[UUID, dict[str, Any]] = {one: {} for one in encounters}
    for source in [one for name, one in _sources.items() if of is None or name in of]:
        for encounter, signs in source(encounters).items():
            if encounter in found:
                found[encounter] |= signs
    return found
