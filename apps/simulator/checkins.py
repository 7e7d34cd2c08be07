"""A crew on scene that is asked whether all is well. Most say so at once.

Where a shift wants it, once in it a crew does not answer, and another has no signal, so that the
desks see both.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from apps.simulator.hand import Hand
from apps.simulator.pace import Pace
from apps.simulator.radio import Radio

LOOK_SECONDS: Final = 0.3
# Real: a tablet that was in contact so lately counts as one that still is.
LAPSE_SECONDS: Final = 50.0
SENT_SECONDS: Final = 5.0

Lapse = Literal["", "does not answer", "has no signal"]


@dataclass
class CheckIns:
    """One crew with its tablets and their radios. `lapse`: what happens to them at their next
    scene, once."""

    call_sign: str
    hands: Sequence[Hand]
    radios: Sequence[Radio]
    pace: Pace
    say: Callable[[str, str], None]
    lapse: Lapse = ""
    _busy: bool = field(default=False, init=False)
    _begun: set[tuple[str, object]] = field(default_factory=set, init=False)

    async def run(self) -> None:
        """Answer what the tablets ask, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                for hand in () if self._busy else self.hands:
                    for ask in hand.asks():
                        key = ask.id, ask.due_at
                        if key not in self._begun:
                            self._begun.add(key)
                            group.create_task(self._answer(hand, ask.id))
                await asyncio.sleep(LOOK_SECONDS)

    async def at_scene(self) -> None:
        """They have arrived. Returns when they go on with their work."""
        lapse, self.lapse = self.lapse, ""
        if not lapse:
            return
        self._busy = True
        self.say("radio", f"{self.call_sign}: on scene, {lapse}")
        try:
            if lapse == "has no signal":
                await self._sent()
                async with asyncio.TaskGroup() as group:
                    for radio in self.radios:
                        group.create_task(radio.dead_zone(LAPSE_SECONDS))
            else:
                await asyncio.sleep(LAPSE_SECONDS)
        finally:
            self._busy = False

    async def _sent(self) -> None:
        """Until the server has what was tapped, or a while has passed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SENT_SECONDS):
                while any(  # noqa: ASYNC110  (many things make it true)
                    hand.tablet.status.outbox.unsent for hand in self.hands
                ):
                    await asyncio.sleep(LOOK_SECONDS)

    async def _answer(self, hand: Hand, id: str) -> None:
        await self.pace.seconds(4, 40)
        if any(ask.id == id for ask in hand.asks()):
            hand.tablet.tap("check_in", id)
