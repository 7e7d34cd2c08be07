"""Contact regained: nobody waits out a long pause when the server is there again."""

from __future__ import annotations

import asyncio
import json
import random

import httpx2

from apps.simulator.tablet.device import Device
from apps.simulator.tablet.replication import Replication
from apps.simulator.tablet.store import Store
from apps.simulator.tablet.wire import Wire
from tests.unit.simulator.scripted import AT, Answer, Scripted, answered, page, refused

HOUR = 3600.0


class Slow(random.Random):
    """Dice that always wait for an hour."""

    def uniform(self, a: float, b: float) -> float:
        return HOUR


async def everything_that_can() -> None:
    """Lets the loop do what waits for no time and no network: here nothing else does."""
    for _ in range(200):
        await asyncio.sleep(0)


def played(
    *answers: Answer | Exception, regained: bool = False, help: bool = False
) -> tuple[bool, int]:
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
        await everything_that_can()  # the first request has failed, the pause has begun
        assert len(transport.requests) == 1
        if regained:
            replication.regained()
        if help:
            replication.typed(urgent=True)
        await everything_that_can()
        done = pulling.done()
        pulling.cancel()
        await asyncio.gather(pulling, return_exceptions=True)
        store.close()
        await wire.close()
        return done

    return asyncio.run(play()), len(transport.requests)


NO_COVERAGE = httpx2.ConnectError("no coverage")


def test_a_pause_ends_when_contact_is_regained() -> None:
    assert played(NO_COVERAGE, page(checkpoint="c1"), regained=True) == (True, 2)


def test_without_contact_it_is_waited_out() -> None:
    assert played(NO_COVERAGE, page(checkpoint="c1"), regained=False) == (False, 1)


def test_what_the_server_asked_for_is_waited_all_the_same() -> None:
    busy = refused(503, Retry_After="3600")
    assert played(busy, page(checkpoint="c1"), regained=True) == (False, 1)


def test_a_call_for_help_ends_every_pause_at_once() -> None:
    busy = refused(503, Retry_After="3600")
    assert played(busy, page(checkpoint="c1"), help=True) == (True, 2)
    assert played(NO_COVERAGE, page(checkpoint="c1"), help=True) == (True, 2)


def test_a_call_for_help_does_not_wait_for_a_push_that_hangs() -> None:
    async def play() -> list[str]:
        store, device, sent = Store(":memory:"), Device(), []
        hangs, helped = asyncio.Event(), asyncio.Event()

        class Hanging(httpx2.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
                await request.aread()
                [row] = json.loads(request.content)
                sent.append(row["newDocumentState"]["id"])
                if sent == ["slow"]:
                    hangs.set()
                    await asyncio.sleep(HOUR)
                helped.set()
                return answered([])(request)

        wire = Wire("http://server", store, device, Hanging())
        replication = Replication(
            store, device, wire, collections=(), dice=Slow(), arrived=lambda *_: None
        )
        store.save("facts", {"id": "slow"}, at=AT)
        running = [
            asyncio.create_task(work()) for work in (replication.pushing, replication.calling)
        ]
        async with asyncio.timeout(60):
            await hangs.wait()
            store.save("facts", {"id": "help"}, at=AT, urgent=True)
            replication.typed(urgent=True)
            await helped.wait()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        store.close()
        await wire.close()
        return sent

    assert asyncio.run(play()) == ["slow", "help"]


class OnlyCalls(httpx2.AsyncBaseTransport):
    """A server that cannot hand out facts just now."""

    def __init__(self) -> None:
        self.calls: list[dict[str, object]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if "/sync/assignments/" not in request.url.path:
            return httpx2.Response(503)
        return page(*self.calls, checkpoint=str(len(self.calls)))(request)


def test_a_collection_that_cannot_be_had_holds_up_no_call() -> None:
    server = OnlyCalls()

    async def play() -> list[str]:
        store, device = Store(":memory:"), Device()
        wire = Wire("http://server", store, device, server)
        replication = Replication(
            store,
            device,
            wire,
            collections=("assignments", "facts"),
            dice=Slow(),
            arrived=lambda *_: None,
        )
        pulling = asyncio.create_task(replication.pulling())
        replication.want()
        await everything_that_can()  # facts wait for an hour
        server.calls.append({"id": "a1", "rev": 1})
        replication.want("assignments")
        await everything_that_can()
        pulling.cancel()
        await asyncio.gather(pulling, return_exceptions=True)
        held = [document["id"] for document in store.documents("assignments")]
        store.close()
        await wire.close()
        return held

    assert asyncio.run(play()) == ["a1"]
