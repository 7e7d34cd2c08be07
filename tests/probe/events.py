"""What partners are told of the probe: two types, one of them urgent."""

from __future__ import annotations

from uuid import UUID

from apps.webhooks.catalogue import EventType, Lane, register

_SCHEMA = {
    "type": "object",
    "properties": {"probe_id": {"type": "string", "format": "uuid"}},
    "required": ["probe_id"],
    "additionalProperties": False,
}


def _data(subject: UUID) -> dict[str, str]:
    return {"probe_id": str(subject)}


def _type(name: str, lane: Lane) -> EventType:
    return EventType(
        name=name,
        version=1,
        title="A probe.",
        on=(name,),
        schema=_SCHEMA,
        example={"probe_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"},
        build=_data,
        lane=lane,
    )


HAPPENED, WITHDRAWN = "probe.happened", "probe.withdrawn"
register(_type(HAPPENED, Lane.ORDINARY))
register(_type(WITHDRAWN, Lane.URGENT))
