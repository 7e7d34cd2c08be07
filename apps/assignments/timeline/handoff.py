"""The handoff ledger: police arrival, scene secured, released, time given back, declined by.

It speaks of units and agencies, never of people: no author is read here. How the time given back
is counted stands in `presence`.

In doubt the scene is not secured: a telling of "secured" holds only if it comes after every "no
longer safe", in precedence and by the clocks as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from apps.assignments.codes import SAFETY_REASONS
from apps.assignments.timeline.corrections import Entry, resolve
from apps.assignments.timeline.episodes import REACHES, Episode, read_episodes
from apps.assignments.timeline.facts import Fact, Limits
from apps.assignments.timeline.presence import (
    AgencyHandoff,
    CarePart,
    PairedUnit,
    agency_handoff,
)
from apps.assignments.timeline.times import Moment, moment_of

_TOOK_OVER: Final = frozenset({"cleared", "unable_to_locate"})


@dataclass(frozen=True, slots=True)
class SceneChange:
    """The scene became "secured" (by whom) or "unsafe". `at` None: no usable time."""

    kind: Literal["secured", "unsafe"]
    at: datetime | None
    source: str
    agency: str | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class Declined:
    """A unit declined, for a reason of codes.DECLINE_REASONS. `safety`: a valid safety reason.

    Several tellings of one unit's reason are one.
    """

    told: Moment
    agency: str | None
    unit: str | None
    reason: str | None
    safety: bool


@dataclass(frozen=True, slots=True)
class Request:
    """CARE was asked for ("care_requested"), or asked for help ("assist_requested")."""

    kind: Literal["care_requested", "assist_requested"]
    told: Moment
    agency: str | None


@dataclass(frozen=True, slots=True)
class Handoff:
    """The ledger of one incident. `scene`: secured, unsafe or not_stated.

    `secured` is the telling that holds now, None while the scene is not secured.
    """

    police: AgencyHandoff
    fire: AgencyHandoff
    scene: Literal["secured", "unsafe", "not_stated"]
    secured: SceneChange | None
    scene_changes: tuple[SceneChange, ...]
    declined: tuple[Declined, ...]
    requests: tuple[Request, ...]
    care_cleared_at: datetime | None


_DEFAULT_LIMITS = Limits()


def ledger(
    facts: Iterable[Fact],
    units: Iterable[PairedUnit] = (),
    *,
    limits: Limits = _DEFAULT_LIMITS,
) -> Handoff:
    """The handoff of one incident, from the facts of one or all of its CARE assignments.

    `units`: the police and fire units that CAD named; units that only facts name are added. CAD's
    statuses of one unit may stand in several assignments: they are tellings of one thing.
    """
    every, _ = resolve(facts, limits)
    entries = [entry for entry in every if entry.counts]
    named = list(units)
    care = _care(entries)
    secured = _secured(entries)
    unsafe = any(entry.event == "scene_unsafe" for entry in entries)
    return Handoff(
        police=agency_handoff("spd", entries, named, care),
        fire=agency_handoff("sfd", entries, named, care),
        scene="secured" if secured else "unsafe" if unsafe else "not_stated",
        secured=_scene_change(secured) if secured else None,
        scene_changes=_scene_changes(entries),
        declined=_declined(entries),
        requests=_requests(entries),
        care_cleared_at=care.cleared_at,
    )


def _care(entries: Sequence[Entry]) -> CarePart:
    """CARE's part, over all its assignments of the incident."""
    by_assignment: dict[UUID, list[Entry]] = {}
    for entry in entries:
        if entry.fact.assignment_id is not None:
            by_assignment.setdefault(entry.fact.assignment_id, []).append(entry)
    last: list[Episode] = []
    arrivals: list[datetime] = []
    for own in by_assignment.values():
        episodes, _ = read_episodes(own)
        if episodes[-1].closing is None and not any(entry.event in REACHES for entry in own):
            continue  # holds statuses of other agencies' units only
        last.append(episodes[-1])
        moments = [
            episode.times.get(name) for episode in episodes for name in ("on_scene", "contact")
        ]
        arrivals += [moment.at for moment in moments if moment is not None and moment.at]
    done = bool(last) and all(episode.closing is not None for episode in last)
    ends = [
        episode.times["closed"].at
        for episode in last
        if episode.closing is not None and episode.closing.kind in _TOOK_OVER
    ]
    known = [end for end in ends if end is not None]
    return CarePart(
        done=done,
        took_over=bool(ends),
        # An end without a time may have been the last one.
        cleared_at=max(known) if done and known and len(known) == len(ends) else None,
        on_scene_at=min(arrivals, default=None),
    )


def _secured(entries: Sequence[Entry]) -> Entry | None:
    """The earliest trustworthy telling of "secured" that no "no longer safe" contradicts."""
    warnings = [
        (place, entry) for place, entry in enumerate(entries) if entry.event == "scene_unsafe"
    ]
    holding = [
        entry
        for place, entry in enumerate(entries)
        if entry.event == "scene_secured"
        and all(place > warned and _later(entry, warning) for warned, warning in warnings)
    ]
    moment = moment_of(holding)
    if moment is None:
        return None
    return next(entry for entry in holding if entry.fact.id == moment.chosen.fact)


def _later(entry: Entry, warning: Entry) -> bool:
    if entry.fact.device is not None and entry.fact.device == warning.fact.device:
        return True  # one device's taps are in order: precedence has compared them
    return entry.at is not None and warning.at is not None and entry.at > warning.at


def _scene_changes(entries: Sequence[Entry]) -> tuple[SceneChange, ...]:
    told = [entry for entry in entries if entry.event in ("scene_secured", "scene_unsafe")]
    told.sort(key=lambda entry: entry.at or entry.fact.received_at)
    return tuple(_scene_change(entry) for entry in told)


def _scene_change(entry: Entry) -> SceneChange:
    secured = entry.event == "scene_secured"
    return SceneChange(
        kind="secured" if secured else "unsafe",
        at=entry.at,
        source=entry.fact.source,
        agency=entry.read("agency") if secured else None,
        unit=entry.read("unit") if secured else None,
    )


def _declined(entries: Sequence[Entry]) -> tuple[Declined, ...]:
    told: dict[tuple[str | None, str | None, str | None], list[Entry]] = {}
    for entry in entries:
        if entry.event == "declined":
            key = (entry.read("agency"), entry.read("unit"), entry.read("reason"))
            told.setdefault(key, []).append(entry)
    declined = []
    for (agency, unit, reason), tellings in told.items():
        moment = moment_of(tellings)
        if moment is not None:
            declined.append(Declined(moment, agency, unit, reason, reason in SAFETY_REASONS))
    return tuple(declined)


def _requests(entries: Sequence[Entry]) -> tuple[Request, ...]:
    requests = []
    for entry_kind, agency in (("request_spd", "spd"), ("request_sfd", "sfd")):
        moment = moment_of(
            entry
            for entry in entries
            if entry.event == "assigned" and entry.read("entry") == entry_kind
        )
        if moment is not None:
            requests.append(Request("care_requested", moment, agency))
    for entry in entries:
        moment = moment_of([entry]) if entry.event == "assist" else None
        if moment is not None:
            requests.append(Request("assist_requested", moment, entry.read("agency")))
    return tuple(requests)
