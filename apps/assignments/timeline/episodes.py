"""The stretches of an assignment, and the state of each.

An assignment begins its first episode when it is made. A reassignment to another unit and a
reopening after it was closed each begin another one: the call has to be acknowledged again, and
times are measured from there. Within an episode the state is the furthest milestone that anybody
told: that a unit is on scene is not undone by a partner's late "en route". It moves back only

- by a correction;
- where one and the same device, whose taps are in order, tells a real step back: staged after it
  had told "on scene" (withdrawn), transporting after "at the destination" (taken further).

The first closing closes. But once contact was made (by anybody in the episode, in whatever order
it arrives), only "cleared" with its disposition does: the others are kept, refused and flagged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from apps.assignments.codes import CLOSINGS
from apps.assignments.timeline.corrections import Entry
from apps.assignments.timeline.facts import Flag
from apps.assignments.timeline.times import (
    MILESTONES,
    Duration,
    Moment,
    claim_of,
    durations_of,
    moment_of,
    order_flags,
    tolerance,
)

# Which event reaches which milestone. Closings are apart.
REACHES: Final = {
    "assigned": "assigned",
    "reassigned": "assigned",
    "reopened": "assigned",
    "opened": "acknowledged",
    "received": "received",
    "acknowledged": "acknowledged",
    "en_route": "en_route",
    "staged": "staged",
    "on_scene": "on_scene",
    "contact_made": "contact",
    "transporting": "transporting",
    "arrived_destination": "at_destination",
}
# Whoever transports a person has met that person.
CONTACT: Final = frozenset({"contact_made", "transporting", "arrived_destination"})
# Closed in two taps; not once contact was made.
SHORT_CLOSINGS: Final = frozenset(CLOSINGS) - {"cleared"}

_RANK: Final = {name: rank for rank, name in enumerate(MILESTONES)}
_STEPS_BACK: Final = {
    "staged": frozenset({"on_scene", "contact"}),
    "transporting": frozenset({"at_destination"}),
}
_NEEDS: Final = {
    "contact": ("on_scene", "contact made without being on scene"),
    "transporting": ("contact", "transporting without contact"),
    "at_destination": ("transporting", "at a destination without transporting"),
}


@dataclass(frozen=True, slots=True)
class Closing:
    """How an episode ended. `disposition` is APCO's; None for a "cleared" that named none.

    `received_at` (server) is there even where the closing has no usable time.
    """

    kind: str
    fact: UUID
    source: str
    disposition: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """A closing that did not close, and why."""

    fact: UUID
    event: str
    why: str


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of an assignment with one unit.

    `began_by` is the reassignment or reopening that began it, None for the first.
    `acknowledged_revision` is the highest revision of the call acknowledged in it, 0 for none.
    """

    unit: str | None
    began_by: UUID | None
    state: str
    closing: Closing | None
    closing_refused: tuple[Refusal, ...]
    acknowledged_revision: int
    times: dict[str, Moment]
    durations: dict[str, Duration]


@dataclass(slots=True)
class _Draft:
    unit: str | None
    start: Entry | None = None
    entries: list[Entry] = field(default_factory=list)


def read_episodes(entries: Sequence[Entry]) -> tuple[list[Episode], list[Flag]]:
    """The episodes of one assignment, the current one last (there is always one), and flags.

    `entries` in the order of precedence, as `resolve` gives them.
    """
    drafts, flags = _split([entry for entry in entries if entry.counts])
    episodes = []
    for draft in drafts:
        episode, told = _read(draft)
        episodes.append(episode)
        flags += told
    return episodes, flags


