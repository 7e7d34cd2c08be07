"""The partners of a day: who can be asked, and what each may read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx2

from apps.accounts import services as accounts
from apps.accounts.models import Partner
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.referrals.models import Service
from apps.referrals.services import directory

ASKED = "/api/v1/partner/referrals"


@dataclass
class PartnerSystem:
    """A partner with a system of its own. `service`: its own in the directory, if it is there."""

    partner: Partner
    system: httpx2.AsyncClient
    service: UUID | None = None


def partners_of(mark: str, now: datetime) -> list[PartnerSystem]:
    """Three, of which the first is in the directory."""
    found = []
    for number in range(3):
        token, partner = accounts.create_partner(name=f"Agency {number} {mark}", by=SYSTEM, now=now)
        system = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
        )
        found.append(PartnerSystem(partner, system))
    found[0].service = _listed(found[0].partner, mark, now)
    return found


def _listed(partner: Partner, mark: str, now: datetime) -> UUID:
    """A service of a partner in the directory (HSDS)."""
    service = str(uuid7())
    told: dict[str, Any] = {
        "id": service,
        "name": f"Night shelter {mark}",
        "status": "active",
        "assured_date": f"{now:%Y-%m-%d}",
        "organization": {"id": str(uuid7()), "name": f"House {mark}", "description": "Made up."},
    }
    directory.import_hsds(payload=[told], by=SYSTEM, now=now)
    row = Service.objects.select_related("organization").get(pk=service)
    row.organization.partner = partner
    directory.save_organization(organization=row.organization, by=SYSTEM, now=now)
    return row.pk
