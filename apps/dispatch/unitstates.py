"""What is known of a unit on a call, whatever the order in which its statuses were told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from apps.dispatch.calls import UnitOnCall

#: EIDO secondary unit statuses that end a unit's part in the incident.
LEFT = frozenset({"Cleared", "AssignmentCancelled"})
#: Those that say when CAD sent the unit, the best first.
SENT = ("Dispatched", "Assigned")
#: Told together with one of MOVES these say where to, or where, and alone that the unit is there.
PLACES = frozenset({"AlternateLocation", "Hospital", "Staging"})
MOVES = frozenset({"Arrived", "Departed", "EnRoute", "Transporting"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitState:
    """A unit on an incident. `times`: EIDO secondary status to the instant it began; `told_at`: the
    newest instant for which any was told."""

    status: str = ""
    times: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    told_at: datetime | None = None
    detached_at: datetime | None = None


def merge_unit(state: UnitState, told: UnitOnCall, *, at: datetime) -> UnitState:
    """Takes in what a message of `at` tells of a unit.

    A status that is told again keeps the instant at which it began: messages restate the present
    status with every update. With a place that is new a movement begins anew. An older one that
    comes late fills its gap. A unit that has left comes back only by a status that is new and began
    after it left: a desk may have taken it off while CAD goes on naming it, and what CAD said
    before that may still be on its way. The time of the status counts, that of its message where it
    has none.

    Both times are taken as they stand, though a desk's act has our clock and a status CAD's. By as
    much as CAD's clock is behind, a unit that it sends again at once stays off until its next
    status; by as much as it is ahead, an overtaken status still brings the unit back.
    """
    times = dict(state.times)
    told_at = state.told_at
    elsewhere = _new_places(state, told, at)
    for one in told.statuses:
        when = one.at or at
        present = _present(times)
        if one.status in present and not (one.status in MOVES and when in elsewhere):
            others = (time for status, time in times.items() if status not in present)
            if one.at and max(others, default=when) <= when < times[one.status]:
                times[one.status] = when
        elif told_at is None or when >= told_at:
            times[one.status] = when
        else:
            # It lies within what seemed to be one stretch of the present status: that one began
            # after it, at the latest when it was told last.
            times |= {status: told_at for status in present if times[status] < when}
            times.setdefault(one.status, when)
        told_at = max(when, told_at or when)
    after = UnitState(
        status=_status(state, told, times),
        times=times,
        told_at=told_at,
        detached_at=state.detached_at,
    )
    return replace(after, detached_at=_left_at(state, after, active=told.active, at=at))


def _new_places(state: UnitState, told: UnitOnCall, at: datetime) -> frozenset[datetime]:
    """When the unit is told to be at, or on its way to, a place of which it was not told before."""
    known = _present(state.times)
    return frozenset(
        one.at or at for one in told.statuses if one.status in PLACES and one.status not in known
    )


def _status(before: UnitState, told: UnitOnCall, times: Mapping[str, datetime]) -> str:
    present = _present(times)
    if before.status in present:
        return before.status
    return next((s.status for s in reversed(told.statuses) if s.status in present), before.status)


def _left_at(before: UnitState, after: UnitState, *, active: bool, at: datetime) -> datetime | None:
    """Since when the unit has left, None while it is on the call."""
    left = before.detached_at
    if after.status in LEFT:
        # Told again it ends nothing again: somebody may have put the unit back on it since.
        ended = after.times[after.status]
        return left or (ended if before.times.get(after.status) != ended else None)
    if not active:
        return left or (at if after.told_at is None or at >= after.told_at else None)
    if left and after.times != before.times and max(after.times.values()) > left:
        return None
    return left


def _present(times: Mapping[str, datetime]) -> frozenset[str]:
    """The statuses that began last: several where they were told together."""
    newest = max(times.values(), default=None)
    return frozenset(status for status, time in times.items() if time == newest)
