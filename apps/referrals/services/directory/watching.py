"""Tasks of the directory: what the field found to be wrong, what nobody has verified for long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import SYSTEM, record
from apps.changes import scopes
from apps.changes.models import Member
from apps.changes.services import LARGEST_PUBLICATION, Document, publish
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.referrals.directory import codes, facilityfacts
from apps.referrals.models import DirectoryTask, FacilityFact, Service, TaskReport
from apps.referrals.services.directory.entries import city_day, lock_directory, verify_service
from apps.referrals.services.directory.seeing import scopes_of

# A tick that finds more leaves them to the next one.
_LARGEST_TICK: Final = 200
# Who could not be reached today is asked again after so long, not within the hour; and so long an
# outcome is shown to whoever has reported.
_LEFT_ALONE: Final = timedelta(days=7)


def open_task(*, service: Service, about: str, now: datetime) -> DirectoryTask:
    """The open task about something of a service: the one there is, or a new one. Part of the
    caller's transaction, which holds `lock_directory`."""
    row, _ = DirectoryTask.objects.open().get_or_create(
        service=service, about=about, defaults={"opened_at": now}
    )
    return row


@transaction.atomic
def settle_task(
    *, task: DirectoryTask, outcome: str, assurer_email: str = "", by: User, now: datetime
) -> DirectoryTask:
    """Somebody has seen to it. Whoever found the entry right, or made it so, has verified it as of
    today. Those who reported it are told. The first outcome stands: repeating changes nothing."""
    if outcome not in codes.OUTCOMES:
        raise ProblemError(INVALID, errors=[FieldError("/outcome", "Choose one of the outcomes.")])
    lock_directory()
    row = DirectoryTask.objects.select_for_update(no_key=True).get(pk=task.pk)
    if row.settled_at is not None:
        return row
    row.settled_at, row.settled_by, row.outcome = now, by, outcome
    row.save(update_fields=["settled_at", "settled_by", "outcome"])
    if outcome in codes.VERIFIED_BY:
        verify_service(service=row.service, assurer_email=assurer_email, by=user_actor(by), now=now)
    reports = FacilityFact.objects.filter(report_of__task=row).select_related("author", "unit")
    told = [
        facilityfacts.document(one, to=scopes_of(one), outcome=outcome)
        for one in reports.order_by("order")
    ]
    for start in range(0, len(told), LARGEST_PUBLICATION):
        publish(documents=told[start : start + LARGEST_PUBLICATION], now=now)
    record(
        actor=user_actor(by),
        action="settle",
        subject_type="directory_task",
        subject_ids=[row.pk],
        now=now,
        detail={"outcome": outcome},
    )
    return row


@transaction.atomic
def watch_directory(*, now: datetime) -> int:
    """Makes a task of each service that nobody has verified for so long as the setting says.
    Returns how many were made. Idempotent, and two at once make one: they wait for each other."""
    lock_directory()
    day = city_day(now) - timedelta(days=settings.DIRECTORY_STALE_DAYS)
    known = DirectoryTask.objects.filter(about=codes.STALE)
    seen_to = known.open() | known.filter(settled_at__gt=now - _LEFT_ALONE)
    stale = (
        Service.objects.offered().unverified_since(day).exclude(pk__in=seen_to.values("service"))
    )
    rows = [
        DirectoryTask(service=one, about=codes.STALE, opened_at=now)
        for one in stale.order_by("assured_date", "pk")[:_LARGEST_TICK]
    ]
    DirectoryTask.objects.bulk_create(rows)
    record(
        actor=SYSTEM,
        action="create",
        subject_type="directory_task",
        subject_ids=[row.pk for row in rows],
        now=now,
    )
    return len(rows)


@transaction.atomic
def let_settled_go(*, now: datetime) -> int:
    """Withdraws reports from their authors' tablets, a week after they could read what came of
    them. Returns how many. Idempotent."""
    kept = Member.objects.filter(
        collection="facts", doc_id=OuterRef("pk"), scope__startswith="responder:"
    )
    settled = FacilityFact.objects.filter(report_of__task__settled_at__lte=now - _LEFT_ALONE)
    rows = settled.filter(Exists(kept)).select_related("author").order_by("pk")[:_LARGEST_TICK]
    gone = [
        Document("facts", row.pk, scopes_of(row) - {scopes.responder(row.author_id)})
        for row in rows
    ]
    publish(documents=gone, now=now)
    return len(gone)


def join_report(*, fact: FacilityFact, service: Service, about: str, now: datetime) -> None:
    """Puts a report before the supervisors. Part of the caller's transaction, which holds
    `lock_directory`."""
    TaskReport.objects.create(task=open_task(service=service, about=about, now=now), fact=fact)