def _split(entries: Sequence[Entry]) -> tuple[list[_Draft], list[Flag]]:
    flags: list[Flag] = []
    drafts = [_Draft(_first_unit(entries))]
    for entry in entries:
        current, unit = drafts[-1], entry.fact.unit
        if entry.event == "reassigned":
            if unit is not None and unit == current.unit:
                flags.append(Flag("already_assigned", entry.fact.id, "the unit had it already"))
            else:
                drafts.append(_Draft(unit, entry, [entry]))
        elif entry.event == "reopened":
            if _closing(current.entries)[0] is None:
                flags.append(Flag("not_closed", entry.fact.id, "reopened while it was open"))
            else:
                drafts.append(_Draft(unit or current.unit, entry, [entry]))
        elif unit is None or current.unit is None or unit == current.unit:
            current.entries.append(entry)
        else:
            # A unit that no longer has the call may still send what it did while it had it.
            before = [draft for draft in drafts if draft.unit == unit]
            (before[-1] if before else current).entries.append(entry)
            if not before:
                flags.append(Flag("other_unit", entry.fact.id, "told by another unit"))
    return drafts, flags


def _first_unit(entries: Sequence[Entry]) -> str | None:
    for entry in entries:
        if entry.event in ("assigned", "opened") and entry.fact.unit is not None:
            return entry.fact.unit
    for entry in entries:
        if entry.event == "reassigned":
            former: str | None = entry.read("from_unit")
            return former
    return None


def _read(draft: _Draft) -> tuple[Episode, list[Flag]]:
    entries = draft.entries
    state, steps_back, flags = _progress(entries)
    closing, refused, closing_flags = _closing(entries)
    times = _times(entries, steps_back, closing)
    flags += closing_flags + order_flags(times) + _skipped(entries, times)
    revision, revision_flags = _acknowledged(draft)
    if closing is not None and closing.disposition is None:
        closing = replace(closing, disposition=_usual_disposition(closing.kind, times))
    episode = Episode(
        unit=draft.unit,
        began_by=draft.start.fact.id if draft.start else None,
        state="closed" if closing else state,
        closing=closing,
        closing_refused=tuple(refused),
        acknowledged_revision=revision,
        times=times,
        durations=durations_of(times),
    )
    return episode, flags + revision_flags


def _progress(entries: Sequence[Entry]) -> tuple[str, set[UUID], list[Flag]]:
    """The furthest milestone; the facts that were real steps back; impossible orders."""
    state = "assigned"
    told_by: dict[UUID, str] = {}
    steps_back: set[UUID] = set()
    flags: list[Flag] = []
    for entry in entries:
        reached = REACHES.get(entry.event)
        if reached is None:
            continue
        device = entry.fact.device if entry.fact.counter is not None else None
        told = told_by.get(device) if device is not None else None
        from_where = _STEPS_BACK.get(reached, frozenset())
        if state in from_where and told in from_where:
            state = reached
            steps_back.add(entry.fact.id)
            told = None
        elif _RANK[reached] >= _RANK[state]:
            state = reached
        if told is not None and _RANK[told] > _RANK[reached] > _RANK["acknowledged"]:
            text = f"{reached} after {told} on one device"
            flags.append(Flag("impossible_sequence", entry.fact.id, text))
        if device is not None and (told is None or _RANK[reached] > _RANK[told]):
            told_by[device] = reached
    return state, steps_back, flags


def _closing(entries: Sequence[Entry]) -> tuple[Closing | None, list[Refusal], list[Flag]]:
    contacts = [entry for entry in entries if entry.event in CONTACT]
    closing: Closing | None = None
    closed_by: Entry | None = None
    first_refused: Entry | None = None
    refused: list[Refusal] = []
    flags: list[Flag] = []
    for entry in entries:
        if entry.event not in CLOSINGS:
            continue
        fact = entry.fact
        if entry.event in SHORT_CLOSINGS and contacts:
            why = "contact was made: clear with a disposition"
            refused.append(Refusal(fact.id, entry.event, why))
            flags.append(Flag("closing_refused", fact.id, why))
            first_refused = first_refused or entry
        elif closing is None:
            closed_by = entry
            closing = Closing(
                entry.event, fact.id, fact.source, entry.read("disposition"), fact.received_at
            )
        elif entry.event != closing.kind:
            flags.append(Flag("already_closed", fact.id, f"closed already as {closing.kind}"))
    ended_by = closed_by or first_refused
    if ended_by is not None:
        flags += _after(entries, ended_by, closed=closing is not None)
    return closing, refused, flags


