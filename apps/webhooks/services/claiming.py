"""Which attempts are made now. Each is written down before it is made.

1. A pump claims: it locks endpoints that have something due, leaving those that another pump has,
   and then their rows. So a pause, which locks the endpoint too, comes before the claim or after:
   after its commit nothing is claimed, and an attempt's start is the commit of its row.
2. Per endpoint and subject the oldest pending event alone is claimed, unless it is urgent or a
   replay. One that a pump has is still pending: the next one waits for its answer.
3. Attempts are counted here, so that one that kills its worker is counted. A claim holds until
   `claimed_until`; then the event is due again, and the attempt is lost: somebody else repeats it
   under the same id.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.changes import reading
from apps.core.crypto import Undecryptable
from apps.core.fields import encrypted_field
from apps.core.ids import uuid7
from apps.webhooks import envelope, signing
from apps.webhooks.models import Delivery, Endpoint, SigningKey
from apps.webhooks.schedule import CIRCUIT_FAILURES

log = logging.getLogger(__name__)

VERIFICATION: Final = "endpoint.verification"
MOST_ENDPOINTS: Final = 200
# Ids of refused events that a body names, the newest.
MOST_PARKED: Final = 20

_ENDPOINTS = f"""
select e.id from webhooks_endpoint e join accounts_partner p on p.id = e.partner_id
where p.is_active and e.state in ('active', 'unverified')
  and (e.slow_until is null or e.slow_until <= %(now)s)
  and exists (
    select from webhooks_delivery d
    where d.endpoint_id = e.id and d.state = 'pending' and d.due_at <= %(now)s
      and (d.claimed_until is null or d.claimed_until <= %(now)s)
      and (e.state = 'active' or d.type = '{VERIFICATION}')
      and (e.open_until is null or e.open_until <= %(now)s or d.lane = 0))
order by e.claimed_at nulls first, e.id limit %(limit)s
for no key update of e skip locked
"""  # noqa: S608  (a constant)

_UNDER_WAY = """
select e.partner_id, d.endpoint_id, count(*)
from webhooks_endpoint e join webhooks_delivery d on d.endpoint_id = e.id
where e.partner_id = any(%s::uuid[]) and d.claim is not null and d.claimed_until > %s
group by 1, 2
"""

_DELIVERIES = f"""
select x.id from unnest(%(ids)s::uuid[], %(most)s::int[]) as g (id, most)
join webhooks_endpoint e on e.id = g.id
cross join lateral (
  select d.id from webhooks_delivery d
  where d.endpoint_id = e.id and d.state = 'pending' and d.due_at <= %(now)s
    and (d.claimed_until is null or d.claimed_until <= %(now)s)
    and (e.state = 'active' or d.type = '{VERIFICATION}')
    and (e.open_until is null or e.open_until <= %(now)s or d.lane = 0)
    and (d.lane = 0 or d.replay or not exists (
      select from webhooks_delivery before
      where before.endpoint_id = d.endpoint_id and before.subject = d.subject
        and before.sequence < d.sequence and before.state = 'pending'
        and before.lane = 1 and not before.replay))
  order by d.lane, d.sequence limit g.most for no key update of d skip locked) x
"""  # noqa: S608  (a constant)

_CLAIM = """
update webhooks_delivery set claim = %s, claimed_until = %s, attempts = attempts + 1,
  tries = tries + 1 where id = any(%s::uuid[])
returning id, endpoint_id, attempts, type, version, occurred_at, epoch, sequence, data
"""

_ATTEMPTS = """
insert into webhooks_attempt (id, delivery_id, number, started_at, outcome)
select g.*, %s, 'open' from unnest(%s::uuid[], %s::uuid[], %s::int[]) g (id, delivery, number)
"""

_LOST = """
update webhooks_attempt set outcome = 'lost', ended_at = %s
where delivery_id = any(%s::uuid[]) and outcome = 'open'
"""

_CLAIMED = """
update webhooks_endpoint e set claimed_at = %(now)s, tokens = g.tokens, tokens_at = %(now)s
from unnest(%(ids)s::uuid[], %(tokens)s::float8[]) as g (id, tokens) where e.id = g.id
"""

_PARKED = """
select d.id, before.id from webhooks_delivery d join webhooks_delivery before
  on before.endpoint_id = d.endpoint_id and before.subject = d.subject
  and before.sequence < d.sequence and before.state = 'parked'
where d.id = any(%s::uuid[]) and d.lane = 1 and not exists (
  select from webhooks_delivery told
  where told.endpoint_id = d.endpoint_id and told.subject = d.subject and told.lane = 1
    and told.sequence > before.sequence and told.sequence < d.sequence and told.state = 'accepted')
