"""One fact, the order of precedence among facts, and what its clock is worth.

Two orders, never mixed:

- **Precedence** (who wins): the facts of one device in the order of its counter, facts of
  different devices in the order in which the server took them. Where both speak, a fact counts
  no later than any later fact of its own device: a tap that was stuck on a tablet and arrives
  last is put in front of what that tablet told after it, and never drags the later taps along.
- **Time** (display and durations): the device's clock, corrected by its measured offset.

Both are read from the facts alone, so the order in which a list holds them never matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

# CAD times are whole seconds.
_CAD_UNCERTAINTY_MS: Final = 1000
# What takes longer than this from the tap to the server is late. A slow radio takes seconds.
LATE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """Values of the settings, as they hold now (a fast-forward demo shortens both).

    `undo`: within it a correction may be the undoing of a mis-tap.
    `clock`: a larger offset or uncertainty makes a clock suspect, and a time that lies further
    than this after the server received the fact is not used.
    """

    undo: timedelta = timedelta(seconds=10)
    clock: timedelta = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened, as somebody or something reported it.

    `device` is the local database that made it (None: no tablet), `counter` orders the facts of
    that device. `clock_offset_ms` is the device's clock minus the server's, as measured.
    `order` is the server's sequence. `unit` is the call sign of the CARE unit that it speaks of.
    `data` may hold PHI and is never printed; data that are no object count as empty. Times are
    aware; ValueError otherwise.
    """

    id: UUID
    assignment_id: UUID | None
    event: str
    device_time: datetime | None
    counter: int | None
    device: UUID | None
    clock_offset_ms: int | None
    clock_uncertainty_ms: int | None
    received_at: datetime
    order: int
    author_id: UUID | None
    unit: str | None
    source: str
    data: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        for at in (self.device_time, self.received_at):
            if at is not None and at.tzinfo is None:
                raise ValueError("a fact's times need a zone")
        stored: object = self.data
        if not isinstance(stored, Mapping):
            # One such row, stored or sent, must not cost the whole timeline.
            object.__setattr__(self, "data", {})


class Stamped(Protocol):
    """What says when something happened: a fact, or that part of one (see `Fact`)."""

    @property
    def device_time(self) -> datetime | None: ...
    @property
    def clock_offset_ms(self) -> int | None: ...
    @property
    def clock_uncertainty_ms(self) -> int | None: ...
    @property
    def received_at(self) -> datetime: ...
    @property
    def source(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Stamp:
    """The part of a fact that says when it happened."""

    device_time: datetime | None
    clock_offset_ms: int | None
    clock_uncertainty_ms: int | None
    received_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Flag:
    """Something to know about a fact; `code` is one of `codes.FLAGS`."""

    code: str
    fact: UUID
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clock said: the corrected time, its uncertainty (None: unknown), its flags."""

    at: datetime | None
    uncertainty_ms: int | None
    flags: tuple[str, ...]

    @property
    def usable(self) -> bool:
        return self.at is not None and "time_in_future" not in self.flags

    @property
    def trustworthy(self) -> bool:
        """Usable, and the clock is known to be right."""
        return self.usable and not {"clock_suspect", "clock_unmeasured"} & set(self.flags)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How something came. `tapped_at`: by the device's clock less its measured offset, None where
    that is not known or cannot be. `late`: how long after that, None where it came at once or
    nobody can say. `in_doubt`: it would be late by a clock that is not known to be right."""

    tapped_at: datetime | None
    late: timedelta | None
    in_doubt: bool


def in_precedence(facts: Iterable[Fact]) -> list[Fact]:
    """Each fact once, the one that wins last. Depends on the set of facts alone."""
    # The server refuses a second fact of an accepted id; should one come, the first taken stands.
    unique: dict[UUID, Fact] = {}
    for fact in facts:
        known = unique.get(fact.id)
        if known is None or (fact.order, fact.received_at) < (known.order, known.received_at):
            unique[fact.id] = fact

    chains: dict[UUID, list[Fact]] = {}
    keys: dict[UUID, tuple[int, int, int, int]] = {}
    for fact in unique.values():
        if fact.device is None or fact.counter is None:
            keys[fact.id] = (fact.order, 0, fact.order, fact.id.int)
        else:
            chains.setdefault(fact.device, []).append(fact)
    for chain in chains.values():
        chain.sort(key=lambda fact: (fact.counter, fact.order, fact.id.int))
        no_later_than = chain[-1].order
        for place in range(len(chain) - 1, -1, -1):
            fact = chain[place]
            no_later_than = min(no_later_than, fact.order)
            keys[fact.id] = (no_later_than, place, fact.order, fact.id.int)
    return sorted(unique.values(), key=lambda fact: keys[fact.id])


def corrected_time(device_time: datetime | None, clock_offset_ms: int | None) -> datetime | None:
    """The device's time less its measured offset; uncorrected where no offset was measured. None
    where there is none, and at either end of the calendar: a clock that was never set begins there,
    nothing can be reckoned from it, and the city's clock cannot say it."""
    if device_time is None:
        return None
    try:
        at = device_time - timedelta(milliseconds=clock_offset_ms or 0)
    except OverflowError:
        return None
    return at if MINYEAR < at.year < MAXYEAR else None


def reading_of(fact: Stamped, limits: Limits) -> Reading:
    """When the fact happened, as far as its clock can be believed.

    What the server or a person at a desk told happened when the server took it, unless they
    named a time; what CAD or a tablet told without a time has none.
    """
    at = corrected_time(fact.device_time, fact.clock_offset_ms)
    if fact.source in ("desk", "system"):
        at = at or fact.received_at
        return Reading(at, fact.clock_uncertainty_ms or 0, _future(at, fact.received_at, limits))
    uncertainty = fact.clock_uncertainty_ms
    if uncertainty is None and fact.source == "cad":
        uncertainty = _CAD_UNCERTAINTY_MS
    if at is None:
        return Reading(None, uncertainty, ("missing_time",))
    flags: tuple[str, ...] = ()
    limit_ms = limits.clock.total_seconds() * 1000
    if max(abs(fact.clock_offset_ms or 0), uncertainty or 0) > limit_ms:
        flags += ("clock_suspect",)
    if fact.clock_offset_ms is None and fact.source != "cad":
        flags += ("clock_unmeasured",)
    return Reading(at, uncertainty, flags + _future(at, fact.received_at, limits))


def arrival_of(fact: Stamped, limits: Limits) -> Arrival:
    """When it was tapped, and whether it came late.

    A wrong clock makes nothing late: whoever reads that a call for help is old may take it for
    over. So it is late only by a clock that was measured, found right, and leaves no doubt within
    its uncertainty.
    """
    reading = reading_of(fact, limits)
    if reading.at is None or not reading.usable:
        return Arrival(None, None, in_doubt=False)
    took = fact.received_at - reading.at
    if took - timedelta(milliseconds=reading.uncertainty_ms or 0) < LATE:
        return Arrival(reading.at, None, in_doubt=False)
    sure = reading.trustworthy
    return Arrival(reading.at, took if sure else None, in_doubt=not sure)


def stated_reading(at: datetime, received_at: datetime, limits: Limits) -> Reading:
    """A time that a correction states; `received_at` is the correction's."""
    return Reading(at, None, ("time_stated", *_future(at, received_at, limits)))


def _future(at: datetime, received_at: datetime, limits: Limits) -> tuple[str, ...]:
    # Nothing is received before it has happened.
    return ("time_in_future",) if at - received_at > limits.clock else ()
