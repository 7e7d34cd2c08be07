"""What a crew asks whoever they have met: whether they may come again, and where to find them.

Most agree, some refuse, some are not asked. Who agrees says where and when they are found. That is
typed into the follow-up that the plan will make, under the id that tablet and server work out
alike, with or without a network. Some are promised something: that follow-up is made by hand.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from apps.core.ids import uuid7
from apps.followups.ids import follow_up_id
from apps.people.ids import encounter_id
from apps.simulator import meetings
from apps.simulator.hand import FOLLOW_UPS, Hand
from apps.simulator.pace import Pace
from apps.simulator.tablet.device import stamp
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet

Wrote = Callable[[str, str, str], None]

# The line of the plan that comes with the product which everybody has who was met.
ITEM: Final = "check_24h"
AGREE: Final = 0.7
REFUSE: Final = 0.12
TELLS_WHERE: Final = 0.6
PROMISED: Final = 0.2


@dataclass
class Asking:
    """One crew. `days`: how fast the days go by; `wrote` is told every sentence, with the document
    that it is in."""

    hands: Sequence[Hand]
    days: Pace
    dice: random.Random
    wrote: Wrote

    def ask(self, tablet: Tablet, assignment: str) -> None:
        """Whether they may look after them again."""
        hand = next(hand for hand in self.hands if hand.tablet is tablet)
        encounter = encounter_id(UUID(assignment))
        here = {"assignment_id": assignment, "encounter_id": str(encounter)}
        answer = self.dice.random()
        if answer < AGREE:
            self._says(hand, here, "agreed", meetings.AGREED)
            if self.days.happens(TELLS_WHERE):
                self._tells_where(hand, here, str(follow_up_id(encounter, ITEM)))
            if self.days.happens(PROMISED):
                self._promise(hand, here)
        elif answer < AGREE + REFUSE:
            self._says(hand, here, "refused", meetings.REFUSED)

    def _says(self, hand: Hand, here: Document, basis: str, sentences: Sequence[str]) -> None:
        id, words = str(uuid7()), marked(self.dice.choice(sentences))
        hand.tablet.save(
            "facts",
            {
                "id": id,
                "kind": "follow_up_agreement",
                **here,
                "basis": basis,
                "ways": ["visit"],
                "words": words,
                "device_time": stamp(hand.tablet.device.now()),
            },
        )
        self.wrote("facts", id, words)

    def _tells_where(self, hand: Hand, here: Document, id: str) -> None:
        known = hand.shown(id) or {"id": id, **here, "item": ITEM, "purpose": "check_in"}
        found = [*(known.get("find") or ()), a_place(self.dice, self.wrote, id)]
        hand.tablet.save(FOLLOW_UPS, {**known, "way": "visit", "find": found})

    def _promise(self, hand: Hand, here: Document) -> None:
        """They bring something, or go along somewhere: a follow-up by hand."""
        id, purpose = str(uuid7()), self.dice.choice(("basic_needs", "appointment"))
        start = hand.now() + self.days.span(8, 30)
        note = marked(self.dice.choice(meetings.PROMISES))
        hand.tablet.save(
            FOLLOW_UPS,
            {
                "id": id,
                **here,
                "purpose": purpose,
                "way": "visit",
                "first_from": stamp(start),
                "first_until": stamp(start + self.days.span(8, 12)),
                "find": [a_place(self.dice, self.wrote, id)],
                "note": note,
            },
        )
        self.wrote(FOLLOW_UPS, id, note)


def a_place(dice: random.Random, wrote: Wrote, id: str) -> dict[str, Any]:
    """Where and when somebody is found, for the follow-up of this id."""
    place, hours, who = dice.choice(meetings.PLACES)
    place = marked(place)
    wrote(FOLLOW_UPS, id, place)
    return {"id": str(uuid7()), "place": place, "hours": hours, "who": who, "note": None}


def marked(words: str) -> str:
    """A sentence with a mark that tells it from all others."""
    return f"{words} ({uuid7().hex[-10:]})"
