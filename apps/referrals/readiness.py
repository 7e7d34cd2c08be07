"""What referrals add to `/readyz`: contacts are sent links and codes by the worker of notify."""

from __future__ import annotations

from apps.notify.readiness import needed_by
from apps.referrals.models import PartnerContact


@needed_by
def contacts() -> bool:
    """Whether any partner has somebody to be sent a link."""
    return PartnerContact.objects.filter(is_active=True).exists()
