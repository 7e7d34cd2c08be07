"""A crew that follows people up: what rings on their tablets, who takes it, and what they try.

They go by what their own tablets ring (`tablet.ringing`): with or without a network, and not while
they are on a call. Whoever answers has it; the other tablet has nothing to ring for then. A few are
forgotten by everybody until the supervisors have heard of it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from apps.simulator import meetings
from apps.simulator.asking import Wrote, a_place, marked
from apps.simulator.hand import FOLLOW_UPS, Hand
from apps.simulator.pace import Pace
from apps.simulator.tablet.device import stamp
from apps.simulator.tablet.store import Document

LOOK_SECONDS: Final = 0.4
# The level at which the supervisors know.
MISSED: Final = 3
SNOOZE: Final = 0.12
# What a try comes to, and how often.
RESULTS: Final = {
    "reached": 50,
    "not_reached": 20,
    "left_word": 12,
    "wrong_place": 6,
    "declined": 8,
    "in_hospital": 4,
}
# After these somebody is looked for elsewhere.
MOVED: Final = frozenset({"left_word", "wrong_place"})


@dataclass
class Rounds:
    """One crew. `days`: how fast the days go by. `at_work`: follow-ups that they have in hand."""

    hands: Sequence[Hand]
    days: Pace
    dice: random.Random
    wrote: Wrote
    at_work: int = field(default=0, init=False)
    _resting: bool = field(default=False, init=False)
    _begun: set[tuple[str, int]] = field(default_factory=set, init=False)

    def rest(self) -> None:
        """Whatever rings from now on is left to others."""
        self._resting = True

    async def run(self) -> None:
        """Answer what rings, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                if not self._resting:
                    for hand in self.hands:
                        self._look(hand, group)
                await asyncio.sleep(LOOK_SECONDS)

    def _look(self, hand: Hand, group: asyncio.TaskGroup) -> None:
        if not hand.knows_the_time:
            return
        bell = hand.bell()
        for ring in bell.rings if bell.sounds else ():
            came = hand.follow_ups[ring.id]  # what is typed over it may say less
            if hand.shown(ring.id) is None:
                del hand.follow_ups[ring.id]
            elif not (is_forgotten(came) and came["level"] < MISSED):
                key = ring.id, came["occasion"]
                if key not in self._begun:
                    self._begun.add(key)
                    self.at_work += 1
                    group.create_task(self._follow_up(hand, ring.id))

    async def _follow_up(self, hand: Hand, id: str) -> None:
        try:
            await self.days.hours(0.2, 3)
            if not any(ring.id == id for ring in hand.bell().rings):
                return  # somebody was quicker
            if self.days.happens(SNOOZE):
                hand.tell(id, "snoozed", until=stamp(hand.now() + self.days.span(2, 6)))
                return
            hand.tell(id, "acknowledged")
            await self.days.hours(0.5, 4)
            shown = hand.shown(id)
            if shown is not None and not hand.opened(id).done:
                await self._try(hand, shown)
        finally:
            self.at_work -= 1

    async def _try(self, hand: Hand, shown: Document) -> None:
        """They go there."""
        id = shown["id"]
        result = self.dice.choices(list(RESULTS), list(RESULTS.values()))[0]
        words: dict[str, Any] = {}
        if self.days.happens(0.5):
            words["note"] = marked(self.dice.choice(meetings.TRIED))
        if result == "not_reached" and self.days.happens(0.4):
            again = hand.now() + self.days.span(4, 12)
            words["next_from"] = stamp(again)
            words["next_until"] = stamp(again + self.days.span(4, 8))
        if result in MOVED:
            words["where"] = marked(self.dice.choice(meetings.PLACES)[0])
        fact = hand.tell(id, "attempted", result=result, way=shown.get("way") or "visit", **words)
        for told in words.keys() & {"note", "where"}:
            self.wrote("facts", fact["id"], words[told])
        if result in MOVED:
            self._add_place(hand, id)
        if result == "in_hospital":
            await self.days.hours(6, 12)
            hand.tell(id, "resumed")

    def _add_place(self, hand: Hand, id: str) -> None:
        """Somebody there knew where else to look: whoever has the follow-up keeps that in it."""
        known = hand.shown(id)
        if known is not None and known.get("owner_id") == hand.tablet.store.author:
            found = [*(known.get("find") or ()), a_place(self.dice, self.wrote, id)]
            hand.tablet.save(FOLLOW_UPS, {**known, "find": found})


def is_forgotten(came: Document) -> bool:
    """Whether this is one of those, in its first window, that nobody answers in time: one in
    twelve."""
    return came["occasion"] == 1 and UUID(came["id"]).int % 12 == 0
