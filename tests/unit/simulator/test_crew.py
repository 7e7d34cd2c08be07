"""What the played responders do with their tablets, where it matters that people do it so."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle

from apps.simulator.asking import Asking
from apps.simulator.care import Care
from apps.simulator.crew import Crew
from apps.simulator.hand import Hand
from apps.simulator.pace import Pace
from apps.simulator.paperwork import Paperwork
from apps.simulator.street import Street
from apps.simulator.tablet.emergency import Banner
from apps.simulator.tablet.socket import Connection
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet
from tests.unit.simulator.scripted import Scripted

AT_HAND = 0.7  # how often the first tablet is the one at hand
EMERGENCY = 0.015


@dataclass(frozen=True)
class Troubled(Pace):
    """No time passes, every call is an emergency, and the two tablets are at hand in turn."""

    turns: Iterator[bool] = field(default_factory=lambda: cycle((True, False)))

    def happens(self, probability: float) -> bool:
        return next(self.turns) if probability == AT_HAND else probability == EMERGENCY


class Nowhere:
    """A tablet's link that is never used."""

    transport = Scripted()

    def dial(self, url: str, headers: dict[str, str], /) -> AbstractAsyncContextManager[Connection]:
        raise AssertionError


def test_whoever_calls_for_help_looks_at_their_own_tablet() -> None:
    dice = random.Random(1)
    tablets = [
        Tablet(
            label=label,
            base_url="http://server",
            path=":memory:",
            link=Nowhere(),
            dice=dice,
            clock_offset=timedelta(hours=hours),
        )
        for label, hours in (("A", 0), ("B", 3))
    ]

    async def first_look() -> tuple[Tablet, Document, Banner]:
        seen: asyncio.Future[tuple[Tablet, Document, Banner]] = asyncio.Future()
        street = Street(lambda *look: seen.done() or seen.set_result(look))
        pace = Troubled(1e9, dice)
        papers = Paperwork(tablets, pace, dice, lambda *sentence: None)
        asking = Asking([Hand(tablet) for tablet in tablets], pace, dice, papers.wrote)
        care = Care("CARE21", pace, dice)
        crew = Crew("CARE21", tablets, street, pace, dice, papers, care, asking)
        working = asyncio.create_task(crew.run())
        try:
            async with asyncio.timeout(60):
                return await seen
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working

    tablet, fact, banner = asyncio.run(first_look())
    assert fact in tablet.store.documents("facts")
    assert banner.state == "sending"
