from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from apps.sync.push import Row
from tests.factories import NOON, EnrolledTablet
from tests.integration.assignments.conftest import World, committed_world, world
from tests.pushing import pushed

__all__ = ["Writer", "committed_world", "world", "writer"]

_saves = itertools.count(1)


class Writer:
    """Documents typed on tablets of the world, pushed as they come."""

    def __init__(self, world: World) -> None:
        self.world = world

    def save(
        self,
        collection: str,
        id: UUID | str,
        *,
        by: EnrolledTablet | None = None,
        now: datetime = NOON,
        assumed: dict[str, Any] | None = None,
        **fields: Any,
    ) -> list[dict[str, Any]]:
        """One save; the push's answer: [] for "taken as it was sent"."""
        by = by or self.world.ours.tablets[0]
        document = {
            **(assumed or {}),
            "id": str(id),
            **fields,
            "editor": str(by.instance),
            "edit_no": next(_saves),
        }
        row = Row(document["id"], document, assumed)
        return pushed(by, collection, [row], commits=self.world.commit, now=now)


@pytest.fixture
def writer(world: World) -> Writer:
    return Writer(world)
