"""What each fact says now, after all corrections.

A `corrected` fact names the fact that it corrects:

- without a new time, event or data it takes the fact back (the undoing of a mis-tap, or a later
  "it did not happen"): the fact no longer counts;
- with any of them it replaces just that; data are replaced key by key.

Corrections of one fact are laid over each other in the order of precedence, so the last one wins
where two speak of the same thing, and a replacement after a taking-back counts again. A
correction is itself a fact and may be corrected by the same rule: taking it back restores what
was before, giving it a new time changes the time that it gives. Corrections that wait for their
fact, and corrections that correct each other in a circle, have no effect. Nothing is deleted:
every fact stays in the history with who corrected it, when and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.assignments.codes import FLAGS
from apps.assignments.timeline.facts import (
    Fact,
    Flag,
    Limits,
    Reading,
    in_precedence,
    reading_of,
    stated_reading,
)
from apps.assignments.timeline.fields import is_known, problems_of, read


@dataclass(frozen=True, slots=True)
class Correction:
    """Who corrected a fact, when and why. `in_force` is False where it was taken back itself."""

    fact: UUID
    author_id: UUID | None
    source: str
    at: datetime
    reason: str | None
    takes_back: bool
    in_force: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact as it stands now. The original is `fact`; `event`, `data`, `reading` are current.

    `counts` is False for a fact that was taken back, for a correction without effect and for an
    unknown event.
    """

    fact: Fact
    counts: bool
    event: str
    data: Mapping[str, Any] = field(repr=False)
    reading: Reading
    corrections: tuple[Correction, ...]

    @property
    def at(self) -> datetime | None:
        return self.reading.at if self.reading.usable else None

    def read(self, name: str) -> Any:
        """A checked detail of the current data, None if absent or unusable."""
        return read(self.event, self.data, name)


@dataclass(frozen=True, slots=True)
class _Change:
    """What a correction asks for. Nothing at all asked means that it takes its fact back."""

    asked: bool = False
    event: str | None = None
    time: datetime | None = None
    time_received_at: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def then(self, later: _Change) -> _Change:
        return _Change(
            asked=True,
            event=later.event or self.event,
            time=later.time or self.time,
            time_received_at=later.time_received_at if later.time else self.time_received_at,
            data={**self.data, **later.data},
        )


@dataclass(frozen=True, slots=True)
class _Web:
    """Which correction corrects what; `depths` holds those that are in no circle."""

    by_id: Mapping[UUID, Fact]
    targets: Mapping[UUID, UUID]
    depths: Mapping[UUID, int]

    def reaches(self, correction: UUID) -> bool:
        """Whether the correction has something to correct."""
        return correction in self.depths and self.targets[correction] in self.by_id


@dataclass(frozen=True, slots=True)
class _Effect:
    in_force: bool
    change: _Change


def resolve(facts: Iterable[Fact], limits: Limits) -> tuple[list[Entry], list[Flag]]:
    """Every fact as it stands, in the order of precedence, and what to know about them."""
    ordered = in_precedence(facts)
    by_id = {fact.id: fact for fact in ordered}
    corrections_of: dict[UUID, list[Fact]] = {}
    targets: dict[UUID, UUID] = {}
    for fact in ordered:
        target = read("corrected", fact.data, "corrects") if fact.event == "corrected" else None
        if target is not None:
            targets[fact.id] = target
            corrections_of.setdefault(target, []).append(fact)

    web = _Web(by_id, targets, _depths(targets))
    effects: dict[UUID, _Effect] = {}
    # The outermost correction first, so that each is judged before what it corrects.
    for correction in sorted(web.depths, key=lambda found: -web.depths[found]):
        own = _change_asked_by(by_id[correction])
        effects[correction] = _laid_over(own, corrections_of.get(correction, ()), effects)

    flags: list[Flag] = []
    entries = []
    for fact in ordered:
        own_corrections = corrections_of.get(fact.id, [])
        effect = effects.get(fact.id)
        if effect is None:
            effect = _laid_over(_Change(asked=True), own_corrections, effects)
        counts = effect.in_force and is_known(fact.event)
        if fact.event == "corrected":
            counts = counts and web.reaches(fact.id)
        told = tuple(_told(one, effects, limits) for one in own_corrections)
        entries.append(_entry(fact, counts, effect.change, told, limits))
        flags += _flags(entries[-1], web, limits)
    return entries, flags


