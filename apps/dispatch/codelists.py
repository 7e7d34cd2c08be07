"""The code lists that tablets are given (collection `reference`, kind `code_list`).

An app above this one registers its lists at start-up; `manage.py load_reference` publishes all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID, uuid5

from apps.dispatch import reference

_NAMESPACE = UUID("6f0f4a1e-58a1-4b7e-9a3e-2f6f1c9d7b10")
Items = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class CodeList:
    """A list by name. Each item has at least `code`; `items` is called when it is published."""

    name: str
    source: str
    items: Callable[[], Items]

    @property
    def id(self) -> UUID:
        """The same in every deployment, so that loading twice changes nothing."""
        return _id_of(self.name)

    def body(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "kind": "code_list",
            "name": self.name,
            "source": self.source,
            "items": [dict(item) for item in self.items()],
        }


_registered: dict[str, CodeList] = {}
_retired: dict[str, UUID] = {}


def register_code_list(code_list: CodeList) -> None:
    """Makes a list known. ValueError for a name that is taken."""
    if code_list.name in _registered:
        raise ValueError(f"Code list {code_list.name} is registered twice.")
    _registered[code_list.name] = code_list


def retire_code_list(name: str) -> None:
    """Has tablets drop a list that they were given once: what it told is told in another way. Its
    name is not used again; ValueError for one that is."""
    if name in _registered:
        raise ValueError(f"Code list {name} is in use.")
    _retired[name] = _id_of(name)


def retired_code_lists() -> list[UUID]:
    """The documents of the lists that tablets are to drop."""
    return list(_retired.values())


def code_lists() -> list[CodeList]:
    """All lists, by name."""
    return sorted(_registered.values(), key=lambda code_list: code_list.name)


def _id_of(name: str) -> UUID:
    return uuid5(_NAMESPACE, name)


def _shipped(name: str, load: Callable[[], Mapping[str, Any]]) -> None:
    register_code_list(
        CodeList(name, reference.source(name), lambda: [asdict(item) for item in load().values()])
    )


_shipped("beats", reference.beats)
_shipped("call_types", reference.call_types)
_shipped("clearances", reference.clearances)
_shipped("common_types", reference.common_types)
_shipped("dispositions", reference.dispositions)
_shipped("incident_statuses", reference.incident_statuses)
_shipped("priorities", reference.priorities)
_shipped("unit_statuses", reference.unit_statuses)
