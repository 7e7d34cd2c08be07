"""What a receiving facility is told: that somebody is on the way, and when. Never who."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from apps.core.clock import iso
from apps.referrals.services import directory
from apps.webhooks.catalogue import EventType, register

_UUID: Final = {"type": "string", "format": "uuid"}
_ARRIVAL: Final = {
    "type": "object",
    "properties": {
        "arrival_id": _UUID,
        "service_id": _UUID,
        "expected_at": {"type": ["string", "null"], "format": "date-time", "maxLength": 40},
    },
    "required": ["arrival_id", "service_id", "expected_at"],
    "additionalProperties": False,
}
_EXAMPLE: Final = {
    "arrival_id": "01931f90-1a2b-7c3a-9a51-0d7a8f4b2c61",
    "service_id": "5f0f3c52-6a0e-5b0f-8a3a-0c0f6d1f0a01",
    "expected_at": "2026-03-04T23:05:00.000Z",
}


def arrival(notice_id: UUID) -> dict[str, Any] | None:
    """An announced arrival as it stands. None where nobody in the directory is to be told."""
    found = directory.arrival_of(notice_id)
    if found is None:
        return None
    return {
        "arrival_id": str(found.id),
        "service_id": str(found.service_id),
        "expected_at": iso(found.expected_at),
    }


def facility(notice_id: UUID) -> frozenset[UUID]:
    """The partner whose service it is."""
    found = directory.arrival_of(notice_id)
    return frozenset({found.partner_id} if found and found.partner_id else ())


for _name, _title in (
    ("facility.arrival_noticed", "Responders are bringing somebody to one of your services."),
    ("facility.arrival_changed", "An announced arrival will be at another time."),
    ("facility.arrival_cancelled", "An announced arrival will not be."),
):
    register(
        EventType(
            name=_name,
            version=1,
            title=_title,
            on=(_name,),
            schema=_ARRIVAL,
            example=_EXAMPLE,
            build=arrival,
            audience=facility,
        )
    )
