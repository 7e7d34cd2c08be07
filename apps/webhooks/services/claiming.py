"""Which attempts are made now. Each is written down before it is made.

1. A pump claims: it locks endpoints that have something due, leaving those that another pump has.
   Whoever changes a pending event has its endpoint's lock, so their events are the pump's then. A
   pause, which locks the endpoint too, comes before the claim or after: after its commit nothing is
   claimed, and an attempt's start is the commit of its row.
2. Per endpoint and subject the oldest pending event alone is claimed, unless it is urgent or a
   replay. One that a pump has is still pending: the next one waits for its answer.
3. Attempts are counted here, so that one that kills its worker is counted. A claim holds until
   `claimed_until`; then the event is due again, and the attempt is lost: somebody else repeats it
   under the same id.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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
# So many of an endpoint's oldest events are looked at one by one.
LOOKED_AT: Final = 200
# Ids of refused events that a body names, the newest.
MOST_PARKED: Final = 20

_DUE = """
    d.state = 'pending' and d.due_at <= %(now)s
    and (d.claimed_until is null or d.claimed_until <= %(now)s)
"""

# Lane by lane, each a look-up: the long backlog of one that is down is not read.
_ENDPOINTS = f"""
select e.id, e.partner_id, e.failures, e.rate, e.tokens, e.tokens_at, e.url
from webhooks_endpoint e join accounts_partner p on p.id = e.partner_id
where p.is_active and e.state in ('active', 'unverified')
  and (e.slow_until is null or e.slow_until <= %(now)s)
  and (exists (
    select from webhooks_delivery d where d.endpoint_id = e.id and d.lane = 0 and {_DUE}
      and (e.state = 'active' or d.type = '{VERIFICATION}')
  ) or e.state = 'active' and (e.open_until is null or e.open_until <= %(now)s) and exists (
    select from webhooks_delivery d where d.endpoint_id = e.id and d.lane = 1 and {_DUE}))
order by e.claimed_at nulls first, e.id limit %(limit)s
for no key update of e skip locked
"""  # noqa: S608  (a constant)

_UNDER_WAY = """
select e.partner_id, d.endpoint_id, count(*)
from webhooks_endpoint e join webhooks_delivery d on d.endpoint_id = e.id
where e.partner_id = any(%s::uuid[]) and d.claim is not null and d.claimed_until > %s
group by 1, 2
"""

# Of each endpoint, until there are enough: 1. urgent ones. 2. What may go among its oldest. 3. What
# lies behind those, where a subject may have any number that wait for its first: from one subject
# to the next in an index, the first one alone. 4. Replays that lie there. What is behind starts at
# `edge`; most endpoints have no such place, and then 3 and 4 read nothing.
_DELIVERIES = f"""
select x.id from unnest(%(ids)s::uuid[], %(most)s::int[]) as g (id, most)
join (
  select e.id, e.state, e.state = 'active'
    and (e.open_until is null or e.open_until <= %(now)s) as closed
  from webhooks_endpoint e) e on e.id = g.id
left join lateral (
  select d.sequence as edge from webhooks_delivery d
  where d.endpoint_id = e.id and d.state = 'pending' and d.lane = 1
  order by d.sequence offset {LOOKED_AT} limit 1) far on e.closed
cross join lateral (
  select d.id from webhooks_delivery d
  where d.endpoint_id = e.id and d.lane = 0 and {_DUE}
    and (e.state = 'active' or d.type = '{VERIFICATION}')
  union all
  select d.id from (
    select * from webhooks_delivery d
    where d.endpoint_id = e.id and d.state = 'pending' and d.lane = 1
    order by d.sequence limit {LOOKED_AT}) d
  where e.closed and {_DUE} and (d.replay or not exists (
    select from webhooks_delivery before
    where before.endpoint_id = d.endpoint_id and before.subject = d.subject
      and before.sequence < d.sequence and before.state = 'pending'
      and before.lane = 1 and not before.replay))
  union all
  select d.id from (
    with recursive first as (
      (select d.* from webhooks_delivery d
      where far.edge is not null and d.endpoint_id = e.id and d.state = 'pending'
        and d.lane = 1 and not d.replay
      order by d.subject, d.sequence limit 1)
      union all
      select d.* from first cross join lateral (
        select d.* from webhooks_delivery d
        where d.endpoint_id = e.id and d.state = 'pending' and d.lane = 1 and not d.replay
          and d.subject > first.subject
        order by d.subject, d.sequence limit 1) d)
    select * from first) d
  where d.sequence >= far.edge and {_DUE}
  union all
  select d.id from webhooks_delivery d
  where d.endpoint_id = e.id and d.lane = 1 and d.replay and d.sequence >= far.edge and {_DUE}
  limit g.most) x
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


