"""Scorecards: the partner's own at any time, CARE's only once the partner could have seen it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from django.db import transaction

from apps.accounts.models import Partner
from apps.audit.services import Actor, record
from apps.core import clock
from apps.core.problems import FORBIDDEN, ProblemError
from apps.referrals.models import ReferralAnswer, ReferralTask, ScorecardReading
from apps.referrals.scorecard import PARTNERS_FIRST, Card, Sent, bounds, card

# Whoever says one of these has taken the person.
_TAKES: Final = ("accept", "appointment", "begin", "attended", "served")


@transaction.atomic
def own_scorecard(*, partner: Partner, month: date, by: Actor, now: datetime) -> Card:
    """A partner reads its own card of a month. Of one that is over it is noted that it did."""
    first = month.replace(day=1)
    if bounds(first, clock.city())[1] <= now:
        ScorecardReading.objects.get_or_create(partner=partner, month=first, defaults={"at": now})
    _looked(partner, by, now)
    return card(_sent(partner, first))


@transaction.atomic
def scorecard_of(*, partner: Partner, month: date, by: Actor, now: datetime) -> Card:
    """A partner's card for CARE: of one partner at a time, and of a month that the partner has read
    or that is over for a fortnight. FORBIDDEN before."""
    first = month.replace(day=1)
    read = ScorecardReading.objects.filter(partner=partner, month=first).exists()
    if not read and now < bounds(first, clock.city())[1] + PARTNERS_FIRST:
        raise ProblemError(FORBIDDEN, "The partner sees it first: it has not read this month yet.")
    _looked(partner, by, now)
    return card(_sent(partner, first))


def _sent(partner: Partner, month: date) -> list[Sent]:
    begin, end = bounds(month, clock.city())
    tasks = ReferralTask.objects.to(partner).filter(sent_at__gte=begin, sent_at__lt=end)
    rows = list(tasks.exclude(status="entered-in-error"))
    answers = ReferralAnswer.objects.filter(task__in=rows, by_partner=True, verb__in=_TAKES)
    taken = set(answers.values_list("task", flat=True))
    return [
        Sent(
            sent_at=row.sent_at,
            answered_at=row.answered_at,
            status=row.status,
            accepted=row.pk in taken,
            served=row.served,
            reason_code=row.said.get("reason_code"),
            capacity_said=row.capacity_said,
        )
        for row in rows
        if row.sent_at is not None
    ]


def _looked(partner: Partner, by: Actor, now: datetime) -> None:
    record(actor=by, action="read", subject_type="scorecard", subject_ids=[partner.pk], now=now)
