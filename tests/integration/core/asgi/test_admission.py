"""Who is let in when many come at once, and when the others shall come back."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from types import SimpleNamespace
from typing import Any

from apps.core.admission import LONGEST, Pace
from apps.core.asgi import HTTPHandler
from tests.integration.core.asgi.views import MOST, PATIENCE, call, until, work

INTAKE = "/api/v1/dispatch/incidents"


class TestAHerd:
    """Many tablets at once, on a server with seven threads whose line has room for ten."""

    def play(self, method: str, address: str, count: int = 40) -> SimpleNamespace:
        async def run() -> SimpleNamespace:
            handler = HTTPHandler()
            herd = [
                asyncio.ensure_future(call(handler, address, method=method)) for _ in range(count)
            ]
            await until(lambda: sum(one.done() for one in herd) + work.inside + 10 >= count)
            refused = [one.result() for one in herd if one.done()]
            # While tablets wait, others are answered at once.
            async with asyncio.timeout(PATIENCE):
                calls = await asyncio.gather(
                    *(call(handler, INTAKE, method="POST") for _ in range(30)),
                    *(call(handler, "/healthz") for _ in range(30)),
                )
            inside = work.inside
            work.go.set()
            answers = await asyncio.gather(*herd)
            return SimpleNamespace(refused=refused, calls=calls, inside=inside, answers=answers)

        return asyncio.run(run())

    def test_has_its_share_of_the_threads_and_a_line_that_ends(self) -> None:
        found = self.play("GET", "/api/v1/sync/assignments/pull")
        assert found.inside == work.reached == 5
        assert len(found.refused) == 40 - 5 - 10
        assert sorted(one.status for one in found.answers) == [200] * 15 + [503] * 25

    def test_is_told_when_to_come_back(self) -> None:
        found = self.play("GET", "/api/v1/sync/assignments/pull")
        for one in found.refused:
            assert json.loads(one.body)["code"] == "busy"
            assert one.headers["content-type"] == "application/problem+json"
            assert one.headers["content-length"] == str(len(one.body))
            assert 1 <= int(one.headers["retry-after"]) <= LONGEST
        assert len({one.headers["retry-after"] for one in found.refused}) > 1  # not all at once

    def test_delays_no_call_and_no_desk(self) -> None:
        found = self.play("POST", "/api/v1/sync/facts/push")
        assert {one.status for one in found.calls} == {200}

    def test_of_pushes_leaves_room_for_a_pull(self) -> None:
        """Pushes that wait for a lock never delay a call's way to a tablet."""

        async def run() -> int:
            handler = HTTPHandler()
            push = partial(call, handler, "/api/v1/sync/facts/push", method="POST")
            pushes = [asyncio.ensure_future(push()) for _ in range(8)]
            await until(lambda: work.inside == 4)
            pull = asyncio.ensure_future(call(handler, "/api/v1/sync/assignments/pull"))
            await until(lambda: work.inside == 5)
            work.go.set()
            await asyncio.gather(*pushes)
            return (await pull).status

        assert asyncio.run(run()) == 200

    def test_of_pictures_leaves_most_to_the_others(self) -> None:
        found = self.play("PUT", "/api/v1/media/abc", count=20)
        assert found.inside == 2

    def test_of_pictures_leaves_the_line_of_records_free(self) -> None:
        async def run() -> tuple[list[int], int, int]:
            handler = HTTPHandler()
            send = partial(call, handler, "/api/v1/media/abc", method="PUT")
            herd = [asyncio.ensure_future(send()) for _ in range(40)]
            await until(lambda: work.inside == 2 and sum(one.done() for one in herd) == 36)
            pull = asyncio.ensure_future(call(handler, "/api/v1/sync/assignments/pull"))
            look = asyncio.ensure_future(call(handler, "/api/v1/media/abc"))
            await until(lambda: work.inside == 4)
            work.go.set()
            sent = [answer.status for answer in await asyncio.gather(*herd)]
            return sent, (await pull).status, (await look).status

        sent, pulled, looked = asyncio.run(run())
        assert sorted(sent) == [200] * 4 + [503] * 36
        assert (pulled, looked) == (200, 200)

    def test_of_pictures_leaves_the_bodies_of_records_room(self, settings: Any) -> None:
        settings.REQUEST_BODIES_BYTES = 4 * MOST

        async def run() -> tuple[int, int]:
            handler = HTTPHandler()
            body = [b"x" * MOST]
            first = asyncio.ensure_future(call(handler, "/api/v1/media/abc", *body, method="PUT"))
            await until(lambda: work.inside == 1)
            second = await call(handler, "/api/v1/media/abc", *body, method="PUT")
            push = asyncio.ensure_future(call(handler, "/api/v1/sync", *body, method="POST"))
            await until(lambda: work.inside == 2)
            work.go.set()
            await first
            return second.status, (await push).status

        assert asyncio.run(run()) == (503, 200)

    def test_on_a_server_with_one_thread_is_served_too(self, settings: Any) -> None:
        settings.REQUEST_THREADS = 1
        work.go.set()
        handler = HTTPHandler()
        for method, address in (("GET", "/api/v1/sync/a/pull"), ("POST", "/api/v1/sync")):
            assert asyncio.run(call(handler, address, method=method)).status == 200


def test_probes_are_answered_while_every_thread_waits(settings: Any) -> None:
    """As all do for a database that is away: whoever asks whether the server lives must not end it,
    and whoever asks what is missing wants to know it then."""
    settings.REQUEST_THREADS = 3

    async def run() -> list[int]:
        handler = HTTPHandler()
        requests = [asyncio.ensure_future(call(handler, "/work")) for _ in range(5)]
        await until(lambda: work.inside == 3)
        async with asyncio.timeout(PATIENCE):
            answers = [await call(handler, path) for path in ("/healthz", "/readyz")]
        assert work.inside == 3
        work.go.set()
        await asyncio.gather(*requests)
        return [answer.status for answer in answers]

    assert asyncio.run(run()) == [200, 200]


class TestThePace:
    def test_spreads_wider_the_more_were_sent_away(self) -> None:
        pace = Pace(5)
        waits = [pace.retry_after(waiting=100, now=0.0) for _ in range(2000)]
        assert max(waits[:10]) <= 3
        assert max(waits[-100:]) > 15
        assert len(set(waits[-300:])) > 10  # not all at once
        assert min(waits) >= 1
        assert max(waits) <= LONGEST

    def test_is_quick_again_when_they_have_come_back(self) -> None:
        pace = Pace(5)
        for _ in range(2000):
            pace.retry_after(waiting=100, now=0.0)
        assert pace.retry_after(waiting=0, now=100.0) <= 2

    def test_follows_what_a_request_takes(self) -> None:
        slow, quick = Pace(5), Pace(5)
        for _ in range(200):
            slow.took(1.0)
            quick.took(0.001)
        waits = {
            name: max(pace.retry_after(waiting=50, now=0.0) for _ in range(200))
            for name, pace in (("slow", slow), ("quick", quick))
        }
        assert waits["slow"] > 30
        assert waits["quick"] <= 2
