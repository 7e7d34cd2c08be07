"""Workers of webhooks on engines that a test may kill, and endpoints at its own receiver."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction

from apps.audit.services import SYSTEM
from apps.changes.services import Event, publish
from apps.core import clock
from apps.webhooks import catalogue, services
from apps.webhooks.fakepartner import FakePartner
from apps.webhooks.models import Endpoint
from tests.factories import partner
from tests.functional.staging import Stage, insist, staged
from tests.processes import Processes

# The schedule two thousand times as fast; a lease and a time limit that a test can wait for.
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "tests.probe.settings",
    "TIME_SCALE": "2000",
    "WEBHOOK_TICK_SECONDS": "0.2",
    "WEBHOOK_TIMEOUT_SECONDS": "1",
    "WEBHOOK_LEASE_SECONDS": "1.5",
    "WEBHOOK_PUMP_SECONDS": "2",
}


@contextmanager
def on_stage(processes: Processes, *, workers: int = 2, **more: str) -> Iterator[Stage]:
    """The schema of the tests' own database, on a pair of servers that may be killed, and workers
    with these settings."""
    before = dict(catalogue._types), {name: list(all) for name, all in catalogue._on.items()}
    registering = importlib.import_module("tests.probe.events")
    if catalogue.named(registering.HAPPENED) is None:  # imported before, and taken out again
        importlib.reload(registering)

    with staged(processes, SETTINGS | more, queues=["webhooks"] * workers, beats=1) as found:
        yield found
    catalogue._types.clear()
    catalogue._types.update(before[0])
    catalogue._on.clear()
    catalogue._on.update(before[1])


def happen(subject: UUID, name: str) -> None:
    def act() -> None:
        with transaction.atomic():
            publish(events=[Event(name, subject)], now=clock.now())

    insist(act)


def endpoints_of(liar: FakePartner) -> list[Endpoint]:
    made = []
    for number in range(2):
        endpoint, keys = services.create_endpoint(
            partner=partner()[1],
            name=f"endpoint {number}",
            url=f"{liar.url}/{number}",
            event_types=["probe.happened", "probe.withdrawn"],
            rate=1000,
            by=SYSTEM,
            now=clock.now(),
        )
        liar.secret = liar.secret or keys.secret
        made.append(endpoint)
    return made
