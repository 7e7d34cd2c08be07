"""Deliveries are made from the log: each event once for each endpoint that is to hear of it.

1. A writer publishes; its commit gives the event its place in the log. Nothing else is written.
2. Whoever has the cursor's row reads on from there, in the order of the log, makes the rows and
   moves the cursor, in one transaction: after a crash it is as if nobody had read.
3. A sequence is counted on the endpoint's row under its lock, so that it has no gap and follows the
   log. The id follows from the place in the log, so that a database that was put back in time makes
   the same ids again.
4. What an app cannot build is noted and tried again; the events behind it go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import orjson
from django.db import connection, transaction
from psycopg.pq import Format

from apps.changes import reading
from apps.changes.epochs import A_HISTORY
from apps.changes.models import Epoch
from apps.core.fields import encrypted_field
from apps.webhooks import catalogue
from apps.webhooks.catalogue import LARGEST_DATA, Audience, EventType, Subscribers, Unfit
from apps.webhooks.models import (
    Allowance,
    Cursor,
    Delivery,
    Endpoint,
    EndpointState,
    UntoldEvent,
)

log = logging.getLogger(__name__)

EVENTS: Final = "events"
# Events of one transaction: the endpoints' rows are locked while their deliveries are written.
LARGEST_BATCH: Final = 200
_END_OF_COMMIT: Final = 2**63 - 1

FIRST_RETRY: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(hours=1)

_EVENTS = """
select m.seq, c.n, m.at, c.event, c.subject
from feed_commit m join feed_change c on c.commit_id = m.id
where m.seq >= %s and m.seq <= %s and (m.seq, c.n) > (%s, %s)
  and c.kind = 'event' and c.event = any(%s::text[])
order by m.seq, c.n limit %s
"""


# Asked many times a second, and nearly always in vain: no transaction, no lock.
_BEHIND = """
select exists (
  select from webhooks_cursor c cross join lateral (
    select seq from feed_commit where seq is not null order by seq desc limit 1) head
  where (c.seq, c.n) < (head.seq, %s))
"""


# A thousand rows cross as columns: as model instances they take many times as long.
_INSERT = """
insert into webhooks_delivery (id, endpoint_id, sequence, epoch, change, type, version, lane,
  subject, occurred_at, data, made_at, due_at, state, tries, attempts, replay, parked_why)
select g.*, %b, %b, 'pending', 0, 0, false, ''
from unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::uuid[], %b::bigint[], %b::text[],
  %b::smallint[], %b::smallint[], %b::uuid[], %b::timestamptz[], %b::bytea[]) g
"""


@dataclass(frozen=True, slots=True)
class Happened:
    """A published event at its place in the log: the commit's number, and the change's."""

    seq: int
    change: int
    at: datetime
    event: str
    subject: UUID


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of it, in one type, and to whom."""

    happened: Happened
    type: EventType
    data: dict[str, Any]
    key: UUID
    audience: Audience


def tell(*, now: datetime) -> int:
    """Makes the deliveries of what the log holds beyond the cursor, batch by batch. Returns how
    many events were read. Of two workers at once one does it."""
    read = 0
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND, [_END_OF_COMMIT])
        if not cursor.fetchone()[0]:
            return 0
    while True:
        batch = _tell_batch(now)
        read += batch
        if batch < LARGEST_BATCH:
            return read


@transaction.atomic
def _tell_batch(now: datetime) -> int:
    cursor = Cursor.objects.select_for_update(no_key=True, skip_locked=True).first()
    if cursor is None:
        return 0
    head = reading.head().seq
    if (cursor.seq, cursor.n) >= (head, _END_OF_COMMIT):
        return 0
    with connection.cursor() as statement:
        names = catalogue.event_names()
        place = [cursor.seq, head, cursor.seq, cursor.n]
        statement.execute(_EVENTS, [*place, names, LARGEST_BATCH])
        found = [Happened(*row) for row in statement.fetchall()]
    if found and Endpoint.objects.exclude(state=EndpointState.DISABLED).exists():
        _make(_built(found, now), now)
    if len(found) < LARGEST_BATCH:
        cursor.seq, cursor.n = head, _END_OF_COMMIT
    else:
        cursor.seq, cursor.n = found[-1].seq, found[-1].change
    cursor.save(update_fields=["seq", "n"])
    return len(found)


def retry_untold(*, now: datetime) -> int:
    """Tries again what could not be built. Returns how many events were told. An attempt is counted
    before it is made: one that kills its process comes again later and later."""
    return sum(
        _retry(pk, now)
        for pk in UntoldEvent.objects.due(now).values_list("pk", flat=True)[:LARGEST_BATCH]
        if _count(pk, now)
    )


@transaction.atomic
def _count(pk: UUID, now: datetime) -> bool:
    rows = UntoldEvent.objects.due(now).filter(pk=pk)
    row = rows.select_for_update(no_key=True, skip_locked=True).first()
    if row is None:
        return False
    row.due_at = now + min(FIRST_RETRY * 2 ** min(row.attempts, 20), LONGEST_RETRY)
    row.attempts += 1
    row.save(update_fields=["attempts", "due_at"])
    return True


