"""A call as an incident's row stores it, and back.

What a person could be recognised by lies in the sealed `details`; codes and times lie in plain
columns, where they can be listed and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from apps.dispatch.calls import (
    AlternateValue,
    Call,
    Caution,
    ExclusionHint,
    Extra,
    Location,
    Note,
    ServiceTimes,
)
from apps.dispatch.cji import WITHHELD
from apps.dispatch.merging import Known, Status
from apps.dispatch.models import Incident, IncidentStatus, details

# Columns of Incident, the attribute of Call that each holds, and how much of it fits.
_TEXTS = {
    "priority_text": 40,
    "initial_call_type": 120,
    "final_call_type": 120,
    "common_type": 20,
    "how_received": 60,
    "beat": 10,
}
# Parts of `details`, hazards first, and the values that they are lists of.
_LISTS: Mapping[str, type[Any]] = {
    "cautions": Caution,
    "narrative": Note,
    "alternates": AlternateValue,
    "other_locations": Location,
    "exclusions": ExclusionHint,
    "service_times": ServiceTimes,
    "extras": Extra,
}
_PLAIN = (
    *("address", "premise", "premise_type", "requested_by", "incident_id", "clearance"),
    *("sector", "precinct"),
)
_PLAIN_LISTS = ("statuses", "dispositions")
_TIMES = frozenset(
    {"at", "since", "heard_at", "first_dispatched", "first_on_scene", "last_in_service"}
)
T = TypeVar("T")


def fitted(call: Call) -> Call:
    """The call with coded texts as long as their columns, flagged where something was cut off."""
    cut = {
        name: getattr(call, name)[:limit]
        for name, limit in _TEXTS.items()
        if len(getattr(call, name)) > limit
    }
    flags = tuple(f"cut off, too long: {name}" for name in cut)
    return replace(call, **cut, flags=call.flags + flags) if cut else call


def details_of(known: Known, revisions: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The sealed part of an incident, as JSON holds it. The same knowledge gives the same value."""
    call = known.call
    parts: dict[str, Any] = {name: getattr(call, name) for name in _PLAIN}
    parts |= {name: list(getattr(call, name)) for name in _PLAIN_LISTS}
    parts |= {name: [asdict(one) for one in getattr(call, name)] for name in _LISTS}
    for note in parts["narrative"]:
        del note["ref"]  # see `merging.merge`
    parts |= {
        "location": asdict(call.location) if call.location else None,
        "told": {**known.told},
        "sent_to": known.sent_to,
        "called_at": call.received_at,
        "told_at": call.updated_at,
        "revisions": list(revisions),
    }
    plain: dict[str, Any] = orjson.loads(orjson.dumps(details(**parts), option=orjson.OPT_UTC_Z))
    plain["withheld"] = WITHHELD if withheld_in(plain, columns_of(known)) else ""
    return plain


def withheld_in(stored: Mapping[str, Any], columns: Mapping[str, Any]) -> int:
    """How many passages of criminal history were withheld from what is stored."""
    rest = {name: value for name, value in stored.items() if name != "withheld"}
    return orjson.dumps([rest, columns]).count(WITHHELD.encode())


def columns_of(known: Known) -> dict[str, Any]:
    """The plain columns of an incident that a message decides, its status apart."""
    call = known.call
    columns = {name: getattr(call, name) for name in _TEXTS}
    columns |= {"priority": call.priority, "flags": list(call.flags)}
    # In plain, and so an identifier: one word, and no text.
    columns["tracking_id"] = call.incident_id if len(call.incident_id.split()) == 1 else ""
    if call.received_at:
        columns["occurred_at"] = call.received_at
    return columns


def known_of(incident: Incident) -> Known:
    """What is known of a stored incident, to merge a message into or to apply rules to."""
    plain = details(**incident.details)
    statuses: dict[str, Status] = {
        IncidentStatus.CANCELLED: "cancelled",
        IncidentStatus.CLOSED: "closed",
    }
    texts: dict[str, Any] = {name: getattr(incident, name) for name in _TEXTS}
    texts |= {name: plain[name] for name in _PLAIN}
    texts |= {name: tuple(plain[name]) for name in _PLAIN_LISTS}
    texts |= {name: tuple(_values(kind, plain[name])) for name, kind in _LISTS.items()}
    call = Call(
        cad_number=incident.cad_number or "",
        wire="plain",
        agency_id=incident.agency_id,
        received_at=_time(plain["called_at"]),
        updated_at=_time(plain["told_at"]),
        priority=incident.priority,
        location=_value(Location, plain["location"]) if plain["location"] else None,
        flags=tuple(incident.flags),
        **texts,
    )
    return Known(
        call=call,
        status=statuses.get(incident.status, "active"),
        told={name: _instant(value) for name, value in plain["told"].items()},
        sent_to=tuple(plain["sent_to"]) if plain["sent_to"] else None,
    )


def _values(kind: type[T], stored: Iterable[Mapping[str, Any]]) -> Iterable[T]:
    return (_value(kind, one) for one in stored)


def _value(kind: type[T], stored: Mapping[str, Any]) -> T:
    """One value. What another version of the program stored beside it is left out."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    given = {
        name: _time(value) if name in _TIMES else tuple(value) if isinstance(value, list) else value
        for name, value in stored.items()
        if name in names
    }
    return kind(**given)


def _time(stored: str | None) -> datetime | None:
    return _instant(stored) if stored else None


def _instant(stored: str) -> datetime:
    return datetime.fromisoformat(stored).astimezone(UTC)
