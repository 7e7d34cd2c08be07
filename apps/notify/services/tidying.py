"""Old rows go: what was told long ago, and what was stopped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from apps.notify.models import Message, Notification

MOST_ROWS: Final = 5000


@transaction.atomic
def let_old_go(*, now: datetime, kept: timedelta) -> int:
    """Deletes notifications that were made before and are told or stopped, and messages of which
    nothing is left. Returns how many rows went; the next tick goes on. What waits, and what was
    given up, stays."""
    old = Notification.objects.over().filter(made_at__lt=now - kept).order_by("made_at")
    ids = list(old.values_list("pk", flat=True)[:MOST_ROWS])
    Notification.objects.filter(pk__in=ids).delete()
    messages = Message.objects.told().filter(made_at__lt=now - kept, notifications=None)
    empty = list(messages.order_by("made_at").values_list("pk", flat=True)[:MOST_ROWS])
    Message.objects.filter(pk__in=empty).delete()
    return len(ids) + len(empty)
