from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from apps.changes import reactions
from apps.changes.services import Event

NOON = datetime(2026, 3, 4, 20, tzinfo=UTC)


def test_reactions_run_in_the_order_of_registration_and_for_their_events_alone() -> None:
    ran = []

    @reactions.reacts_to("order.first", "order.second")
    def one(event: Event, *, now: datetime) -> None:
        ran.append(("one", event.name, now))

    @reactions.reacts_to("order.first")
    def two(event: Event, *, now: datetime) -> None:
        ran.append(("two", event.name, now))

    reactions.run(Event("order.first", UUID(int=1)), now=NOON)
    reactions.run(Event("order.second", UUID(int=1)), now=NOON)
    reactions.run(Event("order.third", UUID(int=1)), now=NOON)

    assert ran == [
        ("one", "order.first", NOON),
        ("two", "order.first", NOON),
        ("one", "order.second", NOON),
    ]
