"""The components of an EIDO, found wherever they stand: in their list, by `$ref`, or in place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from apps.dispatch.calls import AlternateValue
from apps.dispatch.wire import Findings, Node, as_nodes, many, step

#: Members that every component has, with nothing for a call in them.
PROLOGUE = (
    "$id",
    "lastUpdateTimeStamp",
    "updatedByAgencyReference",
    "updatedByAgentReference",
    "AlternateValueReferences",
    "alternateValueReferences",
    "@context",
)

#: A place in a list, as a JSON Pointer writes it (RFC 6901, section 4).
_INDEX = re.compile(r"0|[1-9][0-9]{0,6}")


class Document:
    """All objects of an EIDO by their `$id`. A reference and its target are the same `Node`."""

    def __init__(self, root: dict[str, Any], findings: Findings) -> None:
        self.findings = findings
        self.root = Node(root, "", findings)
        self._by_id: dict[str, Node] = {}
        self._by_object: dict[int, Node] = {id(root): self.root}
        self._used: set[int] = set()
        self._alternates: list[Node] = []
        self._index(root, "")

    def _index(self, value: Any, pointer: str) -> None:
        """Note every object with an `$id`; a doubled one counts once, the first."""
        if isinstance(value, list):
            for index, item in enumerate(value):
                self._index(item, step(pointer, index))
        if not isinstance(value, dict):
            return
        node = self._by_object.setdefault(id(value), Node(value, pointer, self.findings))
        name = value.get("$id")
        if isinstance(name, str) and name and pointer:
            if name in self._by_id:
                self.findings.flag("the same $id twice, the first taken", pointer)
            else:
                self._by_id[name] = node
        if "Alternate" in value and "Element" in value:
            self._alternates.append(node)
        for key, item in value.items():
            self._index(item, step(pointer, key))

    def components(self, node: Node, key: str) -> list[Node]:
        """The components of a member, through references, each once."""
        found: dict[int, Node] = {}
        for item in self._targets(node.raw(key), node.at(key)):
            found.setdefault(id(item.value), item)
        for item in found.values():
            item.ignore(*PROLOGUE)
            self._used.add(id(item.value))
        return list(found.values())

    def component(self, node: Node, key: str) -> Node | None:
        """The one component of a member; further ones are kept."""
        found = self.components(node, key)
        for other in found[1:]:
            self.findings.keep(
                other.pointer, other.value, why="several components, the first taken"
            )
        return found[0] if found else None

    def _targets(self, value: Any, pointer: str) -> Iterator[Node]:
        for index, item in enumerate(many(value)):
            place = step(pointer, index) if isinstance(value, list) else pointer
            name = item.get("$ref") if isinstance(item, dict) and "$id" not in item else item
            if isinstance(name, str):
                target = self._resolve(name)
                if target is not None:
                    yield target
                    self._keep_beside(item)
                else:
                    self.findings.keep(place, item, why="reference not found")
            elif isinstance(item, dict):
                yield self._by_object[id(item)]
            else:
                yield from as_nodes(item, place, self.findings)

    def _keep_beside(self, item: object) -> None:
        """What stands beside a `$ref` is kept like all that nobody asks for."""
        if isinstance(item, dict) and len(item) > 1:
            self._by_object[id(item)].ignore("$ref", *PROLOGUE)
            self._used.add(id(item))

    def _resolve(self, name: object) -> Node | None:
        """The target of a reference, through references to references, never round in a circle."""
        seen: set[str] = set()
        while isinstance(name, str) and name not in seen:
            seen.add(name)
            node = self._by_id.get(name)
            if node is None and name.startswith("#/"):
                node = self._by_pointer(name)
            if node is None:
                return None
            if set(node.value) - {"$id"} != {"$ref"}:
                return node
            name = node.value["$ref"]
        return None

    def _by_pointer(self, pointer: str) -> Node | None:
        value: Any = self.root.value
        for part in pointer[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict):
                value = value.get(key)
            elif isinstance(value, list) and _INDEX.fullmatch(key) and int(key) < len(value):
                value = value[int(key)]
            else:
                return None
        return self._by_object.get(id(value)) if isinstance(value, dict) else None

    def having(self, *keys: str) -> list[Node]:
        """Every object that has one of these members, wherever it stands."""
        found = [n for n in self._by_object.values() if any(key in n.value for key in keys)]
        for node in found:
            node.ignore(*PROLOGUE)
            self._used.add(id(node.value))
        return found

    def keep_unread(self) -> None:
        """Keep what nobody asked for in the components that were read."""
        for key, node in self._by_object.items():
            if key in self._used:
                node.keep_unread()

    def reference(self, node: Node, key: str) -> str:
        """The `$id` that a member refers to, found in the message or not."""
        value = next(iter(many(node.raw(key))), None)
        if isinstance(value, dict):
            value = value.get("$ref") or value.get("$id")
        return value if isinstance(value, str) else ""

    def alternates(self) -> tuple[AlternateValue, ...]:
        """Values that others gave for an element, whichever spelling of the schema they use."""
        found = []
        for node in self._alternates:
            component = self.reference(node, "DataComponentReference")
            element = node.text("Element", 120)
            for item in node.nodes("Alternate"):
                # The schema requires Value and TimeStamp but defines OtherValue and Timestamp.
                value = item.raw("OtherValue")
                value = item.raw("Value") if value is None else value
                time_key = "Timestamp" if "Timestamp" in item.value else "TimeStamp"
                found.append(
                    AlternateValue(
                        component=component,
                        element=element,
                        value=value if isinstance(value, str) else orjson.dumps(value).decode(),
                        constituent=item.text("Constituent", 200),
                        at=item.time(time_key),
                    )
                )
            self.findings.flag("alternate values kept", node.pointer)
        return tuple(found)
