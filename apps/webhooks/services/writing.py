"""What every verb of webhooks writes: the audit entry, and the endpoint under its lock."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from apps.audit.services import Actor, record
from apps.webhooks.models import Endpoint


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
