"""Requests that arrive together: nobody waits for company, and nobody is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse

from apps.core.admission import Admission, Line
from apps.core.gathering import Gatherer


class Groups:
    """Answers with the size of the group. `held` holds groups back until it is set."""

    def __init__(self, *, fails: bool = False) -> None:
        self.sizes: list[int] = []
        self.begun = asyncio.Event()
        self.held = asyncio.Event()
        self.fails = fails

    def admits(self, request: ASGIRequest) -> bool:
        return request is not None

    def answer(self, requests: Sequence[ASGIRequest]) -> list[HttpResponse | None]:
        self.sizes.append(len(requests))
        if self.fails:
            raise ZeroDivisionError
        return [HttpResponse(str(len(requests))) for _ in requests]


def gatherer(groups: Groups, *, at_once: int = 2) -> tuple[Gatherer, Line]:
    async def in_thread(work: Any, *arguments: Any) -> Any:
        groups.begun.set()
        await groups.held.wait()
        return work(*arguments)

    made = Gatherer(groups, in_thread)
    made.AT_ONCE = at_once  # type: ignore[misc]
    admission = Admission(threads=7, most_waiting=100, most_bytes=2**20)
    line = admission.line_of("POST", "/api/v1/sync/pages/push")
    assert line is not None
    return made, line


def request() -> Any:
    return object()


async def within_a_minute(work: Any) -> Any:
    async with asyncio.timeout(60):
        return await work


def test_one_request_after_another_is_answered() -> None:
    async def run() -> None:
        groups = Groups()
        groups.held.set()
        here, line = gatherer(groups, at_once=1)
        for _ in range(3):
            assert await within_a_minute(here.answer(request(), 10, line))
        assert groups.sizes == [1, 1, 1]
        assert line.queue.waiting == 0

    asyncio.run(run())


def test_what_arrives_meanwhile_is_the_next_group() -> None:
    async def run() -> None:
        groups = Groups()
        here, line = gatherer(groups, at_once=1)
        first = asyncio.create_task(here.answer(request(), 10, line))
        await within_a_minute(groups.begun.wait())
        rest = [asyncio.create_task(here.answer(request(), 10, line)) for _ in range(5)]
        await asyncio.sleep(0)
        groups.held.set()
        answers = await within_a_minute(asyncio.gather(first, *rest))
        assert [int(answer.content) for answer in answers] == [1, 5, 5, 5, 5, 5]
        assert line.queue.waiting == 0

    asyncio.run(run())


def test_a_group_has_so_many_bytes_and_one_that_is_too_large_goes_alone() -> None:
    async def run() -> None:
        groups = Groups()
        here, line = gatherer(groups, at_once=1)
        half = Gatherer.MOST_BYTES // 2
        waiting = [asyncio.create_task(here.answer(request(), half, line)) for _ in range(5)]
        groups.held.set()
        assert all(await within_a_minute(asyncio.gather(*waiting)))
        assert groups.sizes == [2, 2, 1]
        assert await here.answer(request(), Gatherer.MOST_BYTES + 1, line) is None

    asyncio.run(run())


def test_where_a_group_cannot_be_answered_each_of_it_goes_the_ordinary_way() -> None:
    async def run() -> None:
        groups = Groups(fails=True)
        here, line = gatherer(groups)
        groups.held.set()
        waiting = [here.answer(request(), 10, line) for _ in range(3)]
        assert await within_a_minute(asyncio.gather(*waiting)) == [None, None, None]
        assert line.queue.waiting == 0

    asyncio.run(run())