def _retry(pk: UUID, now: datetime) -> int:
    try:
        with transaction.atomic():
            row = UntoldEvent.objects.select_for_update(no_key=True).filter(pk=pk).first()
            known = catalogue.named(row.type) if row else None
            if row is None or known is None:
                return 0
            happened = Happened(row.seq, row.change, row.occurred_at, row.event, row.subject)
            _make([told for told in [_build(happened, known)] if told], now)
            row.delete()
            return 1
    except Exception as error:  # noqa: BLE001 - it stays, and comes again
        log.error("an event could not be told again: %s", type(error).__name__)
        UntoldEvent.objects.filter(pk=pk).update(error=type(error).__name__)
        return 0


def _built(found: Iterable[Happened], now: datetime) -> list[Told]:
    told = []
    for happened in found:
        for event_type in catalogue.on_event(happened.event):
            try:
                with transaction.atomic():
                    one = _build(happened, event_type)
            except Exception as error:  # noqa: BLE001 - whatever it is, the events behind it go on
                log.error("an event cannot be told: %s, %s", event_type.name, type(error).__name__)
                _set_aside(happened, event_type, error, now)
            else:
                told += [one] if one else []
    return told


def _build(happened: Happened, event_type: EventType) -> Told | None:
    data = event_type.build(happened.subject)
    if data is None:
        return None
    event_type.check(data)
    if len(orjson.dumps(data)) > LARGEST_DATA:
        raise Unfit(f"{event_type.name}: more than {LARGEST_DATA} bytes")
    subject = happened.subject
    return Told(happened, event_type, data, event_type.key(subject), event_type.audience(subject))


def _set_aside(happened: Happened, event_type: EventType, error: Exception, now: datetime) -> None:
    UntoldEvent.objects.create(
        seq=happened.seq,
        change=happened.change,
        event=happened.event,
        subject=happened.subject,
        type=event_type.name,
        occurred_at=happened.at,
        error=type(error).__name__,
        failed_at=now,
        due_at=now + FIRST_RETRY,
    )


def _make(told: Sequence[Told], now: datetime) -> None:
    """The deliveries, in the order of the log. The endpoints' rows are locked in one order, so that
    whoever pauses or changes one at the same moment comes before all of them or after."""
    if not told:
        return
    open_ones = Endpoint.objects.exclude(state=EndpointState.DISABLED)
    endpoints = list(
        open_ones.filter(partner__is_active=True)
        .select_for_update(no_key=True, of=("self",))
        .order_by("pk")
    )
    allowed = set(Allowance.objects.standing().values_list("partner_id", "type"))
    epoch_of = _epochs()
    rows = []
    for one in told:
        for endpoint in endpoints:
            if not _is_told(endpoint, one, allowed):
                continue
            endpoint.sequence += 1
            rows.append(_row(endpoint, one, epoch_of(one.happened.seq)))
    for start in range(0, len(rows), 1000):
        columns = [list(column) for column in zip(*rows[start : start + 1000], strict=True)]
        with connection.cursor() as cursor:
            cursor.cursor.format = Format.BINARY
            cursor.execute(_INSERT, [now, now, *columns])
    moved = {row[1] for row in rows}
    Endpoint.objects.bulk_update([e for e in endpoints if e.pk in moved], ["sequence"])


def _is_told(endpoint: Endpoint, told: Told, allowed: set[tuple[UUID, str]]) -> bool:
    if told.type.of_endpoint:
        return endpoint.pk == told.happened.subject
    if endpoint.state == EndpointState.UNVERIFIED and endpoint.verified_at is None:
        return False  # nothing real before it has shown whose it is
    if told.type.name not in endpoint.event_types:
        return False
    if told.type.restricted and (endpoint.partner_id, told.type.name) not in allowed:
        return False
    return isinstance(told.audience, Subscribers) or endpoint.partner_id in told.audience


def _row(endpoint: Endpoint, told: Told, epoch: UUID) -> tuple[Any, ...]:
    """A delivery, in the order of `_INSERT`."""
    happened = told.happened
    id = delivery_id(epoch, happened.change, endpoint.pk, told.type.name)
    return (
        *(id, endpoint.pk, endpoint.sequence, epoch, happened.change),
        *(told.type.name, told.type.version, int(told.type.lane), told.key, happened.at),
        encrypted_field(Delivery, "data").seal_as(told.data, id),
    )


def delivery_id(epoch: UUID, change: int, endpoint: UUID, type: str) -> UUID:
    """The `webhook-id` of an event of the log for an endpoint."""
    return uuid5(epoch, f"{change}/{endpoint}/{type}")


def _epochs() -> Callable[[int], UUID]:
    """The history that a commit belongs to, by its number: see `apps.changes.epochs`."""
    names = list(Epoch.objects.order_by("started_at").values_list("id", flat=True))
    return lambda seq: names[min(seq // A_HISTORY, len(names) - 1)]
