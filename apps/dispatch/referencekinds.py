"""The kinds of documents in the collection `reference`: the same for everyone who is signed in.

An app registers its kinds at start-up, in its `sync.py`. One collection for all of them, because a
client can open only about a dozen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.changes.services import Document
from apps.sync.registry import Collection

REFERENCE: Final = "reference"


@dataclass(frozen=True)
class ReferenceKind:
    """A kind by its name. `properties` are those of its documents, beside `id` and `kind`;
    `documents` gives all that there are now, for `manage.py load_reference`."""

    name: str
    properties: Mapping[str, Any]
    documents: Callable[[], Iterable[Document]]


_registered: dict[str, ReferenceKind] = {}


def register_reference_kind(kind: ReferenceKind) -> None:
    """Makes a kind known. ValueError for a name that is taken, and for a property that another kind
    has with another shape: clients see the properties of all kinds side by side."""
    if kind.name in _registered:
        raise ValueError(f"Kind of reference {kind.name} is registered twice.")
    for other in _registered.values():
        shared = kind.properties.keys() & other.properties.keys()
        if apart := sorted(n for n in shared if kind.properties[n] != other.properties[n]):
            raise ValueError(f"{kind.name} and {other.name} differ on {', '.join(apart)}.")
    _registered[kind.name] = kind


def unregister_reference_kind(name: str) -> None:
    """Takes a kind away again. For tests that bring their own."""
    del _registered[name]


def reference_kinds() -> list[ReferenceKind]:
    """All kinds, by name."""
    return sorted(_registered.values(), key=lambda kind: kind.name)


class Reference(Collection):
    """Its schema is that of the kinds registered so far."""

    def published_schema(self, version: int | None = None) -> dict[str, Any]:
        base = super().published_schema(version)
        kinds = reference_kinds()
        named = {"kind": {"type": "string", "enum": [kind.name for kind in kinds]}}
        found = {name: shape for kind in kinds for name, shape in kind.properties.items()}
        return {**base, "properties": {**base["properties"], **named, **found}}
