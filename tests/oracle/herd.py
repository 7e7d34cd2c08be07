"""A crowd of sockets, all killed at once: in the long form alone."""

from __future__ import annotations

from apps.simulator.radio import CLEAR
from tests.oracle import faults
from tests.oracle.contact import Contact, running, until
from tests.oracle.day import busy_rule, which
from tests.oracle.held import Held

SOCKETS_A_TABLET = 8  # the server allows no more
HERD_SECONDS = 300.0


class Herd(Contact):
    """Comes once on its day."""

    @busy_rule(lambda day: day.herds and day.crowd, n=which)
    def herd(self, n: int) -> None:
        """Everybody of a crowd is on a socket, and all sockets are killed in one moment. What is
        written then comes to everybody, poked or not."""
        self._come(n)

    def end_the_day(self) -> None:
        if self.herds and self.crowd:
            self._come(0)
        super().end_the_day()

    def _come(self, n: int) -> None:
        self.herds = False
        crowd = [
            held
            for place in range(self.crowd // SOCKETS_A_TABLET)
            for held in self.world.bystanders(self._person(place), SOCKETS_A_TABLET)
        ]
        self.world.run(self._killed(n, crowd), HERD_SECONDS)
        for held in crowd:
            self.world.run(held.close())

    async def _killed(self, n: int, crowd: list[Held]) -> None:
        async with running(crowd, CLEAR):
            await until(lambda: all(held.client.live_since for held in crowd))
            for held in crowd:
                held.radio.cut_sockets()
            await self.world.ask(lambda: self._publish(n, poked=False))
            await self._complete(crowd)
        self.happened[faults.HERD] += 1
