"""A partner with an endpoint at a receiver that behaves as the test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from apps.accounts.models import Partner
from apps.audit.services import SYSTEM
from apps.changes.services import Event, publish
from apps.core import clock
from apps.core.ids import uuid7
from apps.webhooks import catalogue, services
from apps.webhooks.catalogue import EventType, Lane
from apps.webhooks.fakepartner import FakePartner, by_path
from apps.webhooks.models import Endpoint, EndpointState
from apps.webhooks.pump import pump
from tests.factories import partner as make_partner

UUID_DATA = {
    "type": "object",
    "properties": {"thing_id": {"type": "string", "format": "uuid"}},
    "required": ["thing_id"],
    "additionalProperties": False,
}


def a_type(name: str, **told: Any) -> EventType:
    return EventType(
        **{
            "name": name,
            "version": 1,
            "title": "A thing changed.",
            "on": (f"{name}_published",),
            "schema": UUID_DATA,
            "example": {"thing_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"},
            "build": lambda subject: {"thing_id": str(subject)},
            **told,
        }
    )


@pytest.fixture
def things() -> Iterator[None]:
    """Two types of the tests' own: `thing.changed`, and the urgent `thing.withdrawn`."""
    before = dict(catalogue._types), {name: list(all) for name, all in catalogue._on.items()}
    catalogue.register(a_type("thing.changed"))
    catalogue.register(a_type("thing.withdrawn", lane=Lane.URGENT))
    yield
    catalogue._types.clear()
    catalogue._types.update(before[0])
    catalogue._on.clear()
    catalogue._on.update(before[1])


@pytest.fixture
def receiver() -> Iterator[FakePartner]:
    with FakePartner().running() as running:
        yield running


def happen(*subjects: UUID, name: str = "thing.changed") -> None:
    """Publishes an event of each subject, each in a transaction of its own."""
    for subject in subjects:
        with transaction.atomic():
            publish(events=[Event(f"{name}_published", subject)], now=clock.now())


def deliver() -> int:
    """Delivers what is due now."""
    return pump(seconds=30)


@pytest.fixture
def endpoint_at(
    things: None, transactional_db: None, receiver: FakePartner
) -> Callable[..., Endpoint]:
    """Makes an endpoint at a path of the receiver, proven unless the test says otherwise."""

    def make(
        path: str = "well", *, proven: bool = True, of: Partner | None = None, **told: Any
    ) -> Endpoint:
        owner = of or make_partner()[1]
        endpoint, keys = services.create_endpoint(
            partner=owner,
            name=told.pop("name", "intake"),
            url=f"{receiver.url}/{path}",
            event_types=told.pop("event_types", ["thing.changed", "thing.withdrawn"]),
            by=SYSTEM,
            now=clock.now(),
            **told,
        )
        if proven:
            receiver.secret, behave = keys.secret, receiver.behave
            receiver.behave = by_path
            deliver()
            receiver.behave = behave
            endpoint.refresh_from_db()
            assert endpoint.state == EndpointState.ACTIVE
            receiver.received.clear()
        return endpoint

    return make


def an_id() -> UUID:
    return uuid7()
