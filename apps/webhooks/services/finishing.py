"""What came of the attempts: written by compare-and-swap on the claim, many at once.

An answer that comes after its claim has run out, when somebody else has claimed the event again,
changes nothing but its own attempt: the other one's answer counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from psycopg.pq import Format

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.fields import encrypted_field
from apps.webhooks import schedule
from apps.webhooks.models import (
    Attempt,
    Delivery,
    DeliveryState,
    Disabled,
    Endpoint,
    EndpointState,
    NoticeKind,
    Outcome,
    ParkedWhy,
)
from apps.webhooks.schedule import Settled
from apps.webhooks.services.claiming import Job
from apps.webhooks.services.noticing import notify
from apps.webhooks.services.writing import audit

_ATTEMPTS = """
update webhooks_attempt a set outcome = g.outcome, ended_at = g.ended_at, status = g.status,
  latency_ms = g.latency_ms, excerpt = g.excerpt
from unnest(%b::uuid[], %b::text[], %b::timestamptz[], %b::int[], %b::int[], %b::bytea[])
  as g (id, outcome, ended_at, status, latency_ms, excerpt)
where a.id = g.id and a.outcome in ('open', 'lost')
"""

_LOCK = """
select d.id, d.tries from unnest(%s::uuid[], %s::uuid[]) as g (id, claim)
join webhooks_delivery d on d.id = g.id and d.claim = g.claim
order by d.id for no key update of d
"""

_SETTLE = """
update webhooks_delivery d set state = g.state, parked_why = g.why, due_at = g.due_at,
  settled_at = g.settled_at, claim = null, claimed_until = null,
  replay = d.replay and g.state = 'pending'
