"""What the played responders hear ring, and what they make of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.followups.schemas import EVENT
from apps.simulator.hand import Hand
from apps.simulator.pace import Pace
from apps.simulator.rounds import Rounds
from apps.simulator.tablet.device import stamp
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet
from apps.sync.fitting import fit
from tests.unit.simulator.test_crew import Nowhere

OFF = timedelta(hours=3)
ME = "01931f00-0000-7c3a-9a51-0d7a8f4b2c01"
ID = "01931fa1-1a2b-7c3a-9a51-0d7a8f4b2ca1"


@pytest.fixture
def hand() -> Iterator[Hand]:
    """A responder whose tablet's clock is three hours ahead, and that knows it."""
    tablet = Tablet(
        label="A",
        base_url="http://server",
        path=":memory:",
        link=Nowhere(),
        dice=random.Random(1),
        clock_offset=OFF,
    )
    tablet.store.signed_in(ME)
    yield Hand(tablet)
    tablet.store.close()


def comes(hand: Hand, collection: str, document: Document) -> None:
    """The tablet is shown a document."""
    store = hand.tablet.store
    prev = store.checkpoint(collection)
    assert store.take(
        collection, [document], prev=prev, checkpoint=f"{prev}+", at=hand.tablet.device.now()
    )
    for listener in hand.tablet.heard:
        listener(hand.tablet, collection, [document])


def learns_the_time(hand: Hand) -> None:
    off = OFF / timedelta(milliseconds=1)
    mine = {"editor": str(hand.tablet.store.instance), "clock_offset_ms": off}
    comes(hand, "facts", {"id": "fact", **mine})


def due(in_seconds: float, **more: Any) -> Document:
    at = stamp(datetime.now(UTC) + timedelta(seconds=in_seconds))
    rings = [{"level": 1, "at": at}]
    return {"id": ID, "state": "open", "occasion": 1, "level": 0, "rings": rings, **more}


def test_a_tablet_whose_clock_is_hours_off_rings_on_time(hand: Hand) -> None:
    assert not hand.knows_the_time
    learns_the_time(hand)
    assert hand.knows_the_time
    comes(hand, "follow_ups", due(3600))
    assert not hand.bell().rings
    comes(hand, "follow_ups", due(-1))
    assert [ring.id for ring in hand.bell().rings] == [ID]


def test_what_rings_on_a_call_is_heard_when_it_is_over(hand: Hand) -> None:
    learns_the_time(hand)
    comes(hand, "follow_ups", due(-1))
    comes(hand, "assignments", {"id": "call", "state": "en_route"})
    assert hand.bell().sounds
    hand.tablet.tap("on_scene", "call")
    assert not hand.bell().sounds
    hand.tablet.tap("cleared", "call")
    assert hand.bell().sounds


def test_what_is_told_here_counts_at_once(hand: Hand) -> None:
    learns_the_time(hand)
    comes(hand, "follow_ups", due(-1))
    hand.tell(ID, "acknowledged", occasion=1)
    assert not hand.bell().rings
    hand.tell(ID, "attempted", result="reached")
    assert hand.opened(ID).done


def test_a_crew_answers_what_rings_and_goes_there_once(hand: Hand) -> None:
    learns_the_time(hand)
    comes(hand, "follow_ups", due(-1))
    told = asyncio.run(answers(hand))
    assert [fact["event"] for fact in told] == ["acknowledged", "attempted"]
    assert [fit(fact, EVENT)[1] for fact in told] == [{}, {}]  # else the server flags them


def test_one_that_was_begun_here_offline_is_answered_too(hand: Hand) -> None:
    learns_the_time(hand)
    hand.tablet.save("follow_ups", {"id": ID, "item": "check_24h", "find": []})
    comes(hand, "follow_ups", due(-1))
    assert "occasion" not in (hand.shown(ID) or {})
    assert asyncio.run(answers(hand))[0]["event"] == "acknowledged"


def test_one_that_is_forgotten_waits_for_the_supervisors(hand: Hand) -> None:
    learns_the_time(hand)
    forgotten = {"id": "00000000-0000-7000-8000-00000000000c"}
    comes(hand, "follow_ups", due(-1, **forgotten))
    assert asyncio.run(answers(hand)) == []
    comes(hand, "follow_ups", due(-1, **forgotten, level=3))
    assert asyncio.run(answers(hand))


async def answers(hand: Hand) -> list[Document]:
    """What a crew tells of it, for whom no time passes and nothing unusual happens."""

    class Usual(Pace):
        def happens(self, probability: float) -> bool:
            return False

    told: list[Document] = []
    hand.tablet.typed.append(lambda tablet, document: told.append(document))
    dice = random.Random(1)
    rounds = Rounds([hand], Usual(1e9, dice), dice, lambda *sentence: None)
    async with asyncio.TaskGroup() as group:
        rounds._look(hand, group)
        rounds._look(hand, group)
    return [fact for fact in told if "event" in fact]
