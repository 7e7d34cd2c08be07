"""What becomes of one field that two people have changed: policies that a collection names.

Each takes the value that both started from (`UNKNOWN` where nobody can say), the one that is pushed
and the present one, and gives the one that holds from now on. `clash`: the pushed value is not in
it, so it has to be kept and shown. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import inf
from time import monotonic
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
    """A set, written as a list: what either added is in it, once, what either took out is not."""
    if not (isinstance(mine, list) and isinstance(current, list)):
        return scalar(base, mine, current)
    before = {canonical(one) for one in base} if isinstance(base, list) else set()
    here = {canonical(one) for one in mine}
    there = {canonical(one) for one in current}
    kept = [one for one in current if canonical(one) in here or canonical(one) not in before]
    added = {canonical(one): one for one in mine if canonical(one) not in there | before}
    return Merged([*kept, *added.values()])


def append_only(base: Any, mine: Any, current: Any) -> Merged:
    """A list that only grows, whose items are known by `id` where they have one. Of an item that
    both have, each field is a single value of its own: whoever corrects one item does not contend
    with who adds another."""
    if not (isinstance(mine, list) and isinstance(current, list)):
        return scalar(base, mine, current)
    before = {_name(one): one for one in base} if isinstance(base, list) else {}
    ours = {_name(one): one for one in mine}
    items, clash = [], False
    for one in current:
        if same(own := ours.get(name := _name(one), one), one):
            items.append(one)
            continue
        merged = _by_value(before.get(name, UNKNOWN), own, one)
        items.append(merged.value)
        clash = clash or merged.clash
    return Merged(_grown(items, mine), clash)


def _grown(items: list[Any], more: list[Any]) -> list[Any]:
    """The items, and behind them those of the others whose names they do not have."""
    names = {_name(one) for one in items}
    return [*items, *(one for one in more if _name(one) not in names)]


def put_back(
    values: Mapping[str, Any], present: Mapping[str, Any], policies: Mapping[str, Policy]
) -> dict[str, Any]:
    """Values of before, to stand in a document again. What was added since to a list that only
    grows stays in it, behind the items of before as they were written then."""

    def put(name: str, value: Any) -> Any:
        since = present.get(name)
        if policies.get(name) is not append_only or not isinstance(since, list):
            return value
        return _grown(value or [], since) if isinstance(value or [], list) else value

    return {name: put(name, value) for name, value in values.items()}


def by_field(policies: Mapping[str, Policy]) -> Policy:
    """An object, each of its fields on its own by the policy that is named for it, as a single
    value otherwise. As in a document, a field that the pushed one does not name stays as it is."""

    def merge(base: Any, mine: Any, current: Any) -> Merged:
        if not (isinstance(mine, Mapping) and isinstance(current, Mapping)):
            return scalar(base, mine, current)
        before = base if isinstance(base, Mapping) else None
        value, lost = put_together(before, mine, current, policies)
        return Merged(value, clash=bool(lost))

    return merge


_by_value = by_field({})


def put_together(
    base: Mapping[str, Any] | None,
    mine: Mapping[str, Any],
    current: Mapping[str, Any],
    policies: Mapping[str, Policy],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two versions of several fields: what holds, and what of mine is lost. `base` None: not
    known."""
    content, lost = dict(current), {}
    for name, value in mine.items():
        present = current.get(name)
        before = UNKNOWN if base is None else base.get(name)
        if same(value, present) or (before is not UNKNOWN and same(value, before)):
            continue
        if before is not UNKNOWN and same(present, before):
            content[name] = value
            continue
        merged = policies.get(name, scalar)(before, value, present)
        content[name] = merged.value
        if merged.clash:
            lost[name] = value
    return content, lost


# For both differences of a text. One that takes longer to find is found coarser: then more is a
# clash, nothing is wrong.
_DIFF_SECONDS = 0.2
# For those of all texts of a transaction.
TRANSACTION_SECONDS: Final = 2.0
_until: ContextVar[float] = ContextVar("until", default=inf)
# Characters. No document has a longer text; what a client says that it typed on can be anything.
_LONGEST = 64 * 1024
# A word, spaces, a line break, a sign: what two people can change apart.
_WORD = re.compile(r"\n|\w+|[^\w\s]|[^\S\n]+")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """All texts that are merged inside have so long together: whoever sends hundreds of texts that
    have little in common keeps no thread for minutes. One within another has no longer than it."""
    set_before = _until.set(min(monotonic() + seconds, _until.get()))
    try:
        yield
    finally:
        _until.reset(set_before)


def text(base: Any, mine: Any, current: Any) -> Merged:
    """A text, word by word: what either changed is changed, where the two did not touch the same
    words; otherwise the present text stays, and mine is kept beside it. What both have added at one
    place stands there one after the other."""
    if not (isinstance(base, str) and isinstance(mine, str) and isinstance(current, str)):
        return scalar(base, mine, current)
    if len(base) > _LONGEST:
        return Merged(current, clash=True)
    codes: dict[str, str] = {}
    before = _encoded(base, codes)
    until = min(monotonic() + _DIFF_SECONDS, _until.get())
    ours, theirs = (_changes(before, _encoded(one, codes), until) for one in (mine, current))
    merged = _together(before, ours, theirs)
    if merged is None:
        return Merged(current, clash=True)
    words = {code: word for word, code in codes.items()}
    return Merged("".join(words[code] for code in merged))


@dataclass(frozen=True, slots=True)
class _Change:
    """`text` stands in place of the words from `start` to `end` of the base."""

    start: int
    end: int
    text: str

    def touches(self, other: _Change) -> bool:
        """Whether neither can be made without spoiling the other."""
        return self.start < other.end and other.start < self.end


def _encoded(value: str, codes: dict[str, str]) -> str:
    """A text with one sign for each word, the same in all texts that share `codes`."""
    return "".join(codes.setdefault(word, chr(0x10000 + len(codes))) for word in _words(value))


def _words(value: str) -> list[str]:
    return _WORD.findall(value)


def _changes(base: str, other: str, until: float) -> list[_Change]:
    differ = diff_match_patch()
    # Its guess at half a text in common looks at each place of one that says the same again and
    # again, whatever time is left.
    differ.diff_halfMatch = lambda one, other: None
    differ.Diff_Timeout = max(until - monotonic(), 0.001)  # 0 would be without end
    found: list[_Change] = []
    at = start = 0
    put = ""
    for kind, part in [*differ.diff_main(base, other, False), (differ.DIFF_EQUAL, "")]:
        if kind == differ.DIFF_EQUAL:
            if at > start or put:
                found.append(_Change(start, at, put))
            start = at = at + len(part)
            put = ""
        elif kind == differ.DIFF_DELETE:
            at += len(part)
        else:
            put += part
    return found


def _together(base: str, ours: list[_Change], theirs: list[_Change]) -> str | None:
    """The base with both lists of changes made; None where two of them touch the same words."""
    fresh = [change for change in ours if change not in theirs]
    if any(one.touches(other) for one in fresh for other in theirs):
        return None
    # At one place theirs comes first; what only adds comes before what replaces.
    steps = [(change.start, change.end, 0, change) for change in theirs]
    steps += [(change.start, change.end, 1, change) for change in fresh]
    parts, at = [], 0
    for *_, change in sorted(steps, key=lambda step: step[:3]):
        parts += [base[at : change.start], change.text]
        at = max(at, change.end)
    return "".join([*parts, base[at:]])


def _blank(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _name(item: Any) -> bytes:
    return canonical(item["id"] if isinstance(item, dict) and "id" in item else item)
