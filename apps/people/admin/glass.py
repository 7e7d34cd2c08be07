"""Who opened a person's record without a call that led to them, and whether that was justified."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import moment
from apps.core.problems import ProblemError
from apps.people import services
from apps.people.models import BrokenGlass


@admin.register(BrokenGlass)
class BrokenGlassAdmin(RecordAdmin[BrokenGlass]):
    VIEW = frozenset({"supervisor"})
    list_display = ("user", moment("at"), moment("until"), "reason", "justified", "reviewed_by")
    list_filter = ("justified", ("user", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("user", "reviewed_by")
    ordering = ("-at",)
    actions = ("was_justified", "was_not_justified")
    fields = (
        *("user", "person", moment("at"), moment("until"), moment("closed_at"), "reason"),
        *("justified", "reviewed_by", moment("reviewed_at")),
    )
    readonly_fields = fields

    @admin.action(description="It was justified")
    def was_justified(self, request: HttpRequest, rows: QuerySet[BrokenGlass]) -> None:
        self._review(request, rows, justified=True)

    @admin.action(description="It was not justified")
    def was_not_justified(self, request: HttpRequest, rows: QuerySet[BrokenGlass]) -> None:
        self._review(request, rows, justified=False)

    def _review(
        self, request: HttpRequest, rows: QuerySet[BrokenGlass], *, justified: bool
    ) -> None:
        assert isinstance(request.user, User)
        for row in rows:
            try:
                services.review_glass(
                    glass=row, justified=justified, by=request.user, now=clock.now()
                )
            except ProblemError as problem:
                text = problem.text or problem.problem.title
                self.message_user(request, f"{row}: {text}", messages.ERROR)
