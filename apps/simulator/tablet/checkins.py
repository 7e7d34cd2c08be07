"""When a tablet asks its crew whether all is well, by itself: from what it holds, with or without a
network. Never a sound, never a bright screen, unless the document says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from .database import Document

# What says nothing of the crew's being well: told by the tablet itself, or a call for help.
_NO_CONTACT: Final = frozenset({"received", "emergency", "assist", "scene_unsafe"})


@dataclass(frozen=True, slots=True)
class Ask:
    """A check-in that is due: of which assignment, since when, and how the tablet asks."""

    id: str
    due_at: datetime
    sounds: bool
    bright: bool
    vibrates: bool


def asks(
    assignments: Iterable[Document],
    *,
    now: datetime,
    told: Iterable[tuple[Mapping[str, Any], datetime]] = (),
) -> tuple[Ask, ...]:
    """The check-ins that are due at `now`. `told`: taps of this tablet with the time of each, as
    the server counts it, that no document has yet: they count at once."""
    own = [(fact.get("assignment_id"), fact.get("event"), at) for fact, at in told]
    found = []
    for one in assignments:
        owed = one.get("check_in")
        if not owed:
            continue
        taps = [at for id, event, at in own if id == one["id"] and event not in _NO_CONTACT]
        every = timedelta(seconds=owed["every_s"])
        due_at = max([datetime.fromisoformat(owed["due_at"]), *(at + every for at in taps)])
        if due_at <= now:
            how = owed.get("prompt") or {}
            found.append(
                Ask(
                    one["id"],
                    due_at,
                    sounds=how.get("sound") is True,
                    bright=how.get("bright") is True,
                    vibrates=how.get("haptic") is not False,
                )
            )
    return tuple(sorted(found, key=lambda ask: (ask.due_at, ask.id)))
