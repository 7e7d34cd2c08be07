"""Whoever owes a record is told so outside the tablet, once, and not when it is settled by then."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from apps.casenotes.models import EncounterRecord
from apps.core import clock
from apps.notify.models import Channel, ContactPoint, Level, Notification, Topic
from apps.notify.services import Notice, stop_all, tell_all

# Seconds after the call. Until then the tablet shows it, and most are signed within the shift.
OWED_AFTER: Final = 12 * 3600
# What is older than this was told of when it was due, or by the supervisors, who have the list.
_NO_LONGER: Final = timedelta(days=7)
# A tick that finds more leaves them to the next one.
LARGEST_TICK: Final = 200


@transaction.atomic
def remind_of_debts(*, now: datetime) -> int:
    """Has everybody told who owes a record for so long; nobody of what is settled by now. Returns
    how many notifications are new. Idempotent: a record is one notification for each person and
    channel."""
    waiting = Notification.objects.waiting().filter(topic=Topic.NOTE)
    about = set(waiting.values_list("subject_id", flat=True))
    owed = EncounterRecord.objects.owed()
    stop_all(
        subject_ids=about - set(owed.filter(pk__in=about).values_list("pk", flat=True)), now=now
    )
    late = owed.filter(
        cleared_at__lte=now - clock.domain(OWED_AFTER), cleared_at__gt=now - _NO_LONGER
    )
    # Who is told nowhere is not looked at again and again; they see it on their tablet.
    reached = list(ContactPoint.objects.in_use().values_list("user", flat=True))
    told = Notification.objects.filter(topic=Topic.NOTE).values("subject_id")
    notices = [
        Notice(
            user_id=user,
            channel=channel,
            topic=Topic.NOTE,
            subject_id=row.pk,
            level=Level.OWNER,
            key=f"note:{row.pk}",
            due_at=now,
        )
        for row in late.filter(owed_by__overlap=reached).exclude(pk__in=told)[:LARGEST_TICK]
        for user in row.owed_by
        for channel in Channel
    ]
    return tell_all(notices=notices, now=now)
