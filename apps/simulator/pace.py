"""How fast the shift is played: durations of the work are divided, the clock is never moved."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Pace:
    """`scale` 30: a minute of the work takes two seconds."""

    scale: float
    dice: random.Random

    async def seconds(self, least: float, most: float) -> None:
        """Let this many seconds of the work pass."""
        await asyncio.sleep(self.dice.uniform(least, most) / self.scale)

    async def minutes(self, least: float, most: float) -> None:
        """Let this many minutes of the work pass."""
        await self.seconds(least * 60, most * 60)

    async def hours(self, least: float, most: float) -> None:
        """Let this many hours of the work pass."""
        await self.seconds(least * 3600, most * 3600)

    def span(self, least: float, most: float) -> timedelta:
        """So many hours of the work, by the clock."""
        return timedelta(hours=self.dice.uniform(least, most) / self.scale)

    def happens(self, probability: float) -> bool:
        return self.dice.random() < probability
