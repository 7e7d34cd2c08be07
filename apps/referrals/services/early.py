"""Facts that came before what they are of: an answer before its referral, a revocation before its
consent.

A tablet pushes its collections independently, so a fact may overtake the document that it names. It
is refused then, and lies in quarantine; when the document is here, it is taken by itself, under its
author.
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from apps.core import clock
from apps.referrals.models import Consent, Referral, ReferralTask
from apps.referrals.schemas import CONSENT_REVOCATION, REFERRAL_ANSWER
from apps.sync.models import QuarantinedWrite
from apps.sync.services.applying import apply_again
from apps.sync.values import uuid_of

# More are left to the tick: nobody waits for them.
MOST_AT_ONCE: Final = 200
# Where a fact names what was not here.
_MISSING: Final = frozenset({"/referral_id", "/task_id", "/consent_id"})


def take_soon(instance: UUID | None) -> None:
    """What the same local database told too early is taken once this transaction has committed. A
    tick does it for others, and where this process ends."""
    transaction.on_commit(lambda: _take_now(instance), robust=True)


def take_early(*, now: datetime, instance: UUID | None = None) -> int:
    """Takes the refused facts (of one local database, or of all) whose referral, task or consent is
    here now; returns how many. Not part of anybody's transaction."""
    rows = QuarantinedWrite.objects.open().filter(collection="facts").exclude(author=None)
    if instance is not None:
        rows = rows.filter(instance=instance)
    # All are looked at: behind a few hundred that nobody ever settles the next would wait for ever.
    fitting = (row for row in rows.order_by("at").iterator() if _is_here(row))
    return sum(apply_again(write=row, now=now) for row in list(islice(fitting, MOST_AT_ONCE)))


def _take_now(instance: UUID | None) -> None:
    take_early(now=clock.now(), instance=instance)


def _is_here(row: QuarantinedWrite) -> bool:
    """Whether what it lacked is here now."""
    told = row.content
    if not {error["pointer"] for error in row.errors} & _MISSING:
        return False
    named = {name: uuid_of(told.get(name)) for name in ("referral_id", "task_id", "consent_id")}
    if told.get("kind") == CONSENT_REVOCATION:
        return _there(Consent.objects, named["consent_id"])
    if told.get("kind") != REFERRAL_ANSWER:
        return False
    if told.get("task_id"):
        return _there(ReferralTask.objects, named["task_id"])
    return _there(Referral.objects, named["referral_id"])


def _there(rows: Any, id: UUID | None) -> bool:
    return id is not None and bool(rows.filter(pk=id).exists())
