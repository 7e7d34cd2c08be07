"""Follow-ups go back to their team when whoever has them goes: they are never nobody's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from apps.dispatch.models import CrewMember, Unit
from apps.followups.models import FollowUp, FollowUpEvent
from apps.followups.records import lock
from apps.followups.services.telling import tell


@transaction.atomic
def hand_back_of_unit(*, unit_id: UUID, now: datetime) -> None:
    """What those have in hand who have left this unit and are on none now goes back to their team.
    What somebody took after they had left stays theirs: a supervisor, who is on no unit."""
    crews = CrewMember.objects.filter(unit=unit_id).exclude(
        user__in=CrewMember.objects.on_duty().values("user")
    )
    team = Unit.objects.filter(pk=unit_id).values_list("team", flat=True).first()
    for user_id, left_at in crews.values_list("user").annotate(Max("until")):
        rows = FollowUp.objects.of_owner(user_id).filter(team=team)
        hand_back(
            follow_up_ids=list(rows.values_list("pk", flat=True)),
            owner_id=user_id,
            left_at=left_at,
            now=now,
        )


@transaction.atomic
def hand_back_reopened(*, follow_up_id: UUID, now: datetime) -> None:
    """One that had ended and goes on goes to its team, where whoever had it has left meanwhile:
    what has ended is not handed back. Idempotent."""
    row = FollowUp.objects.open().filter(pk=follow_up_id).select_related("owner").first()
    if row is None or row.owner is None:
        return
    crews = CrewMember.objects.filter(user=row.owner)
    left_at = crews.aggregate(Max("until"))["until__max"]
    on_duty = CrewMember.objects.on_duty().filter(user=row.owner).exists()
    if row.owner.is_active and (on_duty or left_at is None):
        return
    hand_back(
        follow_up_ids=[row.pk],
        owner_id=row.owner.pk,
        left_at=left_at if row.owner.is_active else None,
        now=now,
    )


@transaction.atomic
def hand_back(
    *,
    follow_up_ids: Iterable[UUID],
    owner_id: UUID,
    left_at: datetime | None = None,
    now: datetime,
) -> None:
    """Gives these back to their teams, as far as they are this person's, and were before they left
    (`left_at`; None: whenever). Idempotent."""
    ids = list(follow_up_ids)
    if not ids:
        return
    lock(follow_ups=ids)
    for row in FollowUp.objects.of_owner(owner_id).filter(pk__in=ids).order_by("pk"):
        if left_at is None or _had_by(row, left_at):
            tell(
                follow_up=row, event="released", author=None, content={"to": str(owner_id)}, now=now
            )


def _had_by(row: FollowUp, at: datetime) -> bool:
    """Whether the owner has it since before that instant: what they said last of having it."""
    told = FollowUpEvent.objects.of([row.pk]).filter(event__in=["taken", "acknowledged"])
    since = told.aggregate(Max("received_at"))["received_at__max"]
    return since is None or since <= at
