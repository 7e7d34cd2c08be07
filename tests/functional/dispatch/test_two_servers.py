"""Two web servers on one database, as in a city that must not stand still while one restarts."""

from __future__ import annotations

import asyncio

import pytest

from tests.functional.dispatch.street import Street, call, connected, on_duty, until
from tests.processes import Processes

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_call_posted_at_one_is_on_tablets_of_the_other(processes: Processes) -> None:
    cad_side, tablet_side = processes.server(), processes.server()
    cast = on_duty(CARE21=2)

    async def story(street: Street) -> None:
        both = street.tablets["CARE21"]
        await street.in_line("CARE21")
        asked = [held.pulls() for held in both]
        id = await street.given("1")
        assert [held.pulls() for held in both] == asked  # over the open socket
        both[1].tablet.tap("acknowledged", id, call_revision=1)
        await until(lambda: not both[0].call("1")["needs_ack"], "acknowledged at the other tablet")

        # The tablets' server goes. The other one takes calls, and nothing is lost meanwhile.
        tablet_side.kill()
        await until(lambda: not any(one.tablet.status.live for one in both), "sockets are gone")
        await street.post(call("2"))
        taps = [held.tablet.tap("on_scene", id) for held in both]
        assert all(held.tablet.status.outbox.unsent for held in both)
        await asyncio.to_thread(tablet_side.start)
        await until(lambda: all(held.call("2") for held in both), "the call that came meanwhile")
        await until(
            lambda: not any(held.tablet.status.outbox.unsent for held in both), "all taps are told"
        )
        told = {fact["id"] for fact in await street.desk.get(f"/api/v1/assignments/{id}/facts")}
        assert {tap["id"] for tap in taps} <= told

    async def run() -> None:
        async with connected(cast, tablets_at=tablet_side.url, cad_at=cad_side.url) as street:
            await story(street)

    asyncio.run(run())
