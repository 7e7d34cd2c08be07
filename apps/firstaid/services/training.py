"""Who was trained for what. An expired certificate stops nobody: it is shown to those who train."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import record
from apps.core import clock
from apps.core.problems import FORBIDDEN, ProblemError
from apps.firstaid.models import Certification
from apps.notify.models import Channel, Level, Topic
from apps.notify.services import Notice, stop_all, tell_all

# So many days before a certificate's last one its holder is told: to book a course, once more, and
# on that day.
REMIND_DAYS: Final = (60, 14, 0)


@transaction.atomic
def record_certification(*, certification: Certification, by: User, now: datetime) -> Certification:
    """Writes down that somebody of the supervisor's team was trained. FORBIDDEN for another's."""
    _must_be_ours(certification, by)
    certification.recorded_by, certification.recorded_at = by, now
    certification.save(force_insert=True)
    _audit(certification, "create", by, now)
    return certification


@transaction.atomic
def withdraw_certification(
    *, certification: Certification, by: User, now: datetime
) -> Certification:
    """Takes back what was written down by mistake, or is held no longer. Repeating it changes
    nothing. FORBIDDEN for somebody of another team."""
    row = Certification.objects.select_for_update(no_key=True, of=("self",)).get(
        pk=certification.pk
    )
    _must_be_ours(row, by)
    if row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_by = now, by
        row.save(update_fields=["withdrawn_at", "withdrawn_by"])
        stop_all(subject_ids=[row.pk], now=now)
        _audit(row, "withdraw", by, now)
    return row


@transaction.atomic
def remind_of_certificates(*, now: datetime) -> int:
    """Has everybody told whose certificate runs out and who has no later one of its kind. Returns
    how many notifications are new. Idempotent: each of `REMIND_DAYS` tells once."""
    day = now.astimezone(clock.city()).date()
    soon = Certification.objects.expiring(day + timedelta(days=max(REMIND_DAYS)))
    later = Certification.objects.held().filter(
        user=OuterRef("user"), kind=OuterRef("kind"), expires_on__gt=OuterRef("expires_on")
    )
    notices = [
        Notice(
            user_id=row.user_id,
            channel=channel,
            topic=Topic.CERTIFICATE,
            subject_id=row.pk,
            level=Level.OWNER,
            key=f"certificate:{row.pk}:{min(n for n in REMIND_DAYS if n >= left)}",
            due_at=now,
        )
        for row in soon.filter(~Exists(later), expires_on__gte=day, user__is_active=True)
        if row.expires_on is not None and (left := (row.expires_on - day).days) >= 0
        for channel in Channel
    ]
    return tell_all(notices=notices, now=now)


def _must_be_ours(row: Certification, by: User) -> None:
    if by.team_id is None or row.user.team_id != by.team_id:
        raise ProblemError(FORBIDDEN, "Somebody of another team.")


def _audit(row: Certification, action: str, by: User, now: datetime) -> None:
    record(
        actor=user_actor(by),
        action=action,
        subject_type="certification",
        subject_ids=[row.pk],
        now=now,
        detail={"user": str(row.user_id), "kind": row.kind},
    )
