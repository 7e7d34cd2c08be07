"""Whoever owes a record, or a report that the law asks for, is told so outside the tablet, once,
and not when it is settled by then."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.accounts.models import Role, User
from apps.assignments.models import Assignment
from apps.casenotes.models import EncounterRecord, OwedReport, OwedReportQuerySet
from apps.core import clock
from apps.notify.models import Channel, ContactPoint, Level, Notification, Topic
from apps.notify.services import Notice, stop_all, tell_all

# Seconds after the call. Until then the tablet shows it, and most are signed within the shift.
OWED_AFTER: Final = 12 * 3600
# A report is told of so many seconds before it is due, to its supervisors when its author has had
# some time. "At once" is due already: the author is told at the next tick.
REPORT_AUTHOR: Final = 24 * 3600
REPORT_SUPERVISORS: Final = 4 * 3600
_AUTHORS_TIME: Final = 3600
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


@transaction.atomic
def remind_of_reports(*, now: datetime) -> int:
    """Has the authors of a note told that a report is due which the law asks for, then their
    supervisors; nobody of one that is made by then. Returns how many notifications are new.
    Idempotent: a report is one notification for each person, channel and level."""
    waiting = Notification.objects.waiting().filter(topic=Topic.REPORT)
    about = set(waiting.values_list("subject_id", flat=True))
    owed = OwedReport.objects.open()
    stop_all(
        subject_ids=about - set(owed.filter(pk__in=about).values_list("pk", flat=True)), now=now
    )
    late = owed.filter(due_at__gt=now - _NO_LONGER).select_related("note")
    soon = late.filter(due_at__lte=now + clock.domain(REPORT_AUTHOR))
    sooner = late.filter(
        due_at__lte=now + clock.domain(REPORT_SUPERVISORS),
        since__lte=now - clock.domain(_AUTHORS_TIME),
    )
    return sum(
        tell_all(notices=notices, now=now)
        for notices in (_notices(soon, Level.OWNER, now), _notices(sooner, Level.SUPERVISORS, now))
    )


def _notices(rows: OwedReportQuerySet, level: Level, now: datetime) -> list[Notice]:
    told = Notification.objects.filter(
        topic=Topic.REPORT, level=level, subject_id=OuterRef("pk"), made_at__gte=OuterRef("since")
    )
    return [
        Notice(
            user_id=user,
            channel=channel,
            topic=Topic.REPORT,
            subject_id=row.pk,
            level=level,
            key=f"report:{row.pk}:{int(row.since.timestamp())}:{int(level)}",
            due_at=now,
        )
        for row in rows.exclude(Exists(told))[:LARGEST_TICK]
        for user in sorted(_whom(row, level))
        for channel in Channel
    ]


def _whom(row: OwedReport, level: Level) -> set[UUID]:
    """The authors, or who supervises the unit that has the call, and the authors' teams."""
    authors = User.objects.filter(pk__in=row.note.authors.values("author"))
    if level == Level.OWNER:
        return set(authors.values_list("pk", flat=True))
    teams = set(authors.exclude(team=None).values_list("team", flat=True))
    calls = Assignment.objects.filter(pk=row.note.assignment_id).exclude(unit__team=None)
    teams |= set(calls.values_list("unit__team", flat=True))
    above = User.objects.filter(team__in=teams, role=Role.SUPERVISOR, is_active=True)
    return set(above.values_list("pk", flat=True))
