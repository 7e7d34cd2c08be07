"""What the data of a fact may hold, event by event.

One table serves both questions, so that they cannot disagree: `problems_of` says what is wrong
with the data, and `read` gives a value only where nothing is. A bad detail never costs the fact:
the fact is taken without it, and flagged. Only an unknown event makes a fact unusable. Keys that
the table does not know are left alone: a newer tablet may send them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from apps.assignments import codes

NOTE_LENGTH: Final = 2000
# No call is revised this often; it also keeps the number within the database's integers.
HIGHEST_REVISION: Final = 1_000_000

_CALL_SIGN: Final = re.compile(r"[A-Z0-9][A-Z0-9/_-]{0,15}")
# Decliners are units, never people: keys under which a client might send a person.
_PERSONS: Final = ("officer", "officer_name", "officer_id", "badge", "serial", "name", "names")


@dataclass(frozen=True, slots=True)
class Field:
    """One detail: `reading` gives the value to use, or raises ValueError(what is wrong)."""

    reading: Callable[[object], Any]
    expected: bool = False


def unit_name(value: object) -> str:
    """A call sign in its one spelling (capitals, no blanks around); ValueError if it is none."""
    if not isinstance(value, str):
        raise ValueError("must be a call sign")
    name = value.strip().upper()
    if not _CALL_SIGN.fullmatch(name):
        raise ValueError("must be a call sign of at most 16 letters, digits, '-', '_' or '/'")
    return name


def _numbered_unit(value: object) -> str:
    """A call sign typed by a person: without a digit it may be somebody's name."""
    name = unit_name(value)
    if not any(character.isdigit() for character in name):
        raise ValueError("must be a unit's call sign, with a digit; never a person's name")
    return name


def _one_of(known: Iterable[str]) -> Callable[[object], str]:
    allowed = frozenset(known)

    def reading(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"must be one of {', '.join(sorted(allowed))}")
        return value

    return reading


