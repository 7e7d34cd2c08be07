"""Figures of a period, read from what was counted: a handful of statements, whatever the period."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, Exists, Min, OuterRef, Q
from django.db.models.functions import Coalesce

from apps.dispatch.models import Incident
from apps.followups.models import FollowUp, FollowUpEvent, FollowUpOutcome, FollowUpState
from apps.metrics import figures
from apps.metrics.figures import Dispatch, FollowedUp, GivenBack, Value
from apps.metrics.models import DispatchFigures, HandoffFigures
from apps.metrics.periods import Period
from apps.referrals.models import Referral, ReferralTask, RequestStatus


def figures_of(period: Period) -> dict[str, Value]:
    """Every figure of `definitions`, by its code."""
    rows = dispatches_of(period)
    handoffs = list(
        HandoffFigures.objects.between(period.begins, period.ends).filter(took_over=True)
    )
    followed = list(_followed_up(period))
    return {
        "dispatches": figures.dispatches(rows),
        "response": figures.response(rows),
        "contact": figures.contact(rows),
        "outcomes": figures.outcomes(rows),
        "police_minutes": figures.minutes_given_back(
            GivenBack(one.police_units, one.police_known, one.police_seconds) for one in handoffs
        ),
        "fire_minutes": figures.minutes_given_back(
            GivenBack(one.fire_units, one.fire_known, one.fire_seconds) for one in handoffs
        ),
        "doses": figures.doses(rows, weeks=period.weeks),
        "referral_loop": _referral_loop(period),
        "followup_tried_24h": figures.tried_within(followed, 24),
        "followup_reached_72h": figures.reached_within(followed, 72),
        "records": figures.records(rows),
        "eligible_not_sent": _eligible(period),
    }


def dispatches_of(period: Period) -> list[Dispatch]:
    """The dispatches that were given in a period."""
    columns = (
        *("entry_kind", "beat", "given_at", "on_scene_at", "closing", "met", "record"),
        *("doses", "naloxone"),
    )
    rows = DispatchFigures.objects.between(period.begins, period.ends)
    return [
        Dispatch(**row, closed=row["closing"] != "")
        for row in rows.order_by("given_at").values(*columns)
    ]


def declined_of(period: Period) -> dict[str, int]:
    """How often which agency declined, and why, by `agency:reason`."""
    found: dict[str, int] = {}
    for told in HandoffFigures.objects.between(period.begins, period.ends).values_list(
        "declined", flat=True
    ):
        for name, count in told.items():
            found[name] = found.get(name, 0) + count
    return dict(sorted(found.items()))


def _referral_loop(period: Period) -> Value:
    sent = Exists(ReferralTask.objects.filter(referral=OuterRef("pk"), sent_at__isnull=False))
    rows = Referral.objects.filter(
        sent, created_at__gte=period.begins, created_at__lt=period.ends
    ).exclude(status=RequestStatus.REVOKED)
    told = rows.aggregate(sent=Count("pk"), closed=Count("pk", filter=Q(outcome__isnull=False)))
    return figures.referral_loop(told["closed"], told["sent"])


def _eligible(period: Period) -> Value:
    rows = Incident.objects.filter(received_at__gte=period.begins, received_at__lt=period.ends)
    told = rows.aggregate(
        eligible=Count("pk", filter=Q(verdict="eligible")),
        unknown=Count("pk", filter=Q(verdict="not_determined")),
    )
    return figures.eligible_not_sent(
        told["eligible"], rows.eligible_not_sent().count(), told["unknown"]
    )


def _followed_up(period: Period) -> Iterable[FollowedUp]:
    """One for each encounter whose first follow-up begins in the period."""
    rows = FollowUp.objects.filter(
        first_from__gte=period.begins, first_from__lt=period.ends
    ).order_by("first_from", "pk")
    first: dict[UUID, FollowUp] = {}
    for row in rows.defer("content"):
        first.setdefault(row.encounter_id, row)
    tried = dict(
        FollowUpEvent.objects.filter(
            follow_up_id__in=[row.pk for row in first.values()], event="attempted"
        )
        .order_by()
        .values_list("follow_up_id")
        .annotate(first=Min(Coalesce("at", "received_at")))
    )
    for row in first.values():
        reached = row.outcome in (FollowUpOutcome.REACHED, FollowUpOutcome.MET)
        ended_early = (
            row.state == FollowUpState.ENDED
            and row.ended_at is not None
            and row.ended_at < row.first_from
            and not reached
        )
        yield FollowedUp(
            row.first_from, tried.get(row.pk), row.ended_at if reached else None, ended_early
        )
