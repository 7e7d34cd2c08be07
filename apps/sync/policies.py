"""What becomes of one field that two people have changed: policies that a collection names.

Each takes the value that both started from (`UNKNOWN` where nobody can say), the one that is pushed
and the present one, and gives the one that holds from now on. `clash`: the pushed value is not in
it, so it has to be kept and shown. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from diff_match_patch import diff_match_patch

from apps.sync.canonical import canonical, same


class Unknown:
    """The type of `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Merged:
    """The value that holds, and whether the pushed one is lost from it."""

    value: Any
    clash: bool = False


Policy = Callable[[Any, Any, Any], Merged]


def scalar(base: Any, mine: Any, current: Any) -> Merged:
    """One value. What others have seen already stays; the pushed one is kept beside it. Where
    nobody knows the base, something stands against nothing without a clash."""
    if base is UNKNOWN and _blank(current):
        return Merged(mine)
    if base is UNKNOWN and _blank(mine):
        return Merged(current)
    return Merged(current, clash=True)


def union(base: Any, mine: Any, current: Any) -> Merged:
    """A set, written as a list: what either added is in it, what either took out is not."""
    if not (isinstance(mine, list) and isinstance(current, list)):
        return scalar(base, mine, current)
    before = {canonical(one) for one in base} if isinstance(base, list) else set()
    here = {canonical(one) for one in mine}
    there = {canonical(one) for one in current}
    kept = [one for one in current if canonical(one) in here or canonical(one) not in before]
    added = [one for one in mine if canonical(one) not in there | before]
    return Merged([*kept, *added])


def append_only(base: Any, mine: Any, current: Any) -> Merged:
    """A list that only grows, whose items are known by `id` where they have one. An item that two
    people wrote differently under one id is a clash."""
    if not (isinstance(mine, list) and isinstance(current, list)):
        return scalar(base, mine, current)
    present = {_name(one): one for one in current}
    clash = any(not same(present.get(_name(one), one), one) for one in mine)
    return Merged([*current, *(one for one in mine if _name(one) not in present)], clash)


# The context that a change must find again, letter by letter, in the other text.
_CONTEXT = 24
# A difference that takes longer to find is found coarser: then more is a clash, nothing is wrong.
_DIFF_SECONDS = 0.2


def text(base: Any, mine: Any, current: Any) -> Merged:
    """A text. The changes from base to mine are made in the present text, where each finds its
    surroundings unchanged; otherwise the present text stays, and mine is kept beside it."""
    if not (isinstance(base, str) and isinstance(mine, str) and isinstance(current, str)):
        return scalar(base, mine, current)
    merger = diff_match_patch()
    merger.Diff_Timeout = _DIFF_SECONDS
    merger.Match_Threshold = 0.0
    merger.Patch_DeleteThreshold = 0.0
    merger.Patch_Margin = _CONTEXT
    patches = merger.patch_make(base, mine)
    value, made = merger.patch_apply(patches, current)
    return Merged(value) if all(made) else Merged(current, clash=True)


def _blank(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _name(item: Any) -> bytes:
    return canonical(item["id"] if isinstance(item, dict) and "id" in item else item)
