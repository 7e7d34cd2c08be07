"""Facts that came before what they are of: an answer before its referral, a revocation before its
consent.

A tablet pushes its collections independently, so a fact may overtake the document that it names. It
is refused then, and lies in quarantine; when the document is here, it is taken by itself, under its
author.
"""

from __future__ import annotations

import logging
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

from django.db import transaction

from apps.core import clock
from apps.core.crypto import Undecryptable
from apps.referrals.models import Consent, Referral, ReferralTask
from apps.referrals.schemas import CONSENT_REVOCATION, REFERRAL_ANSWER
from apps.sync.models import QuarantinedWrite
from apps.sync.services.applying import apply_again
from apps.sync.values import uuid_of

log = logging.getLogger(__name__)

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
    ids = list(rows.order_by("at").values_list("pk", flat=True))
    _look_into([id for id in ids if id not in _awaited])
    if instance is None:
        for settled in _awaited.keys() - set(ids):
            _awaited.pop(settled, None)
    here = _here({lack for id in ids if (lack := _awaited.get(id))})
    # Behind a few hundred that fit and are refused all the same the next would wait for ever.
    fitting = (id for id in ids if _awaited.get(id) in here)
    return sum(_taken(id, now) for id in islice(fitting, MOST_AT_ONCE))


def _take_now(instance: UUID | None) -> None:
    take_early(now=clock.now(), instance=instance)


# What a refused fact names and lacks.
_Lack = tuple[type[Consent | ReferralTask | Referral], UUID]
# Of the refused facts that are open: what each lacks, None where it is nothing of this room. Their
# content never changes, so this process opens each once and not every minute.
_awaited: dict[UUID, _Lack | None] = {}


def _look_into(ids: list[UUID]) -> None:
    for row in QuarantinedWrite.objects.filter(pk__in=ids).iterator():
        try:
            _awaited[row.pk] = _lack_of(row)
        except Undecryptable:
            log.error("a refused fact cannot be opened: %s", row.pk)
            _awaited[row.pk] = None


def _lack_of(row: QuarantinedWrite) -> _Lack | None:
    told = row.content
    if not {error["pointer"] for error in row.errors} & _MISSING:
        return None
    named = {name: uuid_of(told.get(name)) for name in ("referral_id", "task_id", "consent_id")}
    lacks: tuple[type[Consent | ReferralTask | Referral], UUID | None]
    if told.get("kind") == CONSENT_REVOCATION:
        lacks = Consent, named["consent_id"]
    elif told.get("kind") != REFERRAL_ANSWER:
        return None
    elif told.get("task_id"):
        lacks = ReferralTask, named["task_id"]
    else:
        lacks = Referral, named["referral_id"]
    model, id = lacks
    return None if id is None else (model, id)


def _here(lacks: set[_Lack]) -> set[_Lack]:
    """Those that are here now."""
    found: set[_Lack] = set()
    for model, rows in (
        (Consent, Consent.objects.all()),
        (ReferralTask, ReferralTask.objects.all()),
        (Referral, Referral.objects.all()),
    ):
        wanted = [id for of, id in lacks if of is model]
        if wanted:
            found |= {(model, id) for id in rows.filter(pk__in=wanted).values_list("pk", flat=True)}
    return found


def _taken(id: UUID, now: datetime) -> bool:
    """Whether it is taken now. One that is refused for something else is left to a supervisor."""
    row = QuarantinedWrite.objects.get(pk=id)
    taken = apply_again(write=row, now=now)
    if not taken:
        _awaited[id] = None
    return taken
