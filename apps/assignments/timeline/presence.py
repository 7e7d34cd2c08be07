"""Presence of police and fire units, and the time that CARE gave back to them.

Time given back is, for each unit, max(0, CARE cleared - that unit released), summed over the
units of an agency. The rules behind the sum:

- A unit's stays run from arrival to release, in the order of the corrected times (the time of
  receipt where there is none). Only the release of its last stay counts: a unit that came back
  gave nothing back with its first release, and one that was never released gave nothing.
- Several tellings of one arrival or release (CAD, a tap, the partner's tap) are one: the earliest
  trustworthy time counts, all are kept.
- CARE cleared is the time at which the last CARE unit ended with "cleared" or "unable to locate";
  while any is open there is no sum yet. An assignment that was cancelled or declined gave
  nothing back: CARE did not take the call over.
- A tap that names no unit speaks of the only unit of that agency; where there are several, a
  release speaks of all that have arrived before it. Where nothing tells which of the units was
  there, one unnamed unit is counted, never more.
- A unit that CAD took off the call before it arrived ("cancelled") was not released by CARE.
- "Scene no longer safe" takes no time back by itself: the units that come again do.

Where a telling is in doubt, the sum is the smaller one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from apps.assignments.timeline.corrections import Entry
from apps.assignments.timeline.fields import unit_name
from apps.assignments.timeline.times import Moment, moment_of


@dataclass(frozen=True, slots=True)
class PairedUnit:
    """A unit of another agency on the incident, as CAD names it. `agency` is spd or sfd."""

    call_sign: str
    agency: str


@dataclass(frozen=True, slots=True)
class CarePart:
    """What CARE did on the incident.

    `done`: no CARE unit has it any more. `took_over`: at least one ended it with contact or after
    a search. `cleared_at`: the last such end, None where it is not known (yet).
    """

    done: bool
    took_over: bool
    cleared_at: datetime | None
    on_scene_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stay:
    """One presence of a unit; `arrived` None: never told; `released` None: still there.

    `decided_by` (codes.RELEASE_DECIDED_BY) and `care_agreed` come from the last telling of the
    release that says so; None: nobody said.
    """

    arrived: Moment | None
    released: Moment | None
    decided_by: str | None
    care_agreed: bool | None


@dataclass(frozen=True, slots=True)
class UnitHandoff:
    """One unit. `call_sign` None: no unit was named. `given_back` None: not known (yet).

    Flags: not_released, arrival_missing, missing_time, released_before_care (so that a report can
    leave out the time before CARE was there).
    """

    call_sign: str | None
    stays: tuple[Stay, ...]
    given_back: timedelta | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgencyHandoff:
    """All units of one agency.

    `arrived` is the first arrival; `released_at` the last release, None while a unit is there.
    `given_back` sums what is known, None while CARE is not done; `complete` is False where a
    unit's part of it is not known.
    """

    agency: str
    units: tuple[UnitHandoff, ...]
    arrived: Moment | None
    released_at: datetime | None
    given_back: timedelta | None
    complete: bool


@dataclass(frozen=True, slots=True)
class _Mark:
    """An arrival or a release, with the time that places it among the others."""

    arrival: bool
    entry: Entry

    @property
    def place(self) -> tuple[datetime, bool]:
        return (self.entry.at or self.entry.fact.received_at, not self.arrival)


def agency_handoff(
    agency: str, entries: Sequence[Entry], named: Sequence[PairedUnit], care: CarePart
) -> AgencyHandoff:
    """The handoff of one agency; `entries` that count, in the order of precedence."""
    marks, unnamed = _marks(agency, entries, named)
    every = [mark for own in marks.values() for mark in own] + unnamed
    marks = _with_unnamed(marks, unnamed)
    units = tuple(
        _unit(call_sign, marks[call_sign], care)
        for call_sign in sorted(marks, key=lambda name: (name is None, name or ""))
    )
    there = any(unit.stays and unit.stays[-1].released is None for unit in units)
    releases = [
        stay.released.at
        for unit in units
        for stay in unit.stays
        if stay.released is not None and stay.released.at is not None
    ]
    known = [unit.given_back for unit in units if unit.given_back is not None]
    return AgencyHandoff(
        agency=agency,
        units=units,
        arrived=moment_of(mark.entry for mark in every if mark.arrival),
        released_at=None if there else max(releases, default=None),
        given_back=sum(known, timedelta(0)) if care.done and (known or not units) else None,
        complete=care.done and len(known) == len(units),
    )


def _marks(
    agency: str, entries: Sequence[Entry], named: Sequence[PairedUnit]
) -> tuple[dict[str | None, list[_Mark]], list[_Mark]]:
    """The marks of each known unit of the agency, and those that name none."""
    marks: dict[str | None, list[_Mark]] = {
        _spelled(unit.call_sign): [] for unit in named if unit.agency == agency
    }
    unnamed: list[_Mark] = []
    for entry in entries:
        told = _presence(entry)
        if told is None or (entry.read("agency") or "spd") != agency:
            continue
        call_sign: str | None = entry.read("unit")
        own = unnamed if call_sign is None else marks.setdefault(call_sign, [])
        if told != "on_the_call":
            own.append(_Mark(told == "arrived", entry))
    return marks, unnamed


def _presence(entry: Entry) -> Literal["arrived", "released", "on_the_call"] | None:
    if entry.event == "police_arrived":
        return "arrived"
    if entry.event == "police_released":
        return "released"
    if entry.event != "cad_status" or entry.read("unit") is None or entry.read("agency") is None:
        return None
    status: str | None = entry.read("status")
    if status == "arrived":
        return "arrived"
    return "released" if status == "cleared" else "on_the_call"


def _spelled(call_sign: str) -> str:
    try:
        return unit_name(call_sign)
    except ValueError:
        return call_sign


def _with_unnamed(
    marks: dict[str | None, list[_Mark]], unnamed: Sequence[_Mark]
) -> dict[str | None, list[_Mark]]:
    if not unnamed:
        return marks
    if len(marks) == 1:
        return {name: [*own, *unnamed] for name, own in marks.items()}
    if not any(marks.values()):
        return {**marks, None: list(unnamed)}
    releases = [mark for mark in unnamed if not mark.arrival]
    return {
        name: [*own, *(mark for mark in releases if _there_before(own, mark))]
        for name, own in marks.items()
    }


def _there_before(own: Sequence[_Mark], release: _Mark) -> bool:
    return any(mark.arrival and mark.place < release.place for mark in own)


def _unit(call_sign: str | None, marks: Sequence[_Mark], care: CarePart) -> UnitHandoff:
    stays = _stays(marks)
    given_back, flags = _given_back(stays, care)
    return UnitHandoff(call_sign, tuple(stays), given_back, tuple(flags))


def _stays(marks: Sequence[_Mark]) -> list[Stay]:
    stays: list[Stay] = []
    arrivals: list[Entry] = []
    releases: list[Entry] = []
    # sorted() is stable: precedence decides between tellings of one kind and time.
    for mark in sorted(marks, key=lambda mark: mark.place):
        if mark.arrival and releases:
            stays.append(_stay(arrivals, releases))
            arrivals, releases = [], []
        (arrivals if mark.arrival else releases).append(mark.entry)
    if arrivals or releases:
        stays.append(_stay(arrivals, releases))
    return stays


def _stay(arrivals: Sequence[Entry], releases: Sequence[Entry]) -> Stay:
    decided = [entry.read("decided_by") for entry in releases]
    agreed = [entry.read("care_agreed") for entry in releases]
    return Stay(
        arrived=moment_of(arrivals),
        released=moment_of(releases),
        decided_by=next((value for value in reversed(decided) if value is not None), None),
        care_agreed=next((value for value in reversed(agreed) if value is not None), None),
    )


def _given_back(stays: Sequence[Stay], care: CarePart) -> tuple[timedelta | None, list[str]]:
    nothing = timedelta(0)
    flags: list[str] = []
    if not stays:
        return (nothing if care.done else None), flags
    last = stays[-1]
    if last.arrived is None:
        flags.append("arrival_missing")
    if last.released is None:
        flags.append("not_released")
        return (nothing if care.done else None), flags
    released_at = last.released.at
    if released_at is None:
        flags.append("missing_time")
    elif care.on_scene_at is None or released_at < care.on_scene_at:
        flags.append("released_before_care")
    if not care.done:
        return None, flags
    if not care.took_over:
        return nothing, flags
    if released_at is None or care.cleared_at is None:
        return None, flags
    return max(nothing, care.cleared_at - released_at), flags
