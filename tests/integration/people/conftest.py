from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from apps.accounts.auth import session_of
from apps.sync import registry
from apps.sync.push import Row, push
from apps.sync.registry import Contact
from tests.factories import NOON, EnrolledTablet
from tests.integration.assignments.conftest import World, committed_world, world

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
        known = registry.get(collection)
        assert known
        contact = Contact(session_of(by.tablet), by.instance, 0, 50)
        row = Row(document["id"], document, assumed)
        answers = push(collection=known, contact=contact, rows=[row], now=now)
        self.world.commit()
        return [orjson.loads(answer) for answer in answers]


@pytest.fixture
def writer(world: World) -> Writer:
    return Writer(world)
