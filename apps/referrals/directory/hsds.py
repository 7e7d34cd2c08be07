"""HSDS 3.0 JSON read into entries: what our columns hold, and all the rest beside it. Pure.

Read are an organisation, a service, a service at a location or a location, whole or nested as the
full examples of the specification have them, a list of such, and a page of the HSDS API
(`contents`). Whatever is named twice is one entry. An entry says what it says: what it leaves out
stays as it is known. Nothing of the input is lost: what no column holds, or cannot, is in `rest`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

import orjson
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.core.problems import FieldError, escape
from apps.referrals.directory import codes, ours

ORGANIZATION: Final = "organization"
LOCATION: Final = "location"
SERVICE: Final = "service"
AT_LOCATION: Final = "service_at_location"


@dataclass
class Entry:
    """One object of HSDS. `values`: columns and what they are to hold; `rest`: all else that was
    said. `links`: the entries that it belongs to, by kind. `pointer` leads to it in the input."""

    id: UUID
    pointer: str
    values: dict[str, Any] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)
    links: dict[str, UUID] = field(default_factory=dict)


@dataclass
class Read:
    """All entries, by kind and id. With `errors` nothing of it is to be used; `doubts` name what is
    kept, but of no use."""

    entries: dict[str, dict[UUID, Entry]] = field(
        default_factory=lambda: {
            kind: {} for kind in (ORGANIZATION, LOCATION, SERVICE, AT_LOCATION)
        }
    )
    errors: list[FieldError] = field(default_factory=list)
    doubts: list[FieldError] = field(default_factory=list)


class _Wrong(Exception):
    """A value cannot be taken; the message says what it must be."""


Parse = Callable[[Any], Any]


def _text(most: int = 100_000) -> Parse:
    def parse(value: Any) -> str:
        if not isinstance(value, str) or "\0" in value:
            raise _Wrong("A text.")
        if len(value) > most:
            raise _Wrong(f"At most {most} characters.")
        return value

    return parse


def _email(value: Any) -> str:
    text = str(_text(254)(value))
    try:
        validate_email(text)
    except ValidationError:
        raise _Wrong("An e-mail address.") from None
    return text


def _one_of(known: Mapping[str, str]) -> Parse:
    def parse(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise _Wrong(f"One of {', '.join(known)}.")
        return value

    return parse


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Wrong("A number.")
    return float(value)


def _age(value: Any) -> float:
    years = _number(value)
    if not 0 <= years <= 150:
        raise _Wrong("Years, from 0 to 150.")
    return years


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise _Wrong("A date, YYYY-MM-DD.") from None


def _objects(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _Wrong("A list of objects.")
    return value


_NAME: Final = _text(300)
_COLUMNS: Final[Mapping[str, Mapping[str, Parse]]] = {
    ORGANIZATION: {
        "name": _NAME,
        "alternate_name": _NAME,
        "description": _text(),
        "email": _email,
        "website": _text(2000),
        "phones": _objects,
    },
    LOCATION: {
        "location_type": _one_of(codes.LOCATION_TYPES),
        "name": _NAME,
        "alternate_name": _NAME,
        "description": _text(),
        "transportation": _text(),
        "latitude": _number,
        "longitude": _number,
        "addresses": _objects,
        "phones": _objects,
        "schedules": _objects,
        "languages": _objects,
        "accessibility": _objects,
    },
    SERVICE: {
        "name": _NAME,
        "alternate_name": _NAME,
        "description": _text(),
        "status": _one_of(codes.STATUSES),
        "url": _text(2000),
        "email": _email,
        "application_process": _text(),
        "wait_time": _text(),
        "fees_description": _text(),
        "interpretation_services": _text(),
        "eligibility_description": _text(),
        "minimum_age": _age,
        "maximum_age": _age,
        "alert": _text(),
        "assured_date": _date,
        "assurer_email": _email,
        "phones": _objects,
        "schedules": _objects,
        "languages": _objects,
    },
    AT_LOCATION: {"description": _text(), "phones": _objects, "schedules": _objects},
}
# What must be there and say something (HSDS: `required`).
_REQUIRED: Final = {
    ORGANIZATION: ("name", "description"),
    LOCATION: ("location_type",),
    SERVICE: ("name", "status"),
    AT_LOCATION: (),
}
# The objects and lists of objects within another one, and their kind.
_CHILDREN: Final[Mapping[str, Mapping[str, str]]] = {
    ORGANIZATION: {"locations": LOCATION, "services": SERVICE},
    LOCATION: {},
    SERVICE: {"organization": ORGANIZATION, "service_at_locations": AT_LOCATION},
    AT_LOCATION: {"service": SERVICE, "location": LOCATION},
}
# An organisation has services, these have places: nothing of HSDS is nested deeper.
_DEEPEST: Final = 20
_FREQUENCIES: Final = frozenset({"WEEKLY", "MONTHLY"})


def columns_of(kind: str) -> Iterable[str]:
    """The names of what our columns hold of a kind: the same here and in HSDS."""
    return _COLUMNS[kind]


def read(payload: Any) -> Read:
    """All that the payload says."""
    found = _Reader()
    if isinstance(payload, dict) and isinstance(payload.get("contents"), list):
        found.each(payload["contents"], "/contents")
    elif isinstance(payload, list):
        found.each(payload, "")
    else:
        found.top(payload, "")
    return found.result


class _Reader:
    def __init__(self) -> None:
        self.result = Read()

    def each(self, payload: list[Any], pointer: str) -> None:
        for place, one in enumerate(payload):
            self.top(one, f"{pointer}/{place}")

    def top(self, one: Any, pointer: str) -> None:
        kind = _kind_of(one)
        if not _storable(one):
            self._wrong(pointer, "It is nested too deep, or a text in it has a zero byte.")
        elif kind is None:
            self._wrong(pointer, "An organisation, a service or a location of HSDS 3.0.")
        else:
            self.entry(kind, one, pointer)

    def entry(self, kind: str, one: Any, pointer: str, **links: UUID) -> UUID | None:
        """Takes an object and all that is within it; its id, or None where it has none."""
        if not isinstance(one, dict) or pointer.count("/") > _DEEPEST:
            self._wrong(pointer, "An object.")
            return None
        id = _uuid(one.get("id"))
        if id is None:
            self._wrong(f"{pointer}/id", "A UUID.")
            return None
        entry = self.result.entries[kind].setdefault(id, Entry(id, pointer))
        entry.links |= links
        for name in _REQUIRED[kind]:
            if one.get(name) in (None, "") and name not in entry.values:
                self._wrong(f"{pointer}/{name}", "Must be there.")
        for name, value in one.items():
            if name == "id":
                continue
            here = f"{pointer}/{escape(name)}"
            if name in _CHILDREN[kind] and value:
                self._children(kind, entry, name, value, here)
            elif name in _COLUMNS[kind] and value not in (None, "", []):
                self._column(kind, entry, name, value, here)
            else:
                entry.rest[name] = value
        self._together(kind, entry, pointer)
        return id

    def _column(self, kind: str, entry: Entry, name: str, value: Any, pointer: str) -> None:
        try:
            entry.values[name] = _COLUMNS[kind][name](value)
        except _Wrong as wrong:
            self._wrong(pointer, str(wrong))
            return
        for place, one in enumerate(value if name == "schedules" else ()):
            if one.get("freq") and one["freq"] not in _FREQUENCIES:
                self._wrong(f"{pointer}/{place}/freq", "WEEKLY or MONTHLY.")
        for place, one in enumerate(value if name == "phones" else ()):
            if not isinstance(one.get("number"), str) or not one["number"]:
                self._wrong(f"{pointer}/{place}/number", "A telephone number, as text.")

    def _children(self, kind: str, entry: Entry, name: str, value: Any, pointer: str) -> None:
        child = _CHILDREN[kind][name]
        if name == child:  # one object: what this one belongs to
            id = self.entry(child, value, pointer)
            if id is not None:
                entry.links[child] = id
            return
        if not isinstance(value, list):
            self._wrong(pointer, "A list of objects.")
            return
        for place, one in enumerate(value):
            self.entry(child, one, f"{pointer}/{place}", **{kind: entry.id})

    def _together(self, kind: str, entry: Entry, pointer: str) -> None:
        """What several fields say together."""
        values = entry.values
        for name in (ORGANIZATION, SERVICE, LOCATION):
            id = _uuid(entry.rest.get(f"{name}_id"))
            if id is not None and name != kind:
                entry.links.setdefault(name, id)
        if kind == LOCATION:
            self._place(entry, pointer)
        if kind == SERVICE:
            least, most = values.get("minimum_age"), values.get("maximum_age")
            if least is not None and most is not None and least > most:
                self._wrong(f"{pointer}/maximum_age", "Not below minimum_age.")
            self._ours(entry, pointer)

    def _place(self, entry: Entry, pointer: str) -> None:
        lat, lon = entry.values.get("latitude"), entry.values.get("longitude")
        if lat is None and lon is None:
            return
        if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:
            self.result.doubts.append(
                FieldError(f"{pointer}/latitude", "No place on earth: kept, and not used.")
            )
            given = {"latitude": lat, "longitude": lon}
            entry.rest |= {name: one for name, one in given.items() if one is not None}
            entry.values |= {"latitude": None, "longitude": None}

    def _ours(self, entry: Entry, pointer: str) -> None:
        attributes = entry.rest.get("attributes")
        if not isinstance(attributes, list):
            return
        told, others = ours.split(attributes)
        for name in ours.unknown(told):
            self._wrong(f"{pointer}/attributes", f"{name} is no code of ours.")
        entry.values |= told
        entry.rest["attributes"] = others

    def _wrong(self, pointer: str, detail: str) -> None:
        self.result.errors.append(FieldError(pointer, detail))


def _storable(one: Any) -> bool:
    """Whether the database takes it as JSON."""
    try:
        return b"\\u0000" not in orjson.dumps(one)
    except orjson.JSONEncodeError:
        return False


def _kind_of(one: Any) -> str | None:
    if not isinstance(one, dict):
        return None
    if "location_type" in one:
        return LOCATION
    if isinstance(one.get("service"), dict) or "service_id" in one:
        return AT_LOCATION
    if one.keys() & {"status", "organization", "service_at_locations", "organization_id"}:
        return SERVICE
    return ORGANIZATION if "id" in one else None


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError):
        return None
