"""What referrals contribute to the picture of an encounter, in words for people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.core.clock import iso
from apps.referrals import codes
from apps.referrals.models import Referral, ReferralTask, RequestStatus
from apps.referrals.services.referrals import needs_of


def referrals_part(encounter_id: UUID) -> list[dict[str, Any]] | None:
    """The referrals of an encounter and what became of them. None for none. What was entered in
    error is none."""
    rows = Referral.objects.of_encounters([encounter_id]).exclude(status=RequestStatus.ERROR)
    return [in_words(row) for row in rows] or None


def in_words(row: Referral) -> dict[str, Any]:
    """One referral for people."""
    tasks = ReferralTask.objects.filter(referral=row).select_related("partner")
    told = tasks.exclude(status="entered-in-error").order_by("asked_at", "pk")
    return {
        "number": row.number,
        "at": iso(row.created_at),
        "needs": [codes.NEEDS.get(need, need) for need in needs_of(row)],
        "urgency": codes.URGENCIES[row.urgency],
        "outcome": codes.OUTCOMES.get(row.outcome or "", ""),
        "asked": [
            {
                "partner": one.partner.name,
                "state": codes.TASK_STATUSES[one.status],
                "reason": one.reason_for_partner or "",
                "appointment_at": one.said.get("appointment_at") or "",
            }
            for one in told
        ],
    }
