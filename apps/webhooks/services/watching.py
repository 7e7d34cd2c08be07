"""Endpoints that only fail: a named person is warned after a day, it is paused after five.

It looks at what stands, so that two ticks at once, or one that was missed, do no harm.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.webhooks.models import Endpoint, EndpointState, NoticeKind, PausedBy
from apps.webhooks.schedule import PAUSED_AFTER_DAYS, WARNED_AFTER_HOURS
from apps.webhooks.services.noticing import notify
from apps.webhooks.services.writing import audit


def watch_endpoints(*, now: datetime) -> int:
    """Warns and pauses what is due, each in a transaction of its own. Returns how many."""
    due = Endpoint.objects.failing_since(now - clock.domain(WARNED_AFTER_HOURS * 3600))
    return sum(_watch(pk, now) for pk in due.values_list("pk", flat=True))


@transaction.atomic
def _watch(pk: UUID, now: datetime) -> bool:
    due = Endpoint.objects.failing_since(now - clock.domain(WARNED_AFTER_HOURS * 3600))
    row = due.filter(pk=pk).select_for_update(no_key=True).first()
    if row is None or row.failing_since is None:
        return False
    did = False
    if row.warned_at is None:
        row.warned_at, did = now, True
        notify(row, NoticeKind.FAILING, now=now)
    long_ago = row.failing_since <= now - clock.domain(PAUSED_AFTER_DAYS * 24 * 3600)
    if long_ago and row.state == EndpointState.ACTIVE:
        did = True
        row.state, row.paused_at, row.paused_by = EndpointState.PAUSED, now, PausedBy.SYSTEM
        audit(SYSTEM, "pause", row, now, detail={"by": PausedBy.SYSTEM.value})
        notify(row, NoticeKind.PAUSED, now=now)
    row.save(update_fields=["warned_at", "state", "paused_at", "paused_by"])
    return did
