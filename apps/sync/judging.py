"""The verdict on a pushed version of a document that people change together. Pure.

In this order, for a version that a local database (`editor`) sends as its save number `edit_no`:

1. A save that this editor has sent before, or an older one: a repeat. Where it says something that
   was never here (the same number with another text, from a tablet that was put back in time; an
   older save that comes late), it changes nothing and is kept.
2. It was typed on the present state, or the present state is the last that this editor sent and is
   only going on from: it holds as it was sent.
3. Otherwise somebody else has changed the document meanwhile: the two are merged field by field.
   The base is the later of the state that the client says it typed on and the last one that this
   editor sent: after a lost answer, the former is too old. Where a client says no state, the last
   one is the base only of a version that names no later revision: one that does was typed on what
   others wrote since, and nobody can say what that was. What is lost in a field that both have
   changed is returned, to be kept and shown.

A content that is equal to an earlier one is no repeat: A, B, A is a normal day. A field that a
version does not name is unknown to its client: it stays as it is, and is never erased.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from apps.sync.canonical import covers, same
from apps.sync.policies import Policy, put_together

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """A document's content and its server revision (0: not known)."""

    content: Content
    rev: int = 0


@dataclass(frozen=True, slots=True)
class Present:
    """The document as it is. `editor` and `edit_no`: the save that it holds as it was sent."""

    content: Content
    rev: int
    editor: str | None = None
    edit_no: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The last save of one editor that was taken. `rev` is the revision that it led to."""

    content: Content
    rev: int
    edit_no: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A pushed version. `assumed` is what its client believes the server holds; `rev` the revision
    that the version itself names, which matters only where there is nothing else to go by."""

    content: Content
    editor: str | None = None
    edit_no: int | None = None
    assumed: State | None = None
    rev: int = 0


class Fate(StrEnum):
    """What becomes of a pushed version."""

    NEW = "new"  # the first of its document
    REPEAT = "repeat"  # here already: nothing is done
    KEPT = "kept"  # changes nothing, and must not be lost
    SAME = "same"  # says what holds already
    APPLIED = "applied"  # holds as it was sent
    MERGED = "merged"  # holds together with what others wrote


@dataclass(frozen=True, slots=True)
class Verdict:
    """`content` is the whole document from now on; None: it stays as it is.

    `lost`: values that no longer stand in the document, by field, and `won`: what stands there.
    """

    fate: Fate
    content: dict[str, Any] | None = None
    lost: Content = field(default_factory=dict)
    won: Content = field(default_factory=dict)


def judge(
    sent: Sent,
    present: Present | None,
    last: Taken | None,
    *,
    told_before: bool,
    policies: Mapping[str, Policy],
) -> Verdict:
    """The verdict; see the module. `told_before`: this very save, with this content, is known."""
    if last is not None and sent.edit_no is not None and sent.edit_no <= last.edit_no:
        if told_before or present is None:
            return Verdict(Fate.REPEAT)
        return _kept(sent, present, last)
    if present is None:
        return Verdict(Fate.NEW, dict(sent.content))
    if covers(present.content, sent.content):
        return Verdict(Fate.SAME)
    if _typed_on_present(sent, present, last):
        return Verdict(Fate.APPLIED, {**present.content, **sent.content})
    base = _base(sent, last)
    if base is None or base.rev > present.rev:  # of a time that this server was put back from
        return _without_base(sent, present, policies)
    return _merge(base.content, sent.content, present.content, policies)


def _typed_on_present(sent: Sent, present: Present, last: Taken | None) -> bool:
    if sent.assumed is not None and _is_base(sent.assumed.content, sent, present):
        return True
    return last is not None and last.rev == present.rev and _is_base(last.content, sent, present)


def _is_base(base: Content, sent: Sent, present: Present) -> bool:
    """Whether the present state is what was typed on. What the base does not name was empty when it
    was typed on: somebody who has filled it since is not written over."""
    filled = (name for name in sent.content if name not in base)
    return covers(present.content, base) and all(
        present.content.get(name) is None for name in filled
    )


def _base(sent: Sent, last: Taken | None) -> State | None:
    since = sent.rev if sent.assumed is None else sent.assumed.rev
    if last is None or last.rev < since:
        return sent.assumed
    known = State(last.content, last.rev)
    return known if sent.assumed is None or known.rev > since else sent.assumed


def _kept(sent: Sent, present: Present, last: Taken) -> Verdict:
    """What it says that stands neither in the document nor in the later save of the same editor."""
    lost = {
        name: value
        for name, value in sent.content.items()
        if not same(present.content.get(name), value) and not same(last.content.get(name), value)
    }
    won = {name: present.content.get(name) for name in lost}
    return Verdict(Fate.KEPT, lost=lost, won=won)


def _without_base(sent: Sent, present: Present, policies: Mapping[str, Policy]) -> Verdict:
    """Nobody can say what it was typed on: the server was put back in time, or two tablets began
    the same document. The later one of one history wins as a whole: the higher revision, then the
    higher save of the same editor. Otherwise fields are put together as far as that goes."""
    rev = max(sent.rev, sent.assumed.rev if sent.assumed else 0)
    later = rev > present.rev or (
        rev == present.rev
        and sent.editor is not None
        and sent.editor == present.editor
        and (sent.edit_no or 0) > (present.edit_no or 0)
    )
    if not later:
        return _merge(None, sent.content, present.content, policies)
    lost = {
        name: present.content[name]
        for name, value in sent.content.items()
        if not same(present.content.get(name), value) and present.content.get(name) is not None
    }
    won = {name: sent.content[name] for name in lost}
    return Verdict(Fate.APPLIED, {**present.content, **sent.content}, lost, won)


def _merge(
    base: Content | None, mine: Content, current: Content, policies: Mapping[str, Policy]
) -> Verdict:
    """Field by field. `base` None: not known."""
    content, lost = put_together(base, mine, current, policies)
    won = {name: content.get(name) for name in lost}
    return Verdict(Fate.MERGED, content, lost, won)
