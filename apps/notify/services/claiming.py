"""Which message a worker hands over now, and what came of it.

1. A worker claims one message at a time, so that none waits behind another while its lease runs.
   It passes over what another worker has, and over a message of which somebody stops something at
   this moment (`telling`). The claim, its end and the attempt are written down and committed before
   anything is handed over.
2. It hands over outside any transaction, under the message's id.
3. It finishes by compare-and-swap: only the claim that holds is answered. A worker that comes back
   after its lease has run out changes nothing, whatever it brings.
4. It dies at any of these points: nothing was handed over, or it was and nobody wrote it down. The
   lease runs out, and the message is handed over again under the same id. The lease is longer than
   the time that Celery lets a task run: who still runs still has its claim.
5. Attempts are counted by the claim. One that kills its worker each time is given up like any
   other, and stands in the admin.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from apps.accounts.models import User
from apps.audit.services import Actor, record
from apps.core.ids import uuid7
from apps.core.problems import CONFLICT, ProblemError
from apps.notify import retries
from apps.notify.hours import hours_of, next_told
from apps.notify.models import (
    Channel,
    ContactPoint,
    Message,
    MessageState,
    Notification,
    NotificationQuerySet,
)

log = logging.getLogger(__name__)

# What an attempt ended with whose worker never said.
LOST: Final = "lost"


@dataclass(frozen=True, slots=True)
class Job:
    """A message to be handed over. `id`: the idempotency id. `counts`: how many subjects of each
    topic. The address is unsealed when it is needed, not before."""

    id: UUID
    claim: UUID
    channel: Channel
    point: ContactPoint
    counts: Mapping[str, int]

    def __repr__(self) -> str:
        return f"<message {self.id}>"


@transaction.atomic
def claim(*, channels: Collection[Channel], now: datetime) -> Job | None:
    """Claims the message that has waited longest, of these channels. None: nothing is due.

    On the way it settles what is not to be handed over: nothing is left in it, its person is not
    told that way any more, or it was tried to the end; and puts off what may not ring now.
    """
    passed: set[UUID] = set()
    due = Message.objects.due(now).filter(channel__in=channels)
    while True:
        rows = due.exclude(pk__in=passed).select_related("user__team__hours")
        row = rows.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
        if row is None:
            return None
        passed.add(row.pk)
        if job := _judged(row, now):
            return job


def _judged(row: Message, now: datetime) -> Job | None:
    live = Notification.objects.filter(message=row, stopped_at=None)
    held = live.select_for_update(no_key=True, skip_locked=True).order_by("pk")
    locked = set(held.values_list("pk", flat=True))
    # Asked after the lock: whoever holds one of them is about to stop it, or has stopped it.
    if live.exclude(pk__in=locked).exists():
        return None
    point = ContactPoint.objects.in_use().filter(user=row.user_id, channel=row.channel).first()
    if not locked or point is None:
        _settle(row, MessageState.VOID, now)
        return None
    if row.tries >= retries.MOST_TRIES:
        _settle(row, MessageState.FAILED, now, error=LOST)
        return None
    told_at = next_told(now, hours_of(row.user.team))
    if told_at > now:
        row.due_at, row.claim, row.claimed_until = told_at, None, None
        row.save(update_fields=["due_at", "claim", "claimed_until"])
        return None
    row.claim, row.tries = uuid7(), row.tries + 1
    row.claimed_until = now + timedelta(seconds=settings.NOTIFY_LEASE_SECONDS)
    row.save(update_fields=["claim", "claimed_until", "tries"])
    return Job(row.pk, row.claim, Channel(row.channel), point, _counts(live))


def _counts(live: NotificationQuerySet) -> Counter[str]:
    """How many subjects of each topic. Two reminders of one thing are one."""
    topics = live.values("topic").annotate(subjects=Count("subject_id", distinct=True))
    return Counter({one["topic"]: one["subjects"] for one in topics.order_by("topic")})


def _settle(row: Message, state: MessageState, now: datetime, *, error: str = "") -> None:
    row.state, row.settled_at, row.error = state, now, error
    row.claim = row.claimed_until = None
    row.save(update_fields=["state", "settled_at", "error", "claim", "claimed_until"])


@transaction.atomic
def finish(*, job: Job, error: str, now: datetime) -> bool:
    """Writes down what came of an attempt. `error`: the name of what the gateway raised, empty
    where it took the message. False: the claim was not this one's any more, and nothing changed."""
    rows = Message.objects.filter(pk=job.id, claim=job.claim, state=MessageState.PENDING)
    row = rows.select_for_update(no_key=True).first()
    if row is None:
        log.warning("an attempt ended after its claim: message %s", job.id)
        return False
    if not error:
        _settle(row, MessageState.HANDED, now)
        return True
    after = retries.retry_after(row.tries)
    if after is None:
        _settle(row, MessageState.FAILED, now, error=error)
        return True
    row.due_at, row.error, row.claim, row.claimed_until = now + after, error, None, None
    row.save(update_fields=["due_at", "error", "claim", "claimed_until"])
    return True


@transaction.atomic
def hand_over_again(*, message: Message, by: Actor, now: datetime) -> Message:
    """Tries once more what was given up, from the beginning and under the same id. It says how many
    are due then; if nothing is, it ends as void.

    CONFLICT: it was not given up, or another one waits for the same person and channel.
    """
    # Whoever collects for this person holds them: one message waits at a time.
    User.objects.select_for_update(no_key=True).get(pk=message.user_id)
    row = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
    if row.state != MessageState.FAILED:
        raise ProblemError(CONFLICT, "It was not given up.")
    waiting = Message.objects.filter(user=row.user_id, channel=row.channel)
    if waiting.filter(state=MessageState.PENDING).exists():
        raise ProblemError(CONFLICT, "A newer one is on its way, and says what is due.")
    row.state, row.settled_at, row.due_at, row.tries = MessageState.PENDING, None, now, 0
    row.save(update_fields=["state", "settled_at", "due_at", "tries"])
    detail = {"channel": row.channel}
    record(
        actor=by,
        action="hand-over-again",
        subject_type="message",
        subject_ids=[row.pk],
        now=now,
        detail=detail,
    )
    return row
