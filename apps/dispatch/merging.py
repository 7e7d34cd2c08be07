"""What is known of a call after every message so far, whatever the order in which they came.

Pure: values in, values out. Every value remembers when it was told, so a message that was overtaken
on its way adds what nobody has told since and overwrites nothing newer. Cautions, notes and values
that others gave are only ever added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

from apps.dispatch.calls import (
    AlternateValue,
    Call,
    Caution,
    ExclusionHint,
    Extra,
    Location,
    Note,
    UnitOnCall,
    in_order,
)
from apps.dispatch.cautions import carried, gathered, plain
from apps.dispatch.hazards import stated_cautions
from apps.dispatch.pidf import distance_m
from apps.dispatch.wire import MAX_FLAGS

Status = Literal["active", "cancelled", "closed"]
Point = tuple[float, float]

#: A later message replaces these; one that does not speak of them leaves them as they are.
REPLACED = (
    *("incident_id", "received_at", "initial_call_type", "final_call_type", "common_type"),
    *("priority_text", "priority", "how_received", "statuses", "dispositions", "clearance"),
    *("address", "location", "other_locations", "premise", "premise_type"),
    *("beat", "sector", "precinct", "service_times", "requested_by"),
)
#: A sender's clock may be this far ahead of ours before its times are not used.
AHEAD = timedelta(minutes=15)
#: Kinds of caution that ask the crew for a new acknowledgement when they are added.
GRAVE = ("weapon", "violence")
#: Kinds of location that say how a call came, not where somebody is to go.
NOT_THE_PLACE = frozenset({"RoutingLocation", "TowerLocation", "UnitLocation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A call as it stands. `told`: when each value, and the status, was told last. `sent_to`: the
    point (degrees, latitude first) that the crew was sent to, from which moves are measured."""

    call: Call
    status: Status = "active"
    told: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    sent_to: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known after a message. `material` names what the crew must acknowledge anew."""

    known: Known
    material: tuple[str, ...] = ()


def nothing_yet(call: Call) -> Known:
    """What is known of an incident before its first message: its number."""
    return Known(call=Call(cad_number=call.cad_number, wire=call.wire, agency_id=call.agency_id))


def merge(known: Known, told: Call, *, far_m: float, now: datetime) -> Outcome:
    """Takes one message in. The same message again changes nothing.

    A message counts as of the CAD's own `updated_at`, or of `now` where it states none. A place
    that moves by more than `far_m` metres is another place.
    """
    at = told.updated_at or now
    dated = told.updated_at is not None
    times = dict(known.told)
    flags = list(told.flags)
    changes: dict[str, Any] = {}
    for name in REPLACED:
        new, old = _value(known.call, told, name), getattr(known.call, name)
        if _is_blank(new) and not (name == "common_type" and _tells_type(told)):
            continue
        if new == old:
            if dated:
                times[name] = max(at, times.get(name, at))
        elif name not in times or at >= times[name]:
            changes[name], times[name] = new, at
        else:
            flags.append(f"older value not taken: {name}")
    stated = [*told.cautions, *stated_cautions(told.exclusions)]
    cautions, added = gathered(known.call.cautions, stated, now=now)
    hints = _hints(known, told, at, times)
    status = _status(known, told, at, times, flags, dated=dated)
    address = changes.get("address", known.call.address)
    alternates = _alternates(
        known.call.alternates,
        [*told.alternates, *_other_addresses(known, told, changes)],
        address=address,
    )
    call = replace(
        known.call,
        **changes,
        updated_at=max(at, known.call.updated_at or at) if dated else known.call.updated_at,
        cautions=cautions,
        narrative=_notes(known.call.narrative, told.narrative, times),
        exclusions=hints,
        alternates=alternates,
        extras=_extras(known, told, at, times),
        flags=_flags(known.call.flags, flags),
    )
    call = _at_its_address(call, times)
    material = _material(known, call, told, added, far_m=far_m)
    sent_to = known.sent_to or point(known.call.location) or point(call.location)
    if not {"address", "location"}.isdisjoint(material):
        sent_to = point(call.location)
    return Outcome(
        known=Known(call=call, status=status, told=times, sent_to=sent_to), material=material
    )


def plausible(call: Call, *, now: datetime) -> Call:
    """The call without times that lie in the future, each flagged.

    A time that a clock set wrong has put an hour ahead would make every later message look
    overtaken; without it the message counts as of its arrival.
    """
    limit = now + AHEAD
    changes: dict[str, Any] = {
        name: None for name in ("updated_at", "received_at") if (getattr(call, name) or now) > limit
    }
    flags = [f"time in the future, not used: {name}" for name in changes]
    units = tuple(_without_future(unit, limit) for unit in call.units)
    if units != call.units:
        flags.append("time in the future, not used: unit status")
    if not flags:
        return call
    return replace(call, **changes, units=units, flags=(*call.flags, *flags))


def _without_future(unit: UnitOnCall, limit: datetime) -> UnitOnCall:
    statuses = tuple(
        replace(one, at=None) if one.at and one.at > limit else one for one in unit.statuses
    )
    return unit if statuses == unit.statuses else replace(unit, statuses=statuses)


def carry(target: Call, source: Call, *, of: str) -> tuple[Call, tuple[str, ...]]:
    """The call that another (of the incident with the id `of`) was merged into, with that one's
    cautions and notes.

    Also what the crew must acknowledge anew.
    """
    cautions, added = gathered(target.cautions, carried(source.cautions, of=of))
    merged = replace(
        target, cautions=cautions, narrative=_notes(target.narrative, source.narrative, {})
    )
    return merged, tuple(sorted({c.kind for c in added if c.kind in GRAVE}))


def placed(known: Known) -> Call:
    """The call as rules look at it: without what was said of the premises before the address
    changed. That may be of the former one, and a street is no proof that nobody lives here."""
    call, told = known.call, known.told
    if "address" not in told or not any(one.element == "address" for one in call.alternates):
        return call
    changed_at = told["address"]
    return replace(
        call,
        premise="" if told.get("premise", changed_at) < changed_at else call.premise,
        premise_type="" if told.get("premise_type", changed_at) < changed_at else call.premise_type,
    )


def heir(source: Call, cad_number: str, agency_id: str, *, of: str, incident_id: str = "") -> Call:
    """The call that takes another's place (of the incident with the id `of`) before any message of
    its own has come: as much of the other as is about place, people and danger."""
    return replace(
        source,
        cad_number=cad_number,
        agency_id=agency_id,
        incident_id=incident_id,
        updated_at=None,
        dispositions=(),
        clearance="",
        statuses=(),
        extras=(),
        cautions=carried(source.cautions, of=of),
        flags=("known only from another incident",),
    )


def _is_blank(value: Any) -> bool:
    return value is None or value in ("", ())


def _tells_type(told: Call) -> bool:
    """A message with a call type that stands for no standard type tells that there is none."""
    return bool(told.initial_call_type or told.final_call_type)


def _value(known: Call, told: Call, name: str) -> Any:
    new = getattr(told, name)
    if name == "location" and new is not None and known.location is not None:
        return _fuller(known.location, new)
    if name == "address" and _same(new, known.address):
        return known.address
    return new


def _fuller(old: Location, new: Location) -> Location:
    """The new location; where it is the same place, with what only the old one knew of it."""
    if not _same(old.address, new.address):
        return new
    names = [name for name in Location.__dataclass_fields__ if name not in ("kind", "at")]
    if new.lat is not None:
        names = [name for name in names if name not in ("lon", "uncertainty_m", "method")]
    gaps = {name: getattr(old, name) for name in names if _is_blank(getattr(new, name))}
    return replace(
        new, **gaps, at=old.at if _place(old) == _place(replace(new, **gaps)) else new.at
    )


def _at_its_address(call: Call, times: Mapping[str, datetime]) -> Call:
    """The call without the coordinates of an address that does not hold any more. Some CADs change
    the address alone, and geocode it later: whoever goes by the map would go to the former one."""
    place = call.location
    if place is None or not place.address or not call.address:
        return call
    told = [times[name] for name in ("location", "address") if name in times]
    if len(told) < 2 or told[0] >= told[1] or _is_part(place.address, call.address):
        return call
    return replace(call, location=Location(kind=place.kind, address=call.address, at=place.at))


def _is_part(one: str, other: str) -> bool:
    """Whether they are one place, of which one only tells more (a flat, a town)."""
    short, long = sorted((f"{plain(one)} ", f"{plain(other)} "), key=len)
    return long.startswith(short)


def _place(location: Location) -> tuple[Any, ...]:
    return location.lat, location.lon, plain(location.address), location.url


def _same(one: str, other: str) -> bool:
    return plain(one) == plain(other)


def _notes(
    old: tuple[Note, ...], new: tuple[Note, ...], told: dict[str, datetime]
) -> tuple[Note, ...]:
    """All notes in order. The same words at the same time are one note, and so are the same words
    under the same name: some CADs write the time of the message on all that it restates. `told` has
    the time under which each named note is known."""
    times: dict[str, set[datetime | None]] = {}
    for note in old:
        times.setdefault(note.text, set()).add(note.at)
    fresh = []
    for note in new:
        seen = times.setdefault(note.text, set())
        name = f"note {note.ref}"
        if note.ref and told.get(name, note.at) != note.at and told[name] in seen:
            continue
        if note.ref and note.at is not None:
            told[name] = note.at
        if note.at in seen or (seen and note.at is None):
            continue
        seen.add(note.at)
        fresh.append(note)
    return in_order((*old, *fresh)) if fresh else old


def _hints(
    known: Known, told: Call, at: datetime, times: dict[str, datetime]
) -> tuple[ExclusionHint, ...]:
    found = {hint.name: hint for hint in known.call.exclusions}
    for hint in told.exclusions:
        name = f"exclusion {hint.name}"
        if hint.name not in found or at >= times.get(name, at):
            if found.get(hint.name) != hint or told.updated_at is not None:
                times[name] = at
            found[hint.name] = hint
    return tuple(found.values())


def _status(
    known: Known,
    told: Call,
    at: datetime,
    times: dict[str, datetime],
    flags: list[str],
    *,
    dated: bool,
) -> Status:
    status = told_status(told)
    if status is None:
        return known.status
    before = times.get("status")
    if before is not None and at < before:
        if status != known.status:
            flags.append("older value not taken: status")
        return known.status
    if before is None or status != known.status or dated:
        times["status"] = at
    return status


def told_status(told: Call) -> Status | None:
    """The status that a message tells; None where it tells none."""
    if any(merge.kind == "REPLACED" for merge in told.merges):
        return None  # an end that it tells is the end of its number, not of the incident
    events: dict[str, Status] = {"cancel": "cancelled", "close": "closed", "reopen": "active"}
    if told.event in events:
        return events[told.event]
    if "Cancelled" in told.statuses:
        return "cancelled"
    if "Closed" in told.statuses:
        return "closed"
    return "active" if told.statuses else None


def _other_addresses(known: Known, told: Call, changes: Mapping[str, Any]) -> list[AlternateValue]:
    """The address that held until now, or one that came too late: shown beside the present one."""
    if not known.call.address or _same(told.address, known.call.address) or not told.address:
        return []
    if "address" in changes:
        value, at = known.call.address, known.told.get("address")
    else:
        value, at = told.address, told.updated_at
    return [AlternateValue(component="incident", element="address", value=value, at=at)]


def _alternates(
    old: tuple[AlternateValue, ...], new: Iterable[AlternateValue], *, address: str
) -> tuple[AlternateValue, ...]:
    """All other values; an address that holds again is no other one."""
    found = {(one.component, one.element, one.value): one for one in old}
    for one in new:
        found.setdefault((one.component, one.element, one.value), one)
    found.pop(("incident", "address", address), None)
    return tuple(found.values())


def _extras(
    known: Known, told: Call, at: datetime, times: dict[str, datetime]
) -> tuple[Extra, ...]:
    found = {extra.pointer: extra for extra in known.call.extras}
    newer = at >= times.get("extras", at)
    for extra in told.extras:
        if newer or extra.pointer not in found:
            found[extra.pointer] = extra
    if told.extras and newer and (told.updated_at or tuple(found.values()) != known.call.extras):
        times["extras"] = at
    return tuple(found.values())


def _flags(old: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*old, *new)))[:MAX_FLAGS]


def _material(
    known: Known, after: Call, told: Call, added: Iterable[Caution], *, far_m: float
) -> tuple[str, ...]:
    before = known.call
    words: set[str] = {caution.kind for caution in added if caution.kind in GRAVE}
    was = {hint.name for hint in before.exclusions if hint.answer == "yes"}
    words |= {
        hint.name
        for hint in after.exclusions
        if hint.answer == "yes" and hint.name in GRAVE and hint.name not in was
    }
    if not _same(before.address, after.address):
        words.add("address")
    moved = (before.location is None) != (after.location is None) or (
        before.location is not None
        and after.location is not None
        and _place(before.location) != _place(after.location)
    )
    told_so = "NewLocation" in after.statuses and "NewLocation" in told.statuses
    if told_so and ("NewLocation" not in before.statuses or moved):
        words.add("location")
    start = known.sent_to or point(before.location)
    if is_far(start, point(after.location), far_m) or _first_place(before, after):
        words.add("location")
    return tuple(sorted(words))


def point(location: Location | None) -> Point | None:
    """The coordinates of a place that somebody can be sent to; None where there are none."""
    if location is None or location.kind in NOT_THE_PLACE:
        return None
    if location.lat is None or location.lon is None:
        return None
    return location.lat, location.lon


def is_far(one: Point | None, other: Point | None, far_m: float) -> bool:
    """Whether two points lie more than so many metres apart. Small steps of a caller who walks, or
    of a geocoder that jitters, are no move until they come to as much from where the crew was sent.
    """
    return one is not None and other is not None and distance_m(*one, *other) > far_m


def _first_place(before: Call, after: Call) -> bool:
    """Coordinates for a call of which nobody knew where it is. Those of a known address only say
    the same place otherwise."""
    return (
        not before.address and point(before.location) is None and point(after.location) is not None
    )