def _some_of(known: Iterable[str]) -> Callable[[object], tuple[str, ...]]:
    one_of = _one_of(known)

    def reading(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise ValueError("must be a list of at least one code")
        return tuple(dict.fromkeys(one_of(one) for one in value))

    return reading


def _disposition(value: object) -> str:
    if not isinstance(value, str) or value not in codes.DISPOSITION_CODES:
        raise ValueError("must be an APCO disposition, two digits from 01 to 45")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    if len(value) > NOTE_LENGTH:
        raise ValueError(f"must be at most {NOTE_LENGTH} characters")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _revision(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")
    if not 1 <= value <= HIGHEST_REVISION:
        raise ValueError(f"must lie between 1 and {HIGHEST_REVISION}")
    return value


def _uuid(value: object) -> UUID:
    if not isinstance(value, str):
        raise ValueError("must be a UUID")
    try:
        return UUID(value)
    except ValueError:
        raise ValueError("must be a UUID") from None


def _uuids(value: object) -> tuple[UUID, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list of UUIDs")
    return tuple(dict.fromkeys(_uuid(one) for one in value))


def _instant(value: object) -> datetime:
    wrong = ValueError("must be an ISO 8601 time with its zone, such as 2024-05-01T18:03:00Z")
    if not isinstance(value, str):
        raise wrong
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None or not MINYEAR < at.year < MAXYEAR:
            raise wrong  # the second: see `corrected_time`
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong from None


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("must be an object")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError("must be a list of texts")
    return tuple(value)


_ALWAYS: Final = {"note": Field(_text), "call_revision": Field(_revision)}
_ENTRY: Final = {"entry": Field(_one_of(codes.ENTRY_KINDS))}
_AGENCY: Final = Field(_one_of(codes.AGENCIES))
_UNIT: Final = Field(_numbered_unit)

FIELDS: Final[Mapping[str, Mapping[str, Field]]] = MappingProxyType(
    {
        "assigned": _ENTRY,
        "reassigned": {"from_unit": Field(unit_name), "reason": Field(_text)},
        "reopened": {"reason": Field(_text)},
        "opened": {"entry": Field(_one_of(codes.RESPONDER_STARTED), expected=True)},
        "received": {},
        "acknowledged": {},
        "en_route": {},
        "staged": {},
        "on_scene": {},
        "contact_made": {},
        "scene_secured": {"agency": Field(_one_of(codes.SECURED_BY), expected=True), "unit": _UNIT},
        "scene_unsafe": {},
        "police_arrived": {"agency": _AGENCY, "unit": _UNIT},
        "police_released": {
            "agency": _AGENCY,
            "unit": _UNIT,
            "decided_by": Field(_one_of(codes.RELEASE_DECIDED_BY)),
            "care_agreed": Field(_boolean),
        },
        "transporting": {"destination": Field(_text)},
        "arrived_destination": {"destination": Field(_text)},
        "cleared": {"disposition": Field(_disposition, expected=True)},
        "unable_to_locate": {"disposition": Field(_disposition)},
        "cancelled": {
            "by": Field(_one_of(codes.CANCELLED_BY)),
            "disposition": Field(_disposition),
        },
        "declined": {
            "agency": Field(_one_of(codes.AGENCIES), expected=True),
            "unit": _UNIT,
            "reason": Field(_one_of(codes.DECLINE_REASONS), expected=True),
            "disposition": Field(_disposition),
        },
        "assist": {"agency": Field(_one_of(codes.SECURED_BY))},
        "emergency": {},
        "check_in": {},
        "harm": {"kinds": Field(_some_of(codes.HARMS), expected=True), "affected": Field(_uuids)},
        "cad_status": {
            "agency": Field(_one_of(codes.AGENCIES), expected=True),
            # CAD's own list of units: no name of a person can slip in here.
            "unit": Field(unit_name, expected=True),
            "status": Field(_one_of(codes.UNIT_STATUSES), expected=True),
            "eido": Field(_texts),
        },
        "corrected": {
            "corrects": Field(_uuid, expected=True),
            "reason": Field(_one_of(codes.CORRECTION_REASONS), expected=True),
            "time": Field(_instant),
            # Nothing becomes a private report, which others could read as what it was before.
            "event": Field(_one_of(set(codes.EVENTS) - {"corrected"} - codes.PRIVATE)),
            "data": Field(_object),
        },
    }
)


def is_known(event: object) -> bool:
    """Whether a fact of this event can be used at all."""
    return isinstance(event, str) and event in FIELDS


def read(event: str, data: object, name: str) -> Any:
    """The value of one detail, checked and in its one spelling; None if absent or unusable."""
    if not isinstance(data, Mapping):
        return None
    field = FIELDS.get(event, {}).get(name) or _ALWAYS.get(name)
    value = data.get(name)
    if field is None or value is None:
        return None
    try:
        return field.reading(value)
    except ValueError:
        return None


def problems_of(event: str, data: object) -> list[tuple[str, str]]:
    """What is wrong with a fact's data: pairs of JSON pointer and text, [] for nothing.

    The pointers start at the fact ("/data/reason"). The texts never repeat a value: it may name
    a person. An unknown event ("/event") is the only problem for which a fact is rejected.
    """
    if not is_known(event):
        return [("/event", "is not an event that this server knows")]
    if not isinstance(data, Mapping):
        return [("/data", "must be an object")]
    return _problems(event, data, at="/data")


def _problems(event: str, data: Mapping[str, Any], *, at: str) -> list[tuple[str, str]]:
    problems = []
    for name, field in {**FIELDS[event], **_ALWAYS}.items():
        value = data.get(name)
        if value is None:
            if field.expected:
                problems.append((f"{at}/{name}", "is missing"))
            continue
        try:
            field.reading(value)
        except ValueError as wrong:
            problems.append((f"{at}/{name}", str(wrong)))
    inner, place = _of_a_refusal(event, data)
    problems += [
        (f"{at}{place}/{name}", "must not name a person: a unit declines")
        for name in _PERSONS
        if name in inner
    ]
    return problems


def without_persons(event: str, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The data without a person where a unit declined, and what was taken out of them, in the same
    shape. A correction may be one of a refusal."""
    inner, place = _of_a_refusal(event, data)
    named = {name: inner[name] for name in _PERSONS if name in inner}
    if not named:
        return dict(data), {}
    rest = {name: value for name, value in inner.items() if name not in named}
    return ({**data, "data": rest}, {"data": named}) if place else (rest, named)


def _of_a_refusal(event: str, data: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The details of a refusal, or what a correction says of one, and where they stand."""
    if event == "declined":
        return data, ""
    inner = data.get("data") if event == "corrected" else None
    return (inner, "/data") if isinstance(inner, Mapping) else ({}, "")