def _after(entries: Sequence[Entry], end: Entry, *, closed: bool) -> list[Flag]:
    """Milestones told after the end. A late arrival that happened before it is none."""
    flags = []
    ended = False
    for entry in entries:
        ended = ended or entry is end
        reached = REACHES.get(entry.event)
        if reached is None or _RANK[reached] < _RANK["en_route"]:
            continue
        if not _happened_after(entry, end, arrived_after=ended):
            continue
        if entry.event in CONTACT:
            flags.append(Flag("contact_after_close", entry.fact.id, f"after {end.event}"))
        elif closed:
            flags.append(Flag("after_close", entry.fact.id, f"{reached} after {end.event}"))
    return flags


def _happened_after(entry: Entry, end: Entry, *, arrived_after: bool) -> bool:
    device = entry.fact.device
    one_device = device is not None and device == end.fact.device
    if one_device and entry.fact.counter is not None and end.fact.counter is not None:
        return arrived_after
    if entry.at is None or end.at is None:
        return arrived_after
    return entry.at > end.at + tolerance(claim_of(entry), claim_of(end))


def _usual_disposition(kind: str, times: dict[str, Moment]) -> str | None:
    """APCO's code for a short closing that named none."""
    if kind == "cleared":
        return None
    if kind == "unable_to_locate":
        return "14"
    if "on_scene" in times:
        return "35" if kind == "declined" else "10"
    return "21" if "en_route" in times else "32"


def _times(
    entries: Sequence[Entry], steps_back: set[UUID], closing: Closing | None
) -> dict[str, Moment]:
    told: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.fact.id in steps_back:
            continue
        if entry.event == "opened":
            # Whoever starts an assignment has no call to acknowledge: no answer time is claimed.
            told.setdefault("assigned", []).append(entry)
        elif entry.event in REACHES:
            told.setdefault(REACHES[entry.event], []).append(entry)
        elif closing is not None and entry.event == closing.kind:
            told.setdefault("closed", []).append(entry)
    times = {}
    for name in MILESTONES:
        moment = moment_of(told.get(name, ()))
        if moment is not None:
            times[name] = moment
    return times


def _skipped(entries: Sequence[Entry], times: dict[str, Moment]) -> list[Flag]:
    opened = any(entry.event == "opened" for entry in entries)
    flags = []
    for name, (needed, text) in _NEEDS.items():
        # Responders who start an assignment themselves are often on scene already.
        if name in times and needed not in times and not (opened and needed == "on_scene"):
            flags.append(Flag("impossible_sequence", times[name].chosen.fact, text))
    return flags


def _acknowledged(draft: _Draft) -> tuple[int, list[Flag]]:
    """The highest revision of the call that the responders have acknowledged, 0 for none.

    The fact that gave the call to the unit says which revision it was (`call_revision`, else 1).
    An acknowledgement that names none (by radio, through CAD) is one of that revision. So is the
    first tap from "en route" on, on a tablet that shows at least that revision: nobody drives to
    a call unread. What changed since takes an acknowledgement of its own.
    """
    given = draft.start
    for entry in draft.entries:
        if given is None and entry.event in ("assigned", "opened"):
            given = entry
    base: int = (given.read("call_revision") if given else None) or 1
    highest = 0
    flags = []
    for entry in draft.entries:
        named: int | None = entry.read("call_revision")
        if entry.event in ("acknowledged", "opened"):
            highest = max(highest, named or base)
            if named is None and entry.event == "acknowledged" and entry.fact.source == "tablet":
                flags.append(Flag("revision_unknown", entry.fact.id, f"taken as {base}"))
        elif entry.fact.source == "tablet" and (named or 0) >= base and _on_the_way(entry.event):
            highest = max(highest, base)
    return highest, flags


def _on_the_way(event: str) -> bool:
    return event in REACHES and _RANK[REACHES[event]] >= _RANK["en_route"]