order by d.id, before.sequence desc
"""


@dataclass(frozen=True, slots=True)
class Job:
    """An attempt to be made: everything that it needs, so that no database is asked on the way.
    `challenge`: what the answer has to repeat. Its text names nobody and no address."""

    attempt: UUID
    delivery: UUID
    endpoint: UUID
    claim: UUID
    url: str
    headers: Mapping[str, str]
    body: bytes
    challenge: str | None = None

    def __repr__(self) -> str:
        return f"<attempt {self.attempt}>"


@transaction.atomic
def claim(*, slots: int, now: datetime) -> list[Job]:
    """Claims up to so many attempts, shared among the endpoints that have something due."""
    if slots < 1:
        return []
    endpoints = _locked(now)
    share = _shares(endpoints, slots, now)
    if not share:
        return []
    asked: dict[str, Any] = {"ids": list(share), "most": list(share.values()), "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_DELIVERIES, asked)
        ids = [id for (id,) in cursor.fetchall()]
    jobs = _taken(ids, endpoints, now) if ids else []
    with connection.cursor() as cursor:
        tokens = [endpoint.tokens for endpoint in endpoints.values()]
        cursor.execute(_CLAIMED, {"ids": list(endpoints), "tokens": tokens, "now": now})
    return jobs


def _locked(now: datetime) -> dict[UUID, Endpoint]:
    with connection.cursor() as cursor:
        cursor.execute(_ENDPOINTS, {"now": now, "limit": MOST_ENDPOINTS})
        ids = [id for (id,) in cursor.fetchall()]
    found = Endpoint.objects.in_bulk(ids) if ids else {}
    return {id: found[id] for id in ids}  # whoever has waited longest comes first


def _shares(endpoints: Mapping[UUID, Endpoint], slots: int, now: datetime) -> dict[UUID, int]:
    """How many attempts each endpoint may begin: what its rate and its share of the pumps allow,
    and its partner's: one who has many endpoints, of which none answers, keeps nobody waiting."""
    waiting = Counter(endpoint.partner_id for endpoint in endpoints.values())
    under_way: Counter[UUID] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(_UNDER_WAY, [list(waiting), now])
        for partner, id, count in cursor.fetchall():
            under_way[partner] += count
            under_way[id] = count
    found = {}
    for id, endpoint in endpoints.items():
        most = 1 if endpoint.failures >= CIRCUIT_FAILURES else settings.WEBHOOK_ENDPOINT_IN_FLIGHT
        _refill(endpoint, now)
        partner = endpoint.partner_id
        of_partner = ceil(
            (settings.WEBHOOK_PARTNER_IN_FLIGHT - under_way[partner]) / waiting[partner]
        )
        waiting[partner] -= 1  # what is left is for the others of its endpoints that wait
        free = min(most - under_way[id], of_partner, int(endpoint.tokens), slots)
        if free > 0:
            found[id] = free
            slots -= free
            under_way[partner] += free
    return found


def _refill(endpoint: Endpoint, now: datetime) -> None:
    """The rate's tokens: as many as one second gives, at most."""
    passed = 1.0
    if endpoint.tokens_at is not None:
        passed = max((now - endpoint.tokens_at).total_seconds(), 0.0)
    endpoint.tokens = min(endpoint.tokens + passed * endpoint.rate, float(endpoint.rate))


def _taken(ids: list[UUID], endpoints: Mapping[UUID, Endpoint], now: datetime) -> list[Job]:
    mark = uuid7()
    until = now + timedelta(seconds=settings.WEBHOOK_LEASE_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(_LOST, [now, ids])
        cursor.execute(_PARKED, [ids])
        parked: dict[UUID, list[UUID]] = {}
        for delivery, refused in cursor.fetchall():
            parked.setdefault(delivery, []).append(refused)
    rows = {row[0]: row for row in reading.fetched(_CLAIM, [mark, until, ids])}
    keys = _keys({row[1] for row in rows.values()}, now)
    opened: dict[UUID, list[signing.Keys]] = {}
    jobs = []
    for id in ids:
        endpoint = endpoints[rows[id][1]]
        try:
            if endpoint.pk not in opened:
                opened[endpoint.pk] = [
                    signing.opened(k.secret, k.private) for k in keys[endpoint.pk]
                ]
            told = parked.get(id, [])[:MOST_PARKED]
            jobs.append(
                _job(rows[id], endpoint, opened[endpoint.pk], parked=told, mark=mark, now=now)
            )
        except Undecryptable:
            # Its claim runs out and it comes again; what is for others is not held up by it.
            log.error("an event cannot be opened: delivery %s", id)
            continue
        endpoint.tokens -= 1
    with connection.cursor() as cursor:
        made = [job.delivery for job in jobs]
        numbers = [rows[id][2] for id in made]
        cursor.execute(_ATTEMPTS, [now, [job.attempt for job in jobs], made, numbers])
    return jobs


def _job(
    row: Sequence[Any],
    endpoint: Endpoint,
    keys: Iterable[signing.Keys],
    *,
    parked: Sequence[UUID],
    mark: UUID,
    now: datetime,
) -> Job:
    """An attempt at a row of `_CLAIM`. Undecryptable where the event or its endpoint's address
    cannot be opened."""
    id, _, _, type, version, at, epoch, sequence, closed = row
    data = encrypted_field(Delivery, "data").open_as(bytes(closed), id)
    body = envelope.body(
        type=type,
        version=version,
        at=at,
        endpoint=endpoint.pk,
        epoch=epoch,
        sequence=sequence,
        parked=parked,
        data=data,
    )
    headers = signing.headers(id, now, body, keys)
    challenge = data.get("challenge") if type == VERIFICATION else None
    return Job(uuid7(), id, endpoint.pk, mark, endpoint.url, headers, body, challenge)


def _keys(endpoints: Iterable[UUID], now: datetime) -> dict[UUID, list[SigningKey]]:
    found: dict[UUID, list[SigningKey]] = {}
    for key in SigningKey.objects.signing(list(endpoints), now):
        found.setdefault(key.endpoint_id, []).append(key)
    return found
