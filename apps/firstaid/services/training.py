"""Who was trained for what. An expired certificate stops nobody: it is shown to those who train."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import record
from apps.core.problems import FORBIDDEN, ProblemError
from apps.firstaid.models import Certification


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
        _audit(row, "withdraw", by, now)
    return row


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
