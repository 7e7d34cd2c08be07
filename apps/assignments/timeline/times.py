"""The time of each milestone with where it comes from, and the durations between them.

A milestone is often told twice: by CAD and by a responder's tap, or by both tablets of a unit. All
claims are kept; the earliest trustworthy one is the time. A claim from a suspect or unmeasured
clock is used only where there is no better one, an impossible time never.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from apps.assignments.timeline.corrections import Entry
from apps.assignments.timeline.facts import Flag

MILESTONES: Final = (
    "assigned",
    "received",
    "acknowledged",
    "en_route",
    "staged",
    "on_scene",
    "contact",
    "transporting",
    "at_destination",
    "closed",
)

# Name, from, to.
DURATIONS: Final = (
    ("assigned_to_received", "assigned", "received"),
    ("received_to_acknowledged", "received", "acknowledged"),
    ("assigned_to_acknowledged", "assigned", "acknowledged"),
    ("acknowledged_to_en_route", "acknowledged", "en_route"),
    ("en_route_to_on_scene", "en_route", "on_scene"),
    ("assigned_to_on_scene", "assigned", "on_scene"),
    ("on_scene_to_contact", "on_scene", "contact"),
    ("contact_to_closed", "contact", "closed"),
    ("on_scene_to_closed", "on_scene", "closed"),
    ("assigned_to_closed", "assigned", "closed"),
)

# A late automatic receipt says that a tablet was away, not that anybody tapped out of order.
_ORDERED: Final = tuple(name for name in MILESTONES if name != "received")


@dataclass(frozen=True, slots=True)
class Claim:
    """One telling of a milestone. `at` is the corrected clock, `device_time` the raw one.

    `uncertainty_ms` None: not known. `corrected_by`: the corrections in force behind it.
    """

    fact: UUID
    source: str
    at: datetime | None
    device_time: datetime | None
    received_at: datetime
    clock_offset_ms: int | None
    uncertainty_ms: int | None
    flags: tuple[str, ...]
    usable: bool
    trustworthy: bool
    corrected_by: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of a milestone: `chosen` among `claims` (in the order of precedence)."""

    chosen: Claim
    claims: tuple[Claim, ...]

    @property
    def at(self) -> datetime | None:
        """None where no claim has a time that can be used."""
        return self.chosen.at if self.chosen.usable else None

    @property
    def confirmed(self) -> bool:
        """Told by CAD and by a responder as well."""
        return {"cad", "tablet"} <= {claim.source for claim in self.claims}


@dataclass(frozen=True, slots=True)
class Duration:
    """`length` None, with `why` "missing_time" or "out_of_order"; never negative.

    `uncertainty_ms` is the sum of both ends', None where one is not known.
    """

    length: timedelta | None
    uncertainty_ms: int | None
    why: str | None


def claim_of(entry: Entry) -> Claim:
    """What one fact, as it stands now, says of a time."""
    fact, reading = entry.fact, entry.reading
    return Claim(
        fact=fact.id,
        source=fact.source,
        at=reading.at,
        device_time=fact.device_time,
        received_at=fact.received_at,
        clock_offset_ms=fact.clock_offset_ms,
        uncertainty_ms=reading.uncertainty_ms,
        flags=reading.flags,
        usable=reading.usable,
        trustworthy=reading.trustworthy,
        corrected_by=tuple(one.fact for one in entry.corrections if one.in_force),
    )


def moment_of(entries: Iterable[Entry]) -> Moment | None:
    """The earliest trustworthy telling, all tellings kept; None for no entries."""
    claims = tuple(claim_of(entry) for entry in entries)
    if not claims:
        return None
    return Moment(min(claims, key=_choice), claims)


def _choice(claim: Claim) -> tuple[int, datetime]:
    # min() keeps the first of equals: the order of precedence.
    if not claim.usable or claim.at is None:
        return (2, claim.received_at)
    return (0 if claim.trustworthy else 1, claim.at)


def durations_of(times: Mapping[str, Moment]) -> dict[str, Duration]:
    """All of DURATIONS, the unknown ones too."""
    return {name: _between(times.get(start), times.get(end)) for name, start, end in DURATIONS}


def _between(start: Moment | None, end: Moment | None) -> Duration:
    if start is None or end is None or start.at is None or end.at is None:
        return Duration(None, None, "missing_time")
    known = (start.chosen.uncertainty_ms, end.chosen.uncertainty_ms)
    uncertainty = None if known[0] is None or known[1] is None else known[0] + known[1]
    length = end.at - start.at
    if length < -tolerance(start.chosen, end.chosen):
        return Duration(None, uncertainty, "out_of_order")
    return Duration(max(length, timedelta(0)), uncertainty, None)


def tolerance(one: Claim, other: Claim) -> timedelta:
    """How far two times may contradict each other through the inexactness of the clocks."""
    return timedelta(milliseconds=(one.uncertainty_ms or 0) + (other.uncertainty_ms or 0))


def order_flags(times: Mapping[str, Moment]) -> list[Flag]:
    """Milestones whose time lies before an earlier milestone's."""
    flags = []
    told: Sequence[tuple[str, Moment]] = [
        (name, times[name]) for name in _ORDERED if name in times and times[name].at is not None
    ]
    latest_name, latest = told[0] if told else ("", None)
    for name, moment in told[1:]:
        if latest is None or latest.at is None or moment.at is None:
            continue
        if moment.at < latest.at - tolerance(latest.chosen, moment.chosen):
            flags.append(
                Flag("out_of_order", moment.chosen.fact, f"{name} is earlier than {latest_name}")
            )
        elif moment.at > latest.at:
            latest_name, latest = name, moment
    return flags
