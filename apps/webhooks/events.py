"""The events of this room: an endpoint shows whose it is, and a test."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.webhooks.catalogue import EventType, Lane, register
from apps.webhooks.models import Endpoint, EndpointState

_ENDPOINT = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"


def _challenge(endpoint_id: UUID) -> dict[str, Any] | None:
    row = Endpoint.objects.filter(pk=endpoint_id, state=EndpointState.UNVERIFIED).first()
    return None if row is None else {"challenge": row.challenge}


register(
    EventType(
        name="endpoint.verification",
        version=1,
        title="Show that this endpoint is yours: answer 200 with the challenge as JSON.",
        on=("endpoint.verification",),
        schema={
            "type": "object",
            "properties": {"challenge": {"type": "string", "maxLength": 64}},
            "required": ["challenge"],
            "additionalProperties": False,
        },
        example={"challenge": "kR0q5hVb3xU2mY8sT1nZ4wPd6jF9aLcE"},
        build=_challenge,
        lane=Lane.URGENT,
        of_endpoint=True,
    )
)

register(
    EventType(
        name="webhook.test",
        version=1,
        title="A test that you asked for. Nothing has happened.",
        on=("webhook.test",),
        schema={
            "type": "object",
            "properties": {"endpoint_id": {"type": "string", "format": "uuid"}},
            "required": ["endpoint_id"],
            "additionalProperties": False,
        },
        example={"endpoint_id": _ENDPOINT},
        build=lambda endpoint_id: {"endpoint_id": str(endpoint_id)},
        of_endpoint=True,
    )
)
