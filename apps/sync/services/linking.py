"""What came early and waits no more: taken off the list, and what was refused for it judged again.

A parent comes in any way (CAD, a plan, a tablet), so nobody tells this module; a tick looks. A room
whose records refused rows wait for has them taken at once (`take_soon`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from apps.core import clock
from apps.sync.earlydocuments import REFUSED, EarlyDocument
from apps.sync.models import QuarantinedWrite
from apps.sync.parents import lacking, parents
from apps.sync.services.applying import apply_again

# More are left to the next tick: nobody waits for them.
MOST_AT_ONCE: Final = 200
# Looked at by one statement.
_PAGE: Final = 1000


def link(*, now: datetime) -> int:
    """Takes off the list what was taken and whose parent is here now, and judges again what was
    refused; returns how many of those were taken. Idempotent. Not part of anybody's transaction."""
    for name, model in sorted(parents().items()):
        here: QuerySet[Any] = QuerySet(model).filter(pk=OuterRef("parent_id"))
        rows = EarlyDocument.objects.filter(Exists(here), parent=name)
        rows.exclude(collection=REFUSED).delete()
    return take_early(now=now)


def take_soon(instance: UUID | None) -> None:
    """What the same local database told too early is taken once this transaction has committed. A
    tick does it for others, and where this process ends."""
    transaction.on_commit(lambda: _take_now(instance), robust=True)


def take_early(*, now: datetime, instance: UUID | None = None) -> int:
    """Judges refused rows again (of one local database, or of all) whose parent is here now, the
    oldest first; returns how many are taken. One that is refused all the same stays, with the
    reasons that it has now, and is not judged again. Not part of anybody's transaction."""
    due = list(islice(dict.fromkeys(_whose_parent_is_here(instance)), MOST_AT_ONCE))
    rows = QuarantinedWrite.objects.open().filter(pk__in=due).exclude(author=None)
    return sum(apply_again(write=row, now=now) for row in list(rows.order_by("at", "pk")))


def _take_now(instance: UUID | None) -> None:
    take_early(now=clock.now(), instance=instance)


def _whose_parent_is_here(instance: UUID | None) -> Iterator[UUID]:
    rows = EarlyDocument.objects.filter(collection=REFUSED).exclude(author=None).order_by("pk")
    if instance is not None:
        mine = QuarantinedWrite.objects.open().filter(instance=instance)
        rows = rows.filter(doc_id__in=mine.values("pk"))
    page = list(rows[:_PAGE])
    while page:
        missing = lacking({(row.parent, row.parent_id) for row in page})
        yield from (row.doc_id for row in page if (row.parent, row.parent_id) not in missing)
        page = list(rows.filter(pk__gt=page[-1].pk)[:_PAGE])
