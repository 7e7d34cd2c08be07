"""Requests that are answered in groups."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from functools import partial

from django.http import (
    HttpRequest,
    HttpResponse,
)

from apps.core.asgi import HTTPHandler
from tests.integration.core.asgi.views import PATIENCE, call, until, work


class Company:
    """Answers in groups, and remembers them."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.go = threading.Event()

    def admits(self, request: HttpRequest) -> bool:
        return request.path.startswith("/api/v1/sync/pages/")

    def answer(self, requests: Sequence[HttpRequest]) -> list[HttpResponse | None]:
        bodies = [request.body.decode() for request in requests]
        self.groups.append(bodies)
        assert self.go.wait(PATIENCE)
        if "break" in bodies:
            raise ValueError("nobody can be answered")
        return [None if one == "alone" else HttpResponse(f"with {one}") for one in bodies]


class TestTogether:
    """Requests that arrive at the same time, answered in groups."""

    def play(self, *bodies: str) -> tuple[Company, list[str]]:
        """The first two are worked on when the others arrive."""
        company = Company()

        async def run() -> list[str]:
            handler = HTTPHandler(company)
            send = partial(call, handler, "/api/v1/sync/pages/push", method="POST")
            sent = []
            for number, body in enumerate(bodies, 1):
                sent.append(asyncio.ensure_future(send(body.encode())))
                await until(lambda: len(company.groups) == min(2, number) or number > 2)  # noqa: B023
            for _ in range(20):
                await asyncio.sleep(0)  # they stand in line
            company.go.set()
            work.go.set()
            return [answer.body.decode() for answer in await asyncio.gather(*sent)]

        return company, asyncio.run(run())

    def test_nobody_waits_for_company(self) -> None:
        company, answers = self.play("a", "b", "c", "d", "e")
        assert company.groups == [["a"], ["b"], ["c", "d", "e"]]
        assert answers == ["with a", "with b", "with c", "with d", "with e"]

    def test_what_cannot_be_answered_so_goes_the_ordinary_way(self) -> None:
        company, answers = self.play("a", "b", "alone", "c")
        assert company.groups[2] == ["alone", "c"]
        assert answers == ["with a", "with b", "done", "with c"]

    def test_a_group_that_fails_is_answered_one_by_one(self) -> None:
        _, answers = self.play("a", "b", "break", "c")
        assert answers == ["with a", "with b", "done", "done"]

    def test_a_group_has_an_end(self) -> None:
        large = "x" * 90_000
        company, answers = self.play("a", "b", *[large] * 4)
        assert [len(group) for group in company.groups] == [1, 1, 2, 2]
        assert answers[2:] == [f"with {large}"] * 4
