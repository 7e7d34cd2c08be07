"""What people see with their own eyes, without any computer: who is at the place, who has left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from apps.simulator.tablet.emergency import Banner
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet

BANNER_SECONDS = 12.0
LOOK_SECONDS = 0.25


@dataclass
class Scene:
    """The place of one call. `police` is the call sign of the police unit, "" for none."""

    police: str = ""
    police_arrived: asyncio.Event = field(default_factory=asyncio.Event)
    police_released: asyncio.Event = field(default_factory=asyncio.Event)
    care_arrived: asyncio.Event = field(default_factory=asyncio.Event)
    care_left: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Street:
    """The scenes by CAD event number. `shown` is told of every change of an emergency banner."""

    shown: Callable[[Tablet, Document, Banner], None]
    _scenes: dict[str, Scene] = field(default_factory=dict)

    def scene(self, number: str | None) -> Scene:
        """The scene of a call; a place of its own for a call without a number."""
        return self._scenes.setdefault(number, Scene()) if number else Scene()

    async def watch_banner(self, tablet: Tablet, fact: Document) -> None:
        """Look at the banner of a call for help until somebody has answered, or for 12 s."""
        last = ""
        for _ in range(int(BANNER_SECONDS / LOOK_SECONDS)):
            banner = tablet.emergency_banner(fact)
            if banner.state != last:
                last = banner.state
                self.shown(tablet, fact, banner)
            if last == "acknowledged":
                return
            await asyncio.sleep(LOOK_SECONDS)
