"""A crew at the scene: since when, and when they were last heard of. What check-ins go by.

A check-in is awaited from the moment at which the first of a unit is on scene until the assignment
leaves it: closed, transporting, given to another unit, or withdrawn from (staged again).

**What counts as contact** is what one of the crew did with their own hands while they were there,
at the time at which they did it: a `check_in`, and every other tap of the unit's tablets. It does
not when a tablet did it by itself (`received`), nor when it is a call for help: whoever calls for
help is not well, and their silence afterwards says nothing good. A desk's word counts only where it
is just this ("unit says all well"): its other facts may be its own doing. A tap whose time cannot
be used does not count either. Where it is doubtful, people are asked once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from apps.assignments.codes import ALERTING
from apps.assignments.timeline.corrections import Entry
from apps.assignments.timeline.derive import Timeline
from apps.assignments.timeline.times import Claim

_THERE: Final = frozenset({"on_scene", "contact"})
_ARRIVED: Final = ("on_scene", "contact")
_NO_CONTACT: Final = ALERTING | {"received"}


@dataclass(frozen=True, slots=True)
class OnScene:
    """`since`: the first of them was there. `known_at`: the server knew of it. `heard_at`: the last
    contact, never before `since`."""

    since: datetime
    known_at: datetime
    heard_at: datetime

    def due_at(self, every: timedelta, *, looked_after: datetime | None = None) -> datetime:
        """When they have to check in: so long after the last contact, or after somebody has taken
        it in hand that they did not (`looked_after`). Nobody is asked before it was known here that
        they are there: what comes late begins with a question, not with an alarm."""
        last = max(self.heard_at, looked_after or self.heard_at)
        return max(last + every, self.known_at)


def on_scene(timeline: Timeline) -> OnScene | None:
    """The crew's stay at the scene; None while they are not there."""
    if timeline.state not in _THERE:
        return None
    arrivals = [timeline.times[name] for name in _ARRIVED if name in timeline.times]
    since = min(_told_of(moment.chosen) for moment in arrivals)
    known_at = min(claim.received_at for moment in arrivals for claim in moment.claims)
    heard = [at for at in _contacts(timeline) if at > since]
    return OnScene(since, known_at, max(heard, default=since))


def _told_of(claim: Claim) -> datetime:
    """When they arrived, by this telling; when it was told where it says no time to go by."""
    at = claim.at if claim.usable and claim.at is not None else claim.received_at
    return min(at, claim.received_at)


def _contacts(timeline: Timeline) -> Iterator[datetime]:
    """When somebody of the crew did something, as far as that is known. Never after it came here:
    a clock that is a little ahead buys nobody time."""
    for entry in timeline.history:
        if entry.counts and entry.at is not None and _is_contact(entry, timeline.unit):
            yield min(entry.at, entry.fact.received_at)


def _is_contact(entry: Entry, unit: str | None) -> bool:
    fact = entry.fact
    if entry.event == "check_in":
        return fact.unit in {unit, None}  # None: told by a supervisor who is not of the crew
    return fact.unit == unit and fact.source == "tablet" and entry.event not in _NO_CONTACT
