"""Events once more: one of them, or all since a number. A replay keeps its id and waits for no
other; receivers drop what they have."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import connection, transaction

from apps.audit.services import Actor
from apps.core.problems import CONFLICT, ProblemError
from apps.webhooks.models import Delivery, DeliveryState, Endpoint, EndpointState
from apps.webhooks.services.writing import audit, because, locked

# What one call brings back; the next one goes on from there.
MOST_REPLAYED: Final = 10_000

_REPLAY = """
update webhooks_delivery set state = 'pending', replay = true, due_at = %s, tries = 0,
  settled_at = null, parked_why = ''
where id in (
  select id from webhooks_delivery
  where endpoint_id = %s and sequence > %s and state <> 'pending' and data is not null
    and type <> 'endpoint.verification'
  order by sequence limit %s for no key update)
returning sequence
"""


@transaction.atomic
def replay(*, delivery: Delivery, why: str = "", by: Actor, now: datetime) -> Delivery:
    """Sends one event again, whatever became of it. One that is pending is tried at once; of one
    that is due anyhow nothing changes.

    ProblemError (CONFLICT) where its body has expired, or the endpoint is sent nothing.
    """
    endpoint = locked(delivery.endpoint)
    _refuse_unproven(endpoint)
    row = Delivery.objects.select_for_update(no_key=True).get(pk=delivery.pk)
    if row.data is None:
        raise ProblemError(CONFLICT, "The body of this event has expired. Read it at /events.")
    if row.state == DeliveryState.PENDING and row.due_at <= now and not row.tries:
        return row
    if row.state != DeliveryState.PENDING:
        row.state, row.settled_at, row.parked_why = DeliveryState.PENDING, None, ""
        row.replay = True
    row.due_at, row.tries = now, 0
    row.save(update_fields=["state", "settled_at", "parked_why", "replay", "due_at", "tries"])
    audit(by, "replay", endpoint, now, detail=because(why, sequence=row.sequence))
    return row


@transaction.atomic
def replay_since(
    *, endpoint: Endpoint, sequence: int, why: str = "", by: Actor, now: datetime
) -> tuple[int, int]:
    """Sends everything after this number again that was accepted or parked, up to so many. Returns
    how many, and the last number among them."""
    row = locked(endpoint)
    _refuse_unproven(row)
    with connection.cursor() as cursor:
        cursor.execute(_REPLAY, [now, row.pk, sequence, MOST_REPLAYED])
        found = [number for (number,) in cursor.fetchall()]
    last = max(found, default=sequence)
    detail = because(why, after=sequence, count=len(found))
    audit(by, "replay-since", row, now, detail=detail)
    return len(found), last


def _refuse_unproven(endpoint: Endpoint) -> None:
    if endpoint.state not in {EndpointState.ACTIVE, EndpointState.PAUSED}:
        raise ProblemError(CONFLICT, f"This endpoint is {endpoint.state}: it has to be proven.")
