"""When somebody was last referred: for rules of other rooms (`people.signs`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from apps.referrals.models import Referral, RequestStatus


def referral_signs(encounters: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """When the last referral of each encounter was made. What was withdrawn, or entered in error,
    is none."""
    rows = Referral.objects.of_encounters(encounters).exclude(
        status__in=(RequestStatus.REVOKED, RequestStatus.ERROR)
    )
    told = rows.values_list("encounter_id", "created_at")  # the last one comes last
    return {encounter: {"referral_at": at} for encounter, at in told}
