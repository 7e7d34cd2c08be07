"""Tablets that nobody has heard of for long: they may hand in what was typed, and nothing else.

What such a tablet would have to be told piles up with every change, and nobody knows whether it
still exists, or who has it. So it is treated as lost: nobody is signed in on it any more, what it
holds is withdrawn at its next contact, what it pushes goes into quarantine. Then it is enrolled
anew, or a supervisor says that it was found.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from apps.accounts.models import Tablet, TabletState
from apps.accounts.services import mark_lost
from apps.audit.services import SYSTEM

# In one run of the tick: the rest has time until the next.
_AT_ONCE = 100


def set_aside_unseen(*, now: datetime) -> int:
    """Marks tablets as lost that have not been seen for `HOLDER_DAYS`, nor enrolled since. Returns
    how many. Each is a transaction of its own; one that comes back at that moment stays."""
    found = 0
    for pk in _unseen(now).values_list("pk", flat=True)[:_AT_ONCE]:
        with transaction.atomic():
            tablet = _unseen(now).select_for_update(no_key=True).filter(pk=pk).first()
            if tablet is not None:
                mark_lost(tablet=tablet, by=SYSTEM, now=now)
                found += 1
    return found


def _unseen(now: datetime) -> QuerySet[Tablet]:
    since = now - timedelta(days=settings.HOLDER_DAYS)
    seen = Coalesce("last_seen_at", "enrolled_at")
    return Tablet.objects.filter(state=TabletState.ACTIVE).alias(seen=seen).filter(seen__lt=since)
