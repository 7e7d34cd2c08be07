"""The worker, PostgreSQL and Redis are each killed at each step of a delivery, in that very moment:
the worker is held there. Afterwards every event has come to every endpoint, under one id, and in
order for its subject."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

import pytest

from apps.core.ids import uuid7
from apps.webhooks.fakepartner import FakePartner, Received
from apps.webhooks.models import Delivery, DeliveryState, Endpoint, EndpointState
from tests.functional.staging import Stage
from tests.functional.webhooks.stage import endpoints_of, happen, on_stage
from tests.probe.gate import PORT, Gate
from tests.processes import Processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

STEPS = ("made", "claimed", "begun", "answered", "settled")
VICTIMS = ("worker", "redis", "postgres")
# A claim that was left behind runs out soon.
QUICK = {"WEBHOOK_TIMEOUT_SECONDS": "0.5", "WEBHOOK_LEASE_SECONDS": "0.7"}


@dataclass
class Held(FakePartner):
    """A partner that has an attempt before it and does not answer until the gate lets it."""

    gate: Gate = field(default_factory=Gate)

    async def _read(self, reader: asyncio.StreamReader) -> Received | None:
        received = await super()._read(reader)
        if received is not None and received.event["type"] != "endpoint.verification":
            await asyncio.to_thread(self.gate.passes, "begun")
        return received


@pytest.fixture
def held(processes: Processes) -> Iterator[tuple[Stage, Held]]:
    gate = Gate()
    with gate.listening(), Held(gate=gate).running() as receiver:
        assert isinstance(receiver, Held)
        with on_stage(processes, workers=1, **QUICK, **{PORT: str(gate.port)}) as stage:
            yield stage, receiver


def test_whatever_is_killed_at_whatever_step_nothing_is_lost(held: tuple[Stage, Held]) -> None:
    stage, receiver = held
    ids = [endpoint.pk for endpoint in endpoints_of(receiver)]
    active = Endpoint.objects.filter(state=EndpointState.ACTIVE)
    stage.until(lambda: active.count() == len(ids))
    subject = uuid7()
    killed = 0
    for victim in VICTIMS:
        for step in STEPS:
            receiver.gate.hold(step)
            happen(subject, "probe.happened")
            assert receiver.gate.held.wait(60), f"nothing came to: {step}"
            happen(subject, "probe.happened")
            stage.kill(victim)
            receiver.gate.open()
            killed += 1
            accepted = Delivery.objects.filter(type="probe.happened", state=DeliveryState.ACCEPTED)
            stage.until(lambda: accepted.count() >= 2 * killed * len(ids))  # noqa: B023
    stage.until(lambda: not Delivery.objects.pending().exists())
    assert killed == len(STEPS) * len(VICTIMS)
    for number, endpoint in enumerate(ids):
        check(endpoint, [one for one in receiver.received if one.path == f"/{number}"])


def check(endpoint: UUID, received: list[Received]) -> None:
    """All that was made for an endpoint has come to it, under one id, and first in order."""
    made = Delivery.objects.filter(endpoint=endpoint, type="probe.happened").order_by("sequence")
    came = [one for one in received if one.event["type"] == "probe.happened"]
    first = list(dict.fromkeys((one.event["sequence"], one.id) for one in came))
    assert first == [(row.sequence, str(row.pk)) for row in made]
    sequences = [cast(int, row.sequence) for row in made]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
