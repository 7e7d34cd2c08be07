"""Kinds of facts that are acted on whoever is signed in, or nobody: calls for help.

Their handler is called with `contact.session.user` None where the author is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

IsUrgent = Callable[[Mapping[str, Any]], bool]

_kinds: dict[str, IsUrgent] = {}


def register_urgent(kind: str, is_urgent: IsUrgent) -> None:
    """Makes known which facts of a kind are calls for help. ValueError for a kind that has one."""
    if kind in _kinds:
        raise ValueError(f"Kind of fact {kind} has its calls for help registered twice.")
    _kinds[kind] = is_urgent


def unregister_urgent(kind: str) -> None:
    """Takes it away again. For tests that bring their own."""
    del _kinds[kind]


def is_urgent(document: Mapping[str, Any]) -> bool:
    """Whether a fact is a call for help."""
    found = _kinds.get(str(document.get("kind")))
    return found is not None and found(document)
