"""Codes as people read them, where figures are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from apps.assignments.codes import CLOSINGS, DECLINE_REASONS
from apps.casenotes.models import RecordKind
from apps.dispatch.models import Agency, EntryKind

_PARTS: Final[Mapping[str, str]] = {
    **{kind.value: kind.label for kind in EntryKind},
    **{kind.value: kind.label for kind in RecordKind},
    **{name: name.replace("_", " ") for name in CLOSINGS},
    "none": "none",
    "called_off": "called off",
    "by_others": "by others",
}


def part(name: str) -> str:
    """A part of a figure."""
    return _PARTS.get(name, name)


def declined(name: str) -> str:
    """`agency:reason` in words."""
    agency, _, reason = name.partition(":")
    who = Agency(agency).label if agency in Agency.values else agency
    return f"{who}: {DECLINE_REASONS.get(reason, reason) or 'no reason told'}"