@dataclass(slots=True)
class _Ready:
    """An endpoint that has something due, locked: a row of `_ENDPOINTS`. `url` is sealed."""

    id: UUID
    partner: UUID
    failures: int
    rate: int
    tokens: float
    tokens_at: datetime | None
    url: bytes


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
    share = _shares(endpoints, slots, now) if endpoints else {}
    if not share:
        return []
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {"ids": list(share), "most": list(share.values()), "now": now}
        cursor.execute(_DELIVERIES, asked)
        ids = [id for (id,) in cursor.fetchall()]
    jobs = _taken(ids, endpoints, now) if ids else []
    _move_on(endpoints, {job.endpoint for job in jobs}, now)
    return jobs


def _locked(now: datetime) -> dict[UUID, _Ready]:
    """Whoever has waited longest comes first."""
    with connection.cursor() as cursor:
        cursor.execute(_ENDPOINTS, {"now": now, "limit": MOST_ENDPOINTS})
        return {row[0]: _Ready(*row) for row in cursor.fetchall()}


def _move_on(endpoints: Mapping[UUID, _Ready], served: Collection[UUID], now: datetime) -> None:
    """Those that were served go to the end; all do where more may wait than were looked at: one
    whose events all wait for an answer would otherwise be looked at for ever."""
    moved = endpoints if len(endpoints) == MOST_ENDPOINTS else served
    tokens = [endpoints[id].tokens for id in moved]
    with connection.cursor() as cursor:
        cursor.execute(_CLAIMED, {"ids": list(moved), "tokens": tokens, "now": now})


def _shares(endpoints: Mapping[UUID, _Ready], slots: int, now: datetime) -> dict[UUID, int]:
    """How many attempts each endpoint may begin: what its rate and its share of the pumps allow,
    and its partner's: one who has many endpoints, of which none answers, keeps nobody waiting."""
    waiting = Counter(endpoint.partner for endpoint in endpoints.values())
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
        partner = endpoint.partner
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


def _refill(endpoint: _Ready, now: datetime) -> None:
    """The rate's tokens: as many as one second gives, at most."""
    passed = 1.0
    if endpoint.tokens_at is not None:
        passed = max((now - endpoint.tokens_at).total_seconds(), 0.0)
    endpoint.tokens = min(endpoint.tokens + passed * endpoint.rate, float(endpoint.rate))


def _taken(ids: list[UUID], endpoints: Mapping[UUID, _Ready], now: datetime) -> list[Job]:
    mark = uuid7()
    until = now + timedelta(seconds=settings.WEBHOOK_LEASE_SECONDS)
    rows = {row[0]: row for row in reading.fetched(_CLAIM, [mark, until, ids])}
    again = [id for id in ids if rows[id][2] > 1]
    with connection.cursor() as cursor:
        if again:
            cursor.execute(_LOST, [now, again])
        cursor.execute(_PARKED, [ids])
        parked: dict[UUID, list[UUID]] = {}
        for delivery, refused in cursor.fetchall():
            parked.setdefault(delivery, []).append(refused)
    address = encrypted_field(Endpoint, "url")
    keys = _keys({row[1] for row in rows.values()}, now)
    opened: dict[UUID, tuple[str, list[signing.Keys]]] = {}
    jobs = []
    for id in ids:
        endpoint = endpoints[rows[id][1]]
        try:
            if endpoint.id not in opened:
                pairs = [signing.opened(k.secret, k.private) for k in keys[endpoint.id]]
                opened[endpoint.id] = address.open_as(endpoint.url, endpoint.id), pairs
            url, signs = opened[endpoint.id]
            told = parked.get(id, [])[:MOST_PARKED]
            jobs.append(_job(rows[id], url, signs, parked=told, mark=mark, now=now))
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
    url: str,
    keys: Iterable[signing.Keys],
    *,
    parked: Sequence[UUID],
    mark: UUID,
    now: datetime,
) -> Job:
    """An attempt at a row of `_CLAIM`. Undecryptable where the event cannot be opened."""
    id, endpoint, _, type, version, at, epoch, sequence, closed = row
    data = encrypted_field(Delivery, "data").open_as(bytes(closed), id)
    body = envelope.body(
        type=type,
        version=version,
        at=at,
        endpoint=endpoint,
        epoch=epoch,
        sequence=sequence,
        parked=parked,
        data=data,
    )
    headers = signing.headers(id, now, body, keys)
    challenge = data.get("challenge") if type == VERIFICATION else None
    return Job(uuid7(), id, endpoint, mark, url, headers, body, challenge)


def _keys(endpoints: Iterable[UUID], now: datetime) -> dict[UUID, list[SigningKey]]:
    found: dict[UUID, list[SigningKey]] = {}
    for key in SigningKey.objects.signing(list(endpoints), now):
        found.setdefault(key.endpoint_id, []).append(key)
    return found
