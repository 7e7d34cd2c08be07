"""What is due for one person by one channel becomes one message.

1. A worker locks the person, and passes over one whom another worker has: so one message waits at a
   time for each person and channel (a UNIQUE constraint says so too), and a budget is counted by
   one.
2. It locks the notifications that are due, and passes over what somebody stops at this moment.
3. A message that waits and that nobody has tried yet takes in what has come since. One that was
   tried does not: its gateway may have it already, under its id. The next one does, after it.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.accounts.models import User
from apps.core import clock
from apps.notify import budget
from apps.notify.hours import hours_of
from apps.notify.models import (
    Channel,
    ContactPoint,
    Level,
    Message,
    MessageState,
    Notification,
    NotificationQuerySet,
)

log = logging.getLogger(__name__)

# People whom one tick looks at; the next one goes on.
MOST_PEOPLE: Final = 500


def collect(*, now: datetime) -> int:
    """Makes messages of what is due. Returns how many. Any number of workers may do it."""
    due = Notification.objects.waiting().filter(due_at__lte=now)
    people = due.order_by("user_id").values_list("user_id", flat=True).distinct()
    return sum(_collect_safely(id, now) for id in list(people[:MOST_PEOPLE]))


def _collect_safely(user_id: UUID, now: datetime) -> int:
    try:
        return _collect(user_id, now)
    except Exception as error:
        # Seen by the operator and tried again at the next tick; the others do not wait for it.
        log.exception("a person's notifications failed: %s", type(error).__name__)
        return 0


@transaction.atomic
def _collect(user_id: UUID, now: datetime) -> int:
    people = User.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    user = people.select_related("team__hours").filter(pk=user_id).first()
    if user is None:  # another worker has them
        return 0
    by_channel: defaultdict[str, list[Notification]] = defaultdict(list)
    due = Notification.objects.due(now).filter(user_id=user_id)
    for row in due.select_for_update(no_key=True, skip_locked=True):
        by_channel[row.channel].append(row)
    return sum(_gather(user, Channel(name), rows, now) for name, rows in by_channel.items())


def _gather(user: User, channel: Channel, due: Sequence[Notification], now: datetime) -> int:
    """One message, or none yet, of what is due for a person by a channel."""
    rows = Notification.objects.filter(pk__in=[row.pk for row in due])
    if not ContactPoint.objects.in_use().filter(user=user, channel=channel).exists():
        rows.update(stopped_at=now)  # they are not told this way any more
        return 0
    urgent = any(row.level == Level.SUPERVISORS for row in due)
    waits = Message.objects.filter(user=user, channel=channel, state=MessageState.PENDING).exists()
    if waits:
        _join(user, channel, rows, urgent=urgent)
        return 0
    told_at = _told_at(user, channel, now, urgent=urgent)
    if told_at > now:
        rows.update(due_at=told_at)
        return 0
    message = Message(user=user, channel=channel, urgent=urgent, made_at=now, due_at=now)
    message.save(force_insert=True)
    rows.update(message=message)
    return 1


def _join(user: User, channel: Channel, rows: NotificationQuerySet, *, urgent: bool) -> None:
    """Puts them into the message that waits, if nobody has tried it."""
    fresh = Message.objects.filter(
        user=user, channel=channel, state=MessageState.PENDING, tries=0, claim=None
    )
    message = fresh.select_for_update(no_key=True, skip_locked=True).first()
    if message is None:
        return
    if urgent and not message.urgent:
        message.urgent = True
        message.save(update_fields=["urgent"])
    rows.update(message=message)


def _told_at(user: User, channel: Channel, now: datetime, *, urgent: bool) -> datetime:
    hours = hours_of(user.team)
    mine = Message.objects.filter(user=user)
    since = budget.counted_since(now, hours)
    last = mine.filter(channel=channel).exclude(state=MessageState.VOID).order_by("-made_at")
    past = budget.Past(
        last=last.values_list("made_at", flat=True).first(),
        counted=Message.objects.counted(user.pk, since).count(),
    )
    return budget.told_at(
        urgent=urgent,
        past=past,
        hours=hours,
        pace=pace_of(channel, urgent=urgent),
        budget=settings.NOTIFY_BUDGET,
        now=now,
    )


def pace_of(channel: Channel, *, urgent: bool) -> timedelta:
    """How long after a message the next one by this channel may be made. An urgent mail waits for
    no digest; whoever can make many urgent ones rings nobody every few seconds all the same."""
    mail = channel == Channel.EMAIL and not urgent
    return clock.domain(settings.NOTIFY_DIGEST_SECONDS if mail else settings.NOTIFY_BURST_SECONDS)
