"""The kinds of fields that a note is made of. Pure.

One declaration of a field serves all questions about it, so that the answers cannot disagree: its
JSON Schema, the policy by which two people's versions of it are put together, and what is odd about
a value. Nothing is ever refused for its value: what is odd is kept and flagged, and its kind reads
it as blank. Keys that are not declared are left alone: a newer tablet may send them.

Schemas name no codes: a code that an older list does not know must pass an older tablet's
validator. They name the list instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from apps.sync import policies
from apps.sync.policies import Policy


def blank(value: object) -> bool:
    """Whether nothing is told. Blank is unknown, never "no"; `False` and 0 are told."""
    match value:
        case None:
            return True
        case str():
            return not value.strip()
        case list():
            return not value
        case Mapping():
            return all(blank(one) for one in value.values())
        case _:
            return False


def instant(value: object) -> datetime | None:
    """A time with its zone, in UTC; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


class Field(Protocol):
    """One kind of field."""

    @property
    def policy(self) -> Policy: ...

    def schema(self) -> dict[str, Any]: ...

    def flags(self, name: str, value: object) -> Iterator[str]:
        """What is odd about a value that is not null, as flags of `codes.FLAGS`."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the crew."""

    help: str = ""

    @property
    def policy(self) -> Policy:
        return policies.text

    def schema(self) -> dict[str, Any]:
        return _described({"type": ["string", "null"]}, self.help)

    def flags(self, name: str, value: object) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"bad_shape:{name}"


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a list."""

    known: Mapping[str, str]
    code_list: str
    help: str = ""
    taken: Collection[str] = ()

    @property
    def policy(self) -> Policy:
        return policies.scalar

    def schema(self) -> dict[str, Any]:
        return _described({"type": ["string", "null"]}, _of_list(self.code_list, self.help))

    def flags(self, name: str, value: object) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"bad_shape:{name}"
        elif value and value not in self.known and value not in self.taken:
            yield f"unknown_code:{name}"


@dataclass(frozen=True, slots=True)
class Codes:
    """Any number of codes of a list."""

    known: Mapping[str, str]
    code_list: str
    help: str = ""

    @property
    def policy(self) -> Policy:
        return policies.union

    def schema(self) -> dict[str, Any]:
        shape = {"type": ["array", "null"], "items": {"type": "string"}}
        return _described(shape, _of_list(self.code_list, self.help))

    def flags(self, name: str, value: object) -> Iterator[str]:
        if not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            yield f"bad_shape:{name}"
        elif not set(value) <= set(self.known):
            yield f"unknown_code:{name}"


@dataclass(frozen=True, slots=True)
class Time:
    """An instant, ISO 8601 with its zone."""

    help: str = ""

    @property
    def policy(self) -> Policy:
        return policies.scalar

    def schema(self) -> dict[str, Any]:
        return _described({"type": ["string", "null"], "format": "date-time"}, self.help)

    def flags(self, name: str, value: object) -> Iterator[str]:
        if not blank(value) and instant(value) is None:
            yield f"bad_time:{name}"


@dataclass(frozen=True, slots=True)
class YesNo:
    """True or false."""

    help: str = ""

    @property
    def policy(self) -> Policy:
        return policies.scalar

    def schema(self) -> dict[str, Any]:
        return _described({"type": ["boolean", "null"]}, self.help)

    def flags(self, name: str, value: object) -> Iterator[str]:
        if not isinstance(value, bool):
            yield f"bad_shape:{name}"


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number from 0 to `highest`."""

    highest: int
    help: str = ""

    @property
    def policy(self) -> Policy:
        return policies.scalar

    def schema(self) -> dict[str, Any]:
        return _described({"type": ["integer", "null"]}, self.help)

    def flags(self, name: str, value: object) -> Iterator[str]:
        if type(value) is not int or not 0 <= value <= self.highest:
            yield f"bad_shape:{name}"


@dataclass(frozen=True, slots=True)
class Id:
    """The id of another record, which may not be here yet."""

    help: str = ""

    @property
    def policy(self) -> Policy:
        return policies.scalar

    def schema(self) -> dict[str, Any]:
        shape = {"type": ["string", "null"], "format": "uuid", "maxLength": 36}
        return _described(shape, self.help)

    def flags(self, name: str, value: object) -> Iterator[str]:
        try:
            UUID(value if isinstance(value, str) else "")
        except ValueError:
            yield f"bad_shape:{name}"


@dataclass(frozen=True, slots=True)
class Part:
    """Fields that belong together. It is open from when its object is there, even empty."""

    fields: Mapping[str, Field]
    help: str = ""

    @property
    def policy(self) -> Policy:
        return policies.by_field({name: field.policy for name, field in self.fields.items()})

    def schema(self) -> dict[str, Any]:
        shape = {
            "type": ["object", "null"],
            "properties": {name: field.schema() for name, field in self.fields.items()},
            # What an older app does not know is cut off for it, and put back when it answers.
            "additionalProperties": False,
        }
        return _described(shape, self.help)

    def flags(self, name: str, value: object) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"bad_shape:{name}"
            return
        for key, field in self.fields.items():
            if value.get(key) is not None:
                yield from field.flags(f"{name}.{key}", value[key])


def told(field: Field, value: object) -> bool:
    """Whether a value answers its field: there, and readable. Among several codes one that this
    version does not know is an answer too: a newer tablet may know it."""
    if blank(value):
        return False
    if isinstance(field, Codes):
        return isinstance(value, list) and any(isinstance(one, str) and one for one in value)
    return not any(field.flags("", value))


def _described(shape: dict[str, Any], help: str) -> dict[str, Any]:
    return {**shape, "description": help} if help else shape


def _of_list(code_list: str, help: str) -> str:
    of = f"of the code list {code_list}"
    return f"{help}; {of}" if help else of
