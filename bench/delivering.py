"""The inside of `bench.webhooks`: runs in the process of `bench.prepare`, with the settings."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from typing import Any, Final

import httpx2
from django.conf import settings
from django.db import connection, transaction

from apps.accounts.models import Partner
from apps.accounts.services import save_partner
from apps.audit.services import SYSTEM
from apps.changes.services import Event, publish
from apps.core import clock
from apps.core.ids import uuid7
from apps.webhooks import envelope, services
from apps.webhooks.models import Delivery, DeliveryState, Endpoint, EndpointState
from apps.webhooks.pump import Pump, pump
from bench.figures import percentile

_EVENT: Final = "probe.happened"
_ENDPOINTS: Final = 10
_TOGETHER: Final = 100
_A_SECOND: Final = 2  # events, each to 50 endpoints


def _endpoints(url: str, paths: list[str]) -> list[Endpoint]:
    """Endpoints that have shown whose they are."""
    made = []
    for number, path in enumerate(paths):
        partner = save_partner(
            partner=Partner(name=f"Partner {number}"), by=SYSTEM, now=clock.now()
        )
        endpoint, _ = services.create_endpoint(
            partner=partner,
            name=path,
            url=f"{url}/{path}/{number}",
            event_types=[_EVENT],
            rate=1000,
            by=SYSTEM,
            now=clock.now(),
        )
        made.append(endpoint)
    services.tell(now=clock.now())
    Delivery.objects.update(state=DeliveryState.ACCEPTED, settled_at=clock.now())  # the challenges
    Endpoint.objects.update(state=EndpointState.ACTIVE, verified_at=clock.now())
    return made


def _happen(count: int) -> None:
    for start in range(0, count, _TOGETHER):
        with transaction.atomic():
            size = min(_TOGETHER, count - start)
            publish(events=[Event(_EVENT, uuid7()) for _ in range(size)], now=clock.now())


def deliveries(url: str, events: int) -> dict[str, Any]:
    """How many the product delivers in a second, and a bare client."""
    _endpoints(url, ["well"] * _ENDPOINTS)
    _happen(_ENDPOINTS)
    pump(seconds=60)  # plans, connections
    _happen(events)
    began = time.perf_counter()
    made = pump(seconds=600)
    product = made / (time.perf_counter() - began)
    bare = [asyncio.run(_bare(url, made)) for _ in range(2)][-1]
    return {"product": product, "bare": bare, "count": made}


async def _bare(url: str, count: int) -> float:
    body = envelope.body(
        type=_EVENT,
        version=1,
        at=clock.now(),
        endpoint=uuid7(),
        epoch=uuid7(),
        sequence=1,
        parked=[],
        data={"probe_id": str(uuid7())},
    )
    headers = {"content-type": "application/json", "webhook-signature": "x" * 140}
    left = iter(range(count))
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=200)
    async with httpx2.AsyncClient(trust_env=False, limits=limits) as client:

        async def post() -> None:
            for _ in left:
                await client.post(f"{url}/well", content=body, headers=headers)

        at_once = min(settings.WEBHOOK_IN_FLIGHT, 16 * _ENDPOINTS)
        began = time.perf_counter()
        await asyncio.gather(*(post() for _ in range(at_once)))
        return count / (time.perf_counter() - began)


def delays(url: str, events: int, bad: int) -> dict[str, Any]:
    """From commit to acceptance, at good endpoints. `bad` of 50 are down, and as many slow."""
    paths = ["down"] * bad + ["slow"] * bad + ["well"] * (50 - 2 * bad)
    endpoints = _endpoints(url, paths)
    good = [endpoint.pk for endpoint in endpoints if endpoint.name == "well"][-40:]

    def publishing() -> None:
        for _ in range(events):
            _happen(1)
            time.sleep(1 / _A_SECOND)
        connection.close()

    thread = threading.Thread(target=publishing)
    thread.start()
    wanted = events * len(good)
    rows = Delivery.objects.filter(endpoint__in=good, type=_EVENT, state=DeliveryState.ACCEPTED)
    deadline = clock.now() + timedelta(minutes=20)
    worker = Pump()
    while thread.is_alive() or rows.count() < wanted:
        worker.turn(seconds=settings.WEBHOOK_PUMP_SECONDS)
        time.sleep(0.01)
        if clock.now() > deadline:
            raise RuntimeError("The good endpoints are not served.")
    thread.join()
    worker.close()
    took = [
        (settled - occurred).total_seconds() * 1000
        for settled, occurred in rows.values_list("settled_at", "occurred_at")
    ]
    return {"p99": percentile(took, 99), "count": len(took)}
