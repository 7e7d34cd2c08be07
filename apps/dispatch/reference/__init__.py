"""Reference data of dispatch: code lists and rules, as JSON files with their source beside them.

Every file is `{"source": "...", "items": [...]}`. The loaders read a file once and return it typed,
keyed by code. Mappings between lists that are the project's own say so in their source.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

_FOLDER = Path(__file__).parent
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class CallType:
    """A call type string of the local CAD. `label` are the words for it in a text."""

    code: str
    common_type: str
    nemsis_code: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class CommonType:
    """An incident type of APCO 2.103.2-2019."""

    code: str
    description: str
    label: str


@dataclass(frozen=True, slots=True)
class Beat:
    """A police beat, by letter of its sector and number."""

    code: str
    sector: str
    sector_name: str
    precinct: str
    pilot_area: str


@dataclass(frozen=True, slots=True)
class Code:
    """A code with its meaning."""

    code: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class UnitStatusCode:
    """A unit status of EIDO. `rank` is primary or secondary; `used` if it matters to CARE."""

    code: str
    rank: str
    used: bool
    description: str


@dataclass(frozen=True, slots=True)
class Priority:
    """A local priority with EIDO's common priority, 0 to 10, 10 highest."""

    code: str
    description: str
    common_priority: int


@dataclass(frozen=True, slots=True)
class Clearance:
    """How the local CAD closed an event. `cancels` if it says that nobody was to go on."""

    code: str
    disposition: str
    cancels: bool


def load(name: str) -> dict[str, Any]:
    """The file of that name, as it stands."""
    document: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return document


def source(name: str) -> str:
    """Where a list comes from, in words."""
    return str(load(name)["source"])


@cache
def call_types() -> Mapping[str, CallType]:
    """Call type strings of Seattle's CAD, initial and final."""
    return _keyed("call_types", CallType)


@cache
def common_types() -> Mapping[str, CommonType]:
    """Incident types of APCO 2.103.2-2019, the older enumeration's included."""
    return _keyed("common_types", CommonType)


@cache
def beats() -> Mapping[str, Beat]:
    """The 51 beats of the Seattle Police Department."""
    return _keyed("beats", Beat)


@cache
def dispositions() -> Mapping[str, Code]:
    """The 45 disposition codes of APCO 1.111.2-2018."""
    return _keyed("dispositions", Code)


@cache
def incident_statuses() -> Mapping[str, Code]:
    """EIDO's common incident statuses."""
    return _keyed("incident_statuses", Code)


@cache
def unit_statuses() -> Mapping[str, UnitStatusCode]:
    """EIDO's primary and secondary unit statuses."""
    return _keyed("unit_statuses", UnitStatusCode)


@cache
def priorities() -> Mapping[str, Priority]:
    """Priorities of the Seattle Police Department."""
    return _keyed("priorities", Priority)


@cache
def clearances() -> Mapping[str, Clearance]:
    """Event clearance descriptions of Seattle's Call Data, by their upper-case text."""
    return _keyed("clearances", Clearance)


def call_type(text: str) -> CallType | None:
    """The call type that a CAD string names, whatever its spacing, case and `--` before it."""
    return call_types().get(plain_type(text))


def plain_type(text: str) -> str:
    """A call type string without the `--` that Call Data puts before final types."""
    return _SPACES.sub(" ", text.strip().removeprefix("--")).strip().upper()


def common_type_of(*types: str) -> str:
    """The common type of the first CAD string that has one; "" where none has."""
    for text in types:
        known = call_type(text)
        if known and known.common_type:
            return known.common_type
    return ""


def common_priority(text: str) -> int | None:
    """EIDO's common priority for a local one."""
    known = priorities().get(text.strip())
    return known.common_priority if known else None


def _keyed(name: str, kind: type[Any]) -> Mapping[str, Any]:
    """Items by code. Strings of a CAD are looked up in upper case with single spaces."""
    items = [kind(**item) for item in load(name)["items"]]
    if kind in (CallType, Clearance):
        return MappingProxyType({_SPACES.sub(" ", item.code).upper(): item for item in items})
    return MappingProxyType({item.code: item for item in items})