def _depths(targets: Mapping[UUID, UUID]) -> dict[UUID, int]:
    """How many corrections lie between each correction and an ordinary fact; circles left out.

    A loop, not a recursion: a chain of corrections may be longer than Python's stack.
    """
    depths: dict[UUID, int] = {}
    circular: set[UUID] = set()
    for start in targets:
        path: list[UUID] = []
        seen: set[UUID] = set()
        here = start
        while here in targets and here not in depths and here not in circular and here not in seen:
            path.append(here)
            seen.add(here)
            here = targets[here]
        if here in seen or here in circular:
            circular.update(path)
            continue
        depth = depths.get(here, 0)
        for correction in reversed(path):
            depth += 1
            depths[correction] = depth
    return depths


def _change_asked_by(correction: Fact) -> _Change:
    data = correction.data
    asked = any(data.get(name) is not None for name in ("time", "event", "data"))
    time = read("corrected", data, "time")
    return _Change(
        # An unreadable new time must not become a taking-back: it was asked, it changes nothing.
        asked=asked,
        event=read("corrected", data, "event"),
        time=time,
        time_received_at=correction.received_at if time else None,
        data=read("corrected", data, "data") or {},
    )


def _laid_over(
    own: _Change, corrections: Iterable[Fact], effects: Mapping[UUID, _Effect]
) -> _Effect:
    in_force, change = True, own
    for correction in corrections:
        effect = effects.get(correction.id)
        if effect is None or not effect.in_force:
            continue
        if effect.change.asked:
            in_force, change = True, change.then(effect.change)
        else:
            in_force, change = False, own
    return _Effect(in_force, change)


def _told(correction: Fact, effects: Mapping[UUID, _Effect], limits: Limits) -> Correction:
    effect = effects.get(correction.id)
    return Correction(
        fact=correction.id,
        author_id=correction.author_id,
        source=correction.source,
        at=reading_of(correction, limits).at or correction.received_at,
        reason=read("corrected", correction.data, "reason"),
        takes_back=effect is not None and not effect.change.asked,
        in_force=effect is not None and effect.in_force,
    )


def _entry(
    fact: Fact, counts: bool, change: _Change, told: tuple[Correction, ...], limits: Limits
) -> Entry:
    event, data, reading = fact.event, fact.data, reading_of(fact, limits)
    # What corrections change in a correction is what it asks for, not what it is.
    if fact.event != "corrected":
        event = change.event or event
        if change.data:
            data = {**data, **change.data}
        if change.time is not None and change.time_received_at is not None:
            reading = stated_reading(change.time, change.time_received_at, limits)
    return Entry(fact, counts, event, data, reading, told)


def _flags(entry: Entry, web: _Web, limits: Limits) -> list[Flag]:
    fact = entry.fact
    if not is_known(fact.event):
        return [Flag("unknown_event", fact.id, "this version does not know the event")]
    flags = [
        Flag("bad_field", fact.id, f"{pointer} {text}")
        for pointer, text in problems_of(entry.event, entry.data)
    ]
    flags += [Flag(code, fact.id, FLAGS[code]) for code in entry.reading.flags]
    target = web.targets.get(fact.id)
    if target is None:
        return flags
    if fact.id not in web.depths:
        flags.append(Flag("correction_cycle", fact.id, "corrections correct each other"))
    elif target not in web.by_id:
        flags.append(Flag("target_missing", fact.id, "the corrected fact is not here yet"))
    elif _undone_late(fact, web.by_id[target], limits):
        flags.append(Flag("late_undo", fact.id, "more time had passed than a mis-tap may take"))
    return flags


def _undone_late(correction: Fact, target: Fact, limits: Limits) -> bool:
    if read("corrected", correction.data, "reason") != "mis_tap":
        return False
    if correction.device is not None and correction.device == target.device:
        # One clock: its offset does not matter, nor whether it was measured.
        tapped, undone = target.device_time, correction.device_time
    else:
        tapped, undone = reading_of(target, limits).at, reading_of(correction, limits).at
    if tapped is None or undone is None:
        return True
    return abs(undone - tapped) > limits.undo
