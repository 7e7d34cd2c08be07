"""A server that answers what a test tells it to: for what a healthy server does not say."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx2

from apps.simulator.tablet.device import Device
from apps.simulator.tablet.replication import Replication
from apps.simulator.tablet.store import Document, Store
from apps.simulator.tablet.wire import Wire

AT = datetime(2026, 7, 1, 19, 30, tzinfo=UTC)
EPOCH = "0190a5c0-0000-7000-8000-000000000001"
OTHER_EPOCH = "0190a5c0-0000-7000-8000-000000000002"

Answer = Callable[[httpx2.Request], httpx2.Response]


class Impatient(random.Random):
    """Dice that never wait."""

    def uniform(self, a: float, b: float) -> float:
        return a


class Scripted(httpx2.AsyncBaseTransport):
    """Gives the answers in turn; keeps the requests."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(request)


def answered(body: Any, *, head: str = "10.1", epoch: str = EPOCH) -> Answer:
    headers = {"Sync-Head": head, "Sync-Epoch": epoch}
    return lambda request: httpx2.Response(200, json=body, headers=headers)


def page(*documents: Document, checkpoint: str, **standing: str) -> Answer:
    return answered({"documents": list(documents), "checkpoint": {"c": checkpoint}}, **standing)


def refused(status: int, *, body: Document | None = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx2.Response(status, json=body or {}, headers=named)


class Rig:
    """A store with its replication, on a scripted server."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.store = Store(":memory:")
        self.server = Scripted(*answers)
        self.device = Device()
        self.arrived: list[tuple[str, Sequence[Document]]] = []
        self.wire = Wire("http://carefield.test", self.store, self.device, self.server)
        self.replication = Replication(
            self.store,
            self.device,
            self.wire,
            collections=("assignments", "facts"),
            dice=Impatient(),
            arrived=lambda collection, documents: self.arrived.append((collection, documents)),
        )
