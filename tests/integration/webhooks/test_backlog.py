"""Ten thousand events that wait behind one of their subject: a claim reads none of them, and what
is told beside them goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.db import connection

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.webhooks import services
from apps.webhooks.models import Delivery, Endpoint, Outcome
from apps.webhooks.services import Job, Result
from tests.integration.webhooks.conftest import happen

pytestmark = pytest.mark.django_db(transaction=True)
Make = Callable[..., Endpoint]

WAIT = 10_000
# Pages that two claims may look at: some hundred, more where indexes are deep. Whoever reads the
# backlog looks at forty thousand.
PAGES = 5000

_WAITING = """
insert into webhooks_delivery (id, endpoint_id, sequence, epoch, change, type, version, lane,
  subject, occurred_at, data, made_at, due_at, state, tries, attempts, replay, parked_why)
select gen_random_uuid(), endpoint_id, sequence + n, epoch, -n, type, version, lane,
  subject, occurred_at, data, made_at, due_at, 'pending', 0, 0, false, ''
from webhooks_delivery, generate_series(1, %s) n where id = %s
"""


def tell() -> None:
    services.tell(now=clock.now())


def claim() -> list[Job]:
    return services.claim(slots=100, now=clock.now())


def data_of(jobs: list[Job]) -> list[str]:
    return [orjson.loads(job.body)["data"]["thing_id"] for job in jobs]


@pytest.fixture
def busy(endpoint_at: Make) -> tuple[Endpoint, UUID]:
    """An endpoint that has an event of a subject under way, and very many behind it; the subject.
    An event of another subject was accepted before."""
    endpoint = endpoint_at()
    before, subject = uuid7(), uuid7()
    happen(before)
    tell()
    (first,) = claim()
    services.finish([Result(first, Outcome.ACCEPTED, clock.now(), 5, 200)], now=clock.now())
    happen(subject)
    tell()
    (held,) = claim()
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [WAIT, held.delivery])
        cursor.execute("analyze webhooks_delivery")
    Endpoint.objects.update(sequence=WAIT + 10)
    return endpoint, subject


class Pages:
    """Counts the pages that the reading statements of a claim look at."""

    def __init__(self) -> None:
        self.looked_at = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if re.match(r"\s*select", sql, re.IGNORECASE):
            execute(f"explain (analyze, buffers, format json) {sql}", params, many, context)
            plan = context["cursor"].fetchone()[0][0]["Plan"]
            self.looked_at += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        return execute(sql, params, many, context)


def test_what_waits_is_not_read_and_holds_up_nobody(busy: tuple[Endpoint, UUID]) -> None:
    other = uuid7()
    happen(other)
    tell()
    pages = Pages()
    with connection.execute_wrapper(pages):
        assert data_of(claim()) == [str(other)]
        assert claim() == []
    assert pages.looked_at < PAGES


def test_a_replay_behind_it_goes_too(busy: tuple[Endpoint, UUID]) -> None:
    other = uuid7()
    happen(other)
    tell()
    (job,) = claim()
    services.finish([Result(job, Outcome.ACCEPTED, clock.now(), 5, 200)], now=clock.now())
    row = Delivery.objects.get(pk=job.delivery)
    services.replay(delivery=row, by=SYSTEM, now=clock.now())
    assert data_of(claim()) == [str(other)]


def test_an_open_circuit_leaves_it_unread(busy: tuple[Endpoint, UUID]) -> None:
    endpoint, _ = busy
    later = clock.now() + clock.domain(3600)
    Endpoint.objects.filter(pk=endpoint.pk).update(open_until=later)
    urgent = uuid7()
    happen(uuid7())
    happen(urgent, name="thing.withdrawn")
    tell()
    pages = Pages()
    with connection.execute_wrapper(pages):
        assert data_of(claim()) == [str(urgent)]
        assert claim() == []
    assert pages.looked_at < PAGES
