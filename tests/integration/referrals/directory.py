"""What the tests of the directory share: a made-up one, and facts about it from tablets."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from apps.accounts.models import Partner
from apps.audit.services import SYSTEM
from apps.changes import reading
from apps.changes.services import EVERYONE
from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.referrals.models import Organization, Service
from apps.referrals.services import directory
from tests.factories import NOON, EnrolledTablet
from tests.integration.assignments.conftest import World

_NAMES = UUID("8b7e0f4e-6f0a-5a54-9d55-0d5b6a6f1c01")
_saves = itertools.count(1)
PIONEER_SQUARE = (47.6020, -122.3338)


def id_of(name: str) -> UUID:
    return uuid5(_NAMES, name)


def shelter(name: str = "Night shelter", **said: Any) -> dict[str, Any]:
    """A service of HSDS with its organisation, and a place at Pioneer Square: open at night."""
    return {
        "id": str(id_of(name)),
        "name": name,
        "status": "active",
        "minimum_age": 18,
        "assured_date": "2026-03-01",
        "schedules": [{"id": str(id_of(f"{name} hours")), "description": "Daily 7pm-7am"}],
        "organization": {
            "id": str(id_of("agency")),
            "name": "Example Harbor",
            "description": "Made up.",
        },
        "service_at_locations": [
            {
                "id": str(id_of(f"{name} there")),
                "location": {
                    "id": str(id_of("house")),
                    "location_type": "physical",
                    "name": "The house",
                    "latitude": PIONEER_SQUARE[0],
                    "longitude": PIONEER_SQUARE[1],
                },
            }
        ],
        **said,
    }


def imported(*payload: dict[str, Any], now: datetime = NOON) -> directory.Imported:
    return directory.import_hsds(payload=list(payload), by=SYSTEM, now=now)


def a_shelter(commit: Callable[[], None], of: Partner | None = None, **said: Any) -> Service:
    """The night shelter, of this partner."""
    imported(shelter(**said))
    row = Service.objects.get(pk=id_of("Night shelter"))
    if of is not None:
        organization = Organization.objects.get(pk=row.organization_id)
        organization.partner = of
        directory.save_organization(organization=organization, by=SYSTEM, now=NOON)
    commit()
    return Service.objects.select_related("organization").get(pk=row.pk)


def services_told() -> dict[str, dict[str, Any]]:
    """The services that every tablet holds, by name."""
    with reading.snapshot():
        rows = reading.page(
            holder=EVERYONE, collection="reference", seq=0, doc_id=UUID(int=0), limit=1000
        )
    bodies = [row.body() for row in rows if row.visible]
    return {body["name"]: body for body in bodies if body["kind"] == "service"}


def fact(
    world: World,
    kind: str,
    *,
    by: EnrolledTablet | None = None,
    now: datetime = NOON,
    **said: Any,
) -> dict[str, Any]:
    """A fact as a tablet makes it."""
    number = next(_saves)
    by = by or world.ours.tablets[0]
    return {
        "id": str(uuid7()),
        "kind": kind,
        "device_time": iso(now),
        "counter": number,
        "editor": str(by.instance),
        "edit_no": number,
        **{name: str(one) if isinstance(one, UUID) else one for name, one in said.items()},
    }
