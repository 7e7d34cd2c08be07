"""Whether services fit, asked on the server: before a referral is sent, for the next partner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.referrals.directory.fit import Ask, Fit, fit
from apps.referrals.models import Service
from apps.referrals.models.directory import ServiceQuerySet
from apps.referrals.services.directory.entries import city_day, documents_of


def how_services_fit(
    services: ServiceQuerySet, *, person: Mapping[str, Any], now: datetime, **asked: Any
) -> dict[UUID, Fit]:
    """How each of these services fits somebody now; `asked` as of `fit.Ask`."""
    ask = Ask(at=now, day=city_day(now), person=person, **asked)
    return {one.id: fit(one.body or {}, ask) for one in documents_of(services, now=now)}


def fit_of(service_id: UUID, *, person: Mapping[str, Any], now: datetime) -> Fit | None:
    """How one fits; None where there is no such service."""
    found = how_services_fit(Service.objects.filter(pk=service_id), person=person, now=now)
    return found.get(service_id)
