"""Contact regained: nobody waits out a long pause when the server is there again."""

from __future__ import annotations

import asyncio
import random

import httpx2

from apps.simulator.tablet.device import Device
from apps.simulator.tablet.replication import Replication
from apps.simulator.tablet.store import Store
from apps.simulator.tablet.wire import Wire
from tests.unit.simulator.scripted import Answer, Scripted, page, refused

HOUR = 3600.0


class Slow(random.Random):
    """Dice that always wait for an hour."""

    def uniform(self, a: float, b: float) -> float:
        return HOUR


def played(*answers: Answer | Exception, regained: bool) -> tuple[bool, int]:
    """Whether a pull that failed ends soon, and how many requests it took."""
    transport = Scripted(*answers)

    async def play() -> bool:
        store, device = Store(":memory:"), Device()
        wire = Wire("http://server", store, device, transport)
        replication = Replication(
            store,
            device,
            wire,
            collections=("assignments",),
            dice=Slow(),
            arrived=lambda *_: None,
        )
        pulling = asyncio.create_task(replication.pull("assignments"))
        for _ in range(50):
            await asyncio.sleep(0)  # the first request has failed, the pause has begun
        assert len(transport.requests) == 1
        if regained:
            replication.regained()
        done, _ = await asyncio.wait({pulling}, timeout=0.5)
        pulling.cancel()
        await asyncio.gather(pulling, return_exceptions=True)
        store.close()
        await wire.close()
        return bool(done)

    return asyncio.run(play()), len(transport.requests)


NO_COVERAGE = httpx2.ConnectError("no coverage")


def test_a_pause_ends_when_contact_is_regained() -> None:
    assert played(NO_COVERAGE, page(checkpoint="c1"), regained=True) == (True, 2)


def test_without_contact_it_is_waited_out() -> None:
    assert played(NO_COVERAGE, page(checkpoint="c1"), regained=False) == (False, 1)


def test_what_the_server_asked_for_is_waited_all_the_same() -> None:
    busy = refused(503, Retry_After="3600")
    assert played(busy, page(checkpoint="c1"), regained=True) == (False, 1)
