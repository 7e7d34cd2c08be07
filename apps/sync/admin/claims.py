"""What single tablets say of later commits than this server has: seen to, or dismissed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.admin import OVERSEERS
from apps.accounts.models import User
from apps.audit.acts import Act, ActsAdmin
from apps.audit.admin import RoleAdmin
from apps.core import clock
from apps.core.admin import moment
from apps.sync import tablets
from apps.sync.histories import SetbackClaim
from apps.sync.services import setbacks


def _dismiss(row: SetbackClaim, by: User, _: dict[str, Any]) -> None:
    setbacks.dismiss(claim=row, by=by, now=clock.now())


def _may_be_dismissed(row: SetbackClaim) -> bool:
    return row.dismissed_at is None and not row.proven


@admin.register(SetbackClaim)
class SetbackClaimAdmin(ActsAdmin[SetbackClaim], RoleAdmin[SetbackClaim]):
    """Of the tablets that whoever looks answers for. No record of anybody is shown."""

    VIEW = OVERSEERS
    list_display = (*("tablet", moment("noticed_at", "since"), "seen_seq", "head_seq", "counts"),)
    list_select_related = ("tablet", "dismissed_by")
    ordering = ("-noticed_at",)
    acts = {
        "dismiss": Act(
            label="Dismiss: it was looked at, and is nothing",
            brief="Dismiss",
            question=(
                "Was the database restored, or a standby promoted? Then do not dismiss it: run "
                "new_history. The tablet goes on being served nothing; enrol it anew."
            ),
            verb=_dismiss,
            offered=_may_be_dismissed,
        ),
    }
    fields = (
        *("tablet", "instance", "epoch", moment("noticed_at", "since"), "seen_seq", "head_seq"),
        *("counts", "dismissed_by", moment("dismissed_at", "dismissed")),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[SetbackClaim]:
        assert isinstance(request.user, User)
        mine = tablets.seen_by(request.user)
        return super().get_queryset(request).filter(tablet__in=mine)

    @admin.display(description="how it counts")
    def counts(self, row: SetbackClaim) -> str:
        if row.dismissed_at is not None:
            return "dismissed"
        return "shown by a signed checkpoint" if row.proven else "said, not shown"
