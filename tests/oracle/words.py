"""Words that nobody has typed before, and where they are found again."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from apps.core.ids import uuid7


class Words:
    """The words of one day."""

    def __init__(self) -> None:
        self.mark = uuid7().hex[-6:]
        self._count = 0

    def word(self) -> str:
        self._count += 1
        return f"w{self.mark}x{self._count}"

    def found_in(self, value: Any) -> set[str]:
        """The words of this day in anything."""
        return set(self.all_in(value))

    def all_in(self, value: Any) -> list[str]:
        """Each as often as it stands there."""
        return re.findall(rf"w{self.mark}x\d+", str(value))


def is_uuid(id: str) -> bool:
    try:
        return str(UUID(id)) == id
    except ValueError:
        return False
