"""What is to be told, and what is not any more.

A stop and a hand-over of the same notification are ordered by its row:

1. A stop locks the notifications of its subject, in the order of their ids, and waits for whoever
   has one. A claim (`claiming`) and a collection (`collecting`) lock them too, and pass over what
   is locked, so nobody waits in a circle.
2. The claim was first: the stop waits until it is committed. The message is on its way.
3. The stop was first: the claim leaves the message to the next tick, which finds the notification
   stopped. After the commit of a stop nothing of it is claimed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from apps.core.ids import uuid7
from apps.notify.models import Channel, Level, Message, Notification, Topic

# One statement for all. Two writers of the same keys take them in the same order.
_TELL: Final = """
insert into notify_notification
  (id, user_id, channel, topic, subject_id, level, key, made_at, due_at)
select g.id, g.user_id, g.channel, g.topic, g.subject_id, g.level, g.key, %s, g.due_at
from unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::int[], %s::text[],
            %s::timestamptz[])
  as g (id, user_id, channel, topic, subject_id, level, key, due_at)
join notify_contactpoint p on p.user_id = g.user_id and p.channel = g.channel
  and p.is_active and p.from_level <= g.level
join accounts_user u on u.id = g.user_id and u.is_active
order by g.key
on conflict (key) do nothing
"""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that one person is told by one channel. `key` says which reminder it is, in up to
    100 characters: `follow_up:<id>:<occasion>:<level>`."""

    user_id: UUID
    channel: Channel
    topic: Topic
    subject_id: UUID
    level: Level
    key: str
    due_at: datetime


def tell(
    *,
    users: Iterable[UUID],
    channel: Channel,
    topic: Topic,
    subject_id: UUID,
    level: Level,
    key: str,
    due_at: datetime,
    now: datetime,
) -> int:
    """Has these people told by a channel, once it is due. See `tell_all`."""
    notices = [
        Notice(
            user_id=id,
            channel=channel,
            topic=topic,
            subject_id=subject_id,
            level=level,
            key=key,
            due_at=due_at,
        )
        for id in users
    ]
    return tell_all(notices=notices, now=now)


@transaction.atomic
def tell_all(*, notices: Sequence[Notice], now: datetime) -> int:
    """Writes what is to be told. Returns how many are new.

    Whoever gives no contact point of the channel, or one that begins at a higher level, is not told
    by it. The same key for the same person and channel is the same notification: it may be told any
    number of times.
    """
    if not notices:
        return 0
    columns: list[list[Any]] = [
        [uuid7() for _ in notices],
        [one.user_id for one in notices],
        [one.channel.value for one in notices],
        [one.topic.value for one in notices],
        [one.subject_id for one in notices],
        [int(one.level) for one in notices],
        [f"{one.key}:{one.channel.value}:{one.user_id.hex}" for one in notices],
        [one.due_at for one in notices],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_TELL, [now, *columns])
        return int(cursor.rowcount)


def stop(*, subject_id: UUID, now: datetime) -> int:
    """Tells nobody of this any more, by any channel. See `stop_all`."""
    return stop_all(subject_ids=[subject_id], now=now)


@transaction.atomic
def stop_all(*, subject_ids: Iterable[UUID], now: datetime) -> int:
    """Tells nobody of these any more: what is not on its way when this is committed never is.
    Returns how many notifications that stopped. What is told of them later is told."""
    ids = [row.pk for row in _not_told(subject_ids)]
    # Whoever stops may have waited for whoever tells: nothing is stopped before it is made.
    stopped_at = Greatest(F("made_at"), Value(now))
    return Notification.objects.filter(pk__in=ids).update(stopped_at=stopped_at)


@transaction.atomic
def put_off(*, subject_id: UUID, until: datetime) -> int:
    """Tells nobody of this before then. Returns how many notifications that put off. What waits in
    a message leaves it; what a worker has is on its way."""
    rows = _not_told([subject_id])
    messages = {row.message_id for row in rows if row.message_id is not None}
    held = Message.objects.filter(pk__in=messages, claim__isnull=False)
    under_way = set(held.values_list("pk", flat=True))
    ids = [row.pk for row in rows if row.message_id not in under_way and row.due_at < until]
    return Notification.objects.filter(pk__in=ids).update(due_at=until, message=None)


def _not_told(subject_ids: Iterable[UUID]) -> list[Notification]:
    """What is neither told nor stopped of these subjects. Locked: until the caller's end nobody
    puts it into a message or claims one that holds it."""
    found = Notification.objects.filter(subject_id__in=list(subject_ids), stopped_at=None)
    rows = list(found.select_for_update(no_key=True).order_by("pk"))
    # Asked after the lock: who claimed before it is seen, and nobody claims now. What was given up
    # was not told: it may be handed over again.
    messages = {row.message_id for row in rows if row.message_id is not None}
    told = set(Message.objects.told().filter(pk__in=messages).values_list("pk", flat=True))
    return [row for row in rows if row.message_id not in told]