from unnest(%s::uuid[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
  as g (id, state, why, due_at, settled_at)
where d.id = g.id
"""


# What answers change of an endpoint.
_STANDING = (
    *("state", "verified_at", "disabled_at", "disabled_why", "failures", "failing_since"),
    *("warned_at", "succeeded_at", "open_until", "slow_until"),
)
# A success is noted when it is news: not many times a second.
SUCCESS_NOTED_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt ended. `retry_after`: seconds that the receiver asked for."""

    job: Job
    outcome: Outcome
    ended_at: datetime
    latency_ms: int
    status: int | None = None
    excerpt: str | None = field(default=None, repr=False)
    retry_after: float | None = None


@transaction.atomic
def finish(
    results: Sequence[Result], *, now: datetime, chance: Callable[[], float] = schedule.chance
) -> int:
    """Writes what came of these attempts. Returns how many still had their claim.

    Endpoints are locked first and in one order, as everywhere; then the events.
    """
    if not results:
        return 0
    endpoints = {
        row.pk: row
        for row in Endpoint.objects.select_for_update(no_key=True)
        .filter(pk__in={result.job.endpoint for result in results})
        .order_by("pk")
    }
    with connection.cursor() as cursor:
        cursor.execute(
            _LOCK,
            [[result.job.delivery for result in results], [r.job.claim for r in results]],
        )
        tries = dict(cursor.fetchall())
    held = [result for result in results if result.job.delivery in tries]
    _write_attempts(results)
    _write_deliveries(
        [
            (r, schedule.settle(r.outcome, tries=tries[r.job.delivery], chance=chance()))
            for r in held
        ],
        now,
    )
    before = {pk: _standing(endpoint) for pk, endpoint in endpoints.items()}
    for result in sorted(held, key=lambda one: one.ended_at):
        _follow(endpoints[result.job.endpoint], result, now)
    changed = [row for pk, row in endpoints.items() if _standing(row) != before[pk]]
    Endpoint.objects.bulk_update(changed, _STANDING)
    return len(held)


def _standing(endpoint: Endpoint) -> tuple[Any, ...]:
    return tuple(getattr(endpoint, name) for name in _STANDING)


def _write_attempts(results: Sequence[Result]) -> None:
    excerpt = encrypted_field(Attempt, "excerpt")
    columns: list[list[Any]] = [[], [], [], [], [], []]
    for one in sorted(results, key=lambda result: result.job.attempt):
        sealed = None if one.excerpt is None else excerpt.seal_as(one.excerpt, one.job.attempt)
        row = (one.job.attempt, one.outcome.value, one.ended_at, one.status, one.latency_ms, sealed)
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(_ATTEMPTS, columns)


def _write_deliveries(settled: Sequence[tuple[Result, Settled]], now: datetime) -> None:
    ids, states, whys, due, when = [], [], [], [], []
    for result, what in settled:
        pending = what.state == DeliveryState.PENDING
        ids.append(result.job.delivery)
        states.append(what.state.value)
        whys.append(what.why.value if what.why else "")
        due.append(now + clock.domain(what.after))
        when.append(None if pending else result.ended_at)
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, [ids, states, whys, due, when])


def _follow(endpoint: Endpoint, result: Result, now: datetime) -> None:
    """What an answer says about its receiver."""
    if result.outcome == Outcome.ACCEPTED:
        endpoint.failures, endpoint.failing_since, endpoint.warned_at = 0, None, None
        endpoint.open_until = endpoint.slow_until = None
        noted = endpoint.succeeded_at
        if noted is None or result.ended_at - noted > SUCCESS_NOTED_EVERY:
            endpoint.succeeded_at = result.ended_at
        if result.job.challenge is not None and result.job.challenge == endpoint.challenge:
            _prove(endpoint, now)
        return
    endpoint.failing_since = endpoint.failing_since or result.ended_at
    endpoint.failures += 1
    if schedule.counts_for_circuit(result.outcome):
        seconds = schedule.circuit_seconds(endpoint.failures)
        endpoint.open_until = now + clock.domain(seconds) if seconds else None
    if result.status in schedule.SLOW or result.retry_after:
        wanted = schedule.SLOW_SECONDS if result.retry_after is None else result.retry_after
        until = now + clock.domain(wanted)
        endpoint.slow_until = max(until, endpoint.slow_until or until)
    if result.outcome == Outcome.GONE and endpoint.state != EndpointState.DISABLED:
        _disable(endpoint, now)


def _prove(endpoint: Endpoint, now: datetime) -> None:
    """The receiver has repeated the challenge: it is the partner's. A challenge of before the
    address was changed proves nothing about the new one: see `change_endpoint`."""
    if endpoint.state == EndpointState.UNVERIFIED:
        endpoint.state, endpoint.verified_at = EndpointState.ACTIVE, now
        audit(SYSTEM, "verify", endpoint, now)


def _disable(endpoint: Endpoint, now: datetime) -> None:
    endpoint.state, endpoint.disabled_at = EndpointState.DISABLED, now
    endpoint.disabled_why = Disabled.GONE
    endpoint.verified_at = None
    audit(SYSTEM, "disable", endpoint, now, detail={"why": Disabled.GONE.value})
    notify(endpoint, NoticeKind.DISABLED, now=now)


def let_bodies_go(*, now: datetime, kept: timedelta) -> int:
    """Drops the bodies of what is settled, and the excerpts of answers, once they are old. What was
    sent when, and how it ended, stays. What waits for an endpoint that has been disabled for as
    long is settled: nobody wants it any more. Returns how many bodies went."""
    _park_forsaken(now, now - kept)
    ids: list[UUID] = list(Delivery.objects.expired(now - kept).values_list("pk", flat=True)[:5000])
    with connection.cursor() as cursor:
        cursor.execute(
            "update webhooks_delivery set data = null"
            " where id = any(%s::uuid[]) and state <> 'pending'",
            [ids],
        )
        gone = int(cursor.rowcount)
        cursor.execute(
            "update webhooks_attempt set excerpt = null where id in ("
            "select id from webhooks_attempt where started_at < %s and excerpt is not null"
            " limit 5000)",
            [now - kept],
        )
    return gone


@transaction.atomic
def _park_forsaken(now: datetime, before: datetime) -> None:
    """The endpoint's lock first, as everywhere: one that is opened again keeps what waits."""
    waiting = Delivery.objects.forsaken(before).values("endpoint")
    endpoints = Endpoint.objects.select_for_update(no_key=True).filter(pk__in=waiting)
    locked = list(endpoints.order_by("pk").values_list("pk", flat=True))
    rows = Delivery.objects.forsaken(before).filter(endpoint__in=locked)
    Delivery.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:5000])).update(
        state=DeliveryState.PARKED,
        parked_why=ParkedWhy.DISABLED,
        settled_at=now,
        claim=None,
        claimed_until=None,
        replay=False,
    )
