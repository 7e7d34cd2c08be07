"""What every verb of webhooks writes: the audit entry, and the endpoint under its lock."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models

from apps.audit.services import Actor, record
from apps.webhooks.models import Endpoint


class Why(models.TextChoices):
    """Why a supervisor acted for a partner. Words that name nobody: they stand in the audit log."""

    ASKED = "asked", "the partner asked for it"
    MAINTENANCE = "maintenance", "maintenance, there or here"
    LEAK = "leak", "a secret may have leaked"
    FAILING = "failing", "it fails, or did"
    TRIAL = "trial", "to try it"


def because(why: str, **detail: Any) -> dict[str, Any]:
    """The detail of an audit entry, with the reason where one was given."""
    return {**detail, "why": Why(why).value} if why else detail


def locked(endpoint: Endpoint) -> Endpoint:
    """The endpoint as it is now, its row locked against claims, answers and new events."""
    return Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)


def audit(
    actor: Actor,
    action: str,
    endpoint: Endpoint,
    now: datetime,
    *,
    detail: dict[str, Any] | None = None,
) -> None:
    """One audit entry about an endpoint."""
    ids: list[UUID] = [endpoint.pk]
    record(
        actor=actor,
        action=action,
        subject_type="endpoint",
        subject_ids=ids,
        now=now,
        detail=detail,
    )
