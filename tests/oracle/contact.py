"""Tablets in contact: one request after the other, all at once, on sockets, over a bad radio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from hypothesis import strategies as st

from apps.simulator.radio import CLEAR, Conditions
from tests.oracle import faults
from tests.oracle.day import Day, busy_rule, which
from tests.oracle.held import LOST, NO_FRAMES, POOR, SOME_FRAMES, Held

STORM_SECONDS = 0.4
LOOK_SECONDS = 0.05
FRAMES = {"all": CLEAR, "some": SOME_FRAMES, "none": NO_FRAMES}


class Contact(Day):
    """Rules for what goes over the radio."""

    @busy_rule(who=which, poisoned=st.integers(0, 6))
    def push(self, who: int, poisoned: int) -> None:
        held = self._held(who)
        if poisoned:
            self._scribble(held, who)
            self._poison(held, poisoned)
        if self.world.is_shut(held):
            self.world.is_turned_away(held)
        else:
            self.world.push_all(held)

    @busy_rule(who=which)
    def pull(self, who: int) -> None:
        held = self._held(who)
        if not self.world.is_shut(held):
            self.world.pull(held)

    @busy_rule(who=which, n=which)
    def meet(self, who: int, n: int) -> None:
        """Everything, both ways; then it holds what it may, and nothing else."""
        self._meet(self._held(who), n)

    @busy_rule(who=which, how=st.sampled_from(("push", "round trip")))
    def lose_the_answer(self, who: int, how: str) -> None:
        """The server takes what is pushed; nobody hears of it."""
        held = self._held(who)
        held.radio.conditions = LOST
        once = {
            "push": held.client.replication.push_once,
            "round trip": held.client.round_trip.once,
        }
        self.world.attempt(held, once[how])
        held.radio.conditions = CLEAR

    @busy_rule(who=which)
    def send_photos(self, who: int) -> None:
        held = self._held(who)
        if not self.world.is_shut(held):
            self.world.send_photos(held)

    @busy_rule(who=which)
    def restart_the_app(self, who: int) -> None:
        self.world.run(self._held(who).restart())

    @busy_rule(who=which)
    def update_the_app(self, who: int) -> None:
        held = self._held(who)
        holds = any(held.store.checkpoint(name) for name in held.rooms.collections)
        self.happened[faults.UPDATED] += holds and held.schema < held.rooms.today
        held.schema = held.rooms.today
        self.world.run(held.restart())

    @busy_rule(who=which, n=which, fields=st.lists(st.integers(0, 6), min_size=1, max_size=4))
    def storm(self, who: int, n: int, fields: list[int]) -> None:
        """All tablets at once over a bad radio, with sockets that are cut, a dead zone and a link
        that stalls, while one types on and a supervisor works."""
        held, elsewhere = self._held(who), self._held(n)
        with self.world.meanwhile(lambda: self._supervise(n)):
            self.world.run(self._storm(held, n, fields, elsewhere))
        self.world.calm()

    async def _storm(self, held: Held, n: int, fields: list[int], elsewhere: Held) -> None:
        async with running(self.world.held, POOR):
            for field in fields:
                elsewhere.radio.lose_coverage()
                held.radio.stall()
                await asyncio.sleep(STORM_SECONDS / len(fields) / 2)
                self._scribble(held, n, field)
                held.radio.flow()
                await asyncio.sleep(STORM_SECONDS / len(fields) / 2)
                elsewhere.radio.regain_coverage()
                self._cut(self.world.held)

    @busy_rule(first=which, second=which)
    def at_the_same_moment(self, first: int, second: int) -> None:
        """Two push at once, one of them twice, while a supervisor works."""
        one, other = self._held(first), self._held(second)
        for held in (one, other):
            self._scribble(held, second)
        shut = any(self.world.is_shut(held) for held in (one, other))
        self.happened[faults.AT_ONCE] += one is not other and not shut

        async def both() -> None:
            await asyncio.gather(
                *(held.client.replication.push_once() for held in (one, other, one)),
                return_exceptions=True,
            )

        with self.world.meanwhile(lambda: self._supervise(first)):
            self.world.run(both())

    def end_the_day(self) -> None:
        """Before the evening is judged everybody has listened: every day, and at its worst. After
        it somebody has a tablet's token: it is answered nothing any more."""
        self.world.calm()
        held = self.world.let_in[0]
        self.world.run(self._listen(held, 0, SOME_FRAMES, poked=True))
        self.world.run(self._listen(held, 0, NO_FRAMES, poked=False))
        super().end_the_day()
        if self.world.shut is None:
            self.world.compromise(held.of.tablet)
            self.world.is_turned_away(held)

    @busy_rule(who=which, n=which, poked=st.booleans(), frames=st.sampled_from(list(FRAMES)))
    def listen(self, who: int, n: int, poked: bool, frames: str) -> None:
        """Everybody is on a socket, and all sockets are killed at once. What happens then reaches
        everybody, also if every poke, frame and word to pull is lost."""
        self.world.run(self._listen(self._held(who), n, FRAMES[frames], poked=poked))
        self.world.calm()

    async def _listen(self, held: Held, n: int, conditions: Conditions, *, poked: bool) -> None:
        heard, before = self._heard(), self.happened[faults.Fault.FRAME_LOST]
        async with running(self.world.held, conditions):
            await until(lambda: all(one.client.live_since for one in heard))
            self._cut(self.world.held)
            await until(lambda: all(one.client.live_since for one in heard))
            self.happened[faults.ALL_CUT] += 1
            self._scribble(held, n)
            await self._complete(heard)
            for _ in range(3 if poked else 1):  # and nothing else happens
                await self.world.ask(lambda: self._publish(n, poked=poked))
            await self._complete(heard)
        self.happened[faults.NO_POKES] += not poked
        if conditions is NO_FRAMES and self.happened[faults.Fault.FRAME_LOST] > before:
            self.happened[faults.NO_FRAMES] += 1

    async def _complete(self, heard: Iterable[Held]) -> None:
        """Return when everything is sent, and everybody holds what they may."""
        while await self._lack(heard):  # noqa: ASYNC110 - as `until`
            await asyncio.sleep(LOOK_SECONDS)

    async def _lack(self, heard: Iterable[Held]) -> bool:
        documents = await self.world.ask(self.world.documents)
        lacking = [
            f"{held.name} has {edit} unsent" for held in heard for edit in held.store.unsent(1)
        ]
        lacking += [line for held in heard for line in self.world.amiss(held, documents)]
        self.world.said = "\n".join(lacking)
        return bool(lacking)

    def _cut(self, some: Iterable[Held]) -> None:
        for held in some:
            held.radio.cut_sockets()


@asynccontextmanager
async def running(some: Iterable[Held], conditions: Conditions) -> AsyncIterator[None]:
    """They work by themselves, over such a radio."""
    tasks = []
    for held in some:
        held.radio.conditions = conditions
        tasks.append(asyncio.create_task(held.run()))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        died = [end for end in ends if not isinstance(end, asyncio.CancelledError)]
        assert not died, died  # and whatever has hung, hung for it


async def until(condition: Callable[[], object]) -> None:
    """The step ends what hangs."""
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(LOOK_SECONDS)
