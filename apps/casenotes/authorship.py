"""Who wrote which part, when two responders write one note. Pure.

The history keeps each save with its author; this is its sum, field by field, worked out as saves
come, so that nobody has to open hundreds of them to show a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.sync.canonical import same

Content = Mapping[str, Any]


def changed_parts(before: Content, after: Content) -> list[str]:
    """The fields that differ, in the order of the note; within an object `part.field`.

    >>> changed_parts({"narrative": "x"}, {"narrative": "xy", "minor": {"age": 16}})
    ['narrative', 'minor.age']
    """
    return list(dict.fromkeys(_changed(before, after)))


def _changed(before: Content, after: Content) -> Iterator[str]:
    for name in (*after, *(name for name in before if name not in after)):
        old, new = before.get(name), after.get(name)
        if same(old, new):
            continue
        if isinstance(new, Mapping) and isinstance(old, Mapping | None):
            inner = list(_changed(old or {}, new))
            yield from (f"{name}.{key}" for key in inner)
            if inner:
                continue
        yield name


def credited(parts: Sequence[str], fresh: Sequence[str]) -> list[str]:
    """An author's parts with those of a further save."""
    return list(dict.fromkeys([*parts, *fresh]))
