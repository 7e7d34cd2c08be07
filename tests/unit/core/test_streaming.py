"""Answers that are made while they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

from apps.core.streaming import PartByPart, Parts


def parts(made: list[int]) -> Parts:
    for number in range(3):
        made.append(number)
        yield str(number).encode()


def test_a_part_is_made_when_the_one_before_has_gone() -> None:
    made: list[int] = []

    async def read() -> list[tuple[bytes, int]]:
        stream = cast(AsyncIterator[bytes], aiter(PartByPart(parts(made))))
        return [(part, len(made)) async for part in stream]

    assert asyncio.run(read()) == [(b"0", 1), (b"1", 2), (b"2", 3)]


def test_it_is_an_ordinary_answer_where_nothing_is_asynchronous() -> None:
    assert b"".join(PartByPart(parts([]))) == b"012"
