from __future__ import annotations

from datetime import datetime

from apps.changes import reactions
from apps.changes.services import Event


def test_reactions_stand_in_the_order_of_registration_and_for_their_events_alone() -> None:
    @reactions.reacts_to("order.first", "order.second")
    def one(event: Event, *, now: datetime) -> None: ...

    @reactions.reacts_to("order.first", must_succeed=True)
    def two(event: Event, *, now: datetime) -> None: ...

    assert [known.react for known in reactions.to("order.first")] == [one, two]
    assert [known.must_succeed for known in reactions.to("order.first")] == [False, True]
    assert [known.react for known in reactions.to("order.second")] == [one]
    assert reactions.to("order.third") == ()


def test_a_reaction_has_a_name_by_which_it_is_found_again() -> None:
    @reactions.reacts_to("order.named")
    def named(event: Event, *, now: datetime) -> None: ...

    [known] = reactions.to("order.named")
    assert known.name.startswith(__name__)
    assert known.name.endswith("named")
