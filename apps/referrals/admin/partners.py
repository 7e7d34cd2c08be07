"""Partners as CARE knows them beside their accounts, and the month of each, one at a time."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.admin import NOTHING, moment, table
from apps.core.problems import ProblemError
from apps.referrals.models import PartnerAgency
from apps.referrals.services.partners import note_agency
from apps.referrals.services.scorecards import scorecard_of


@admin.register(PartnerAgency)
class PartnerAgencyAdmin(RoleAdmin[PartnerAgency]):
    """No list of partners by their figures: a card stands on its partner's own page."""

    VIEW = CHANGE = frozenset({"supervisor"})
    list_display = ("partner", "part2", "noted_by", moment("noted_at"))
    list_filter = ("part2",)
    list_select_related = ("partner", "noted_by")
    ordering = ("partner__name",)
    readonly_fields = ("last_month", "noted_by", moment("noted_at"))
    fields = ("partner", "part2", *readonly_fields)

    def get_readonly_fields(self, request: HttpRequest, obj: PartnerAgency | None = None) -> Any:
        """Whose it is stays."""
        return ("partner", *self.readonly_fields) if obj else self.readonly_fields

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> PartnerAgency | None:
        """The row, with who looks at it: a scorecard that is read is written down."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            row.looked_at_by = actor_of(request)  # type: ignore[attr-defined]
        return row

    @admin.display(description="last month")
    def last_month(self, row: PartnerAgency) -> SafeString | str:
        by = getattr(row, "looked_at_by", None)
        if by is None:
            return NOTHING
        now = clock.now()
        month = _month_before(now.astimezone(clock.city()).date())
        try:
            card = scorecard_of(partner=row.partner, month=month, by=by, now=now)
        except ProblemError as problem:
            return problem.text
        told = {"month": f"{month:%Y-%m}", **asdict(card)}
        return table(("what", ""), ((name.replace("_", " "), told[name]) for name in told))

    def save_model(self, request: HttpRequest, obj: PartnerAgency, form: Any, change: bool) -> None:
        assert isinstance(request.user, User)
        obj.pk = note_agency(
            partner=obj.partner,
            part2=obj.part2,
            by=request.user,
            now=clock.now(),
        ).pk


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)
