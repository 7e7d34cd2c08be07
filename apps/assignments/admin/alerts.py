"""Alerts: what must be answered, by whom it was."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import DESK_ROLES, User
from apps.assignments import services
from apps.assignments.admin.facts import assignment_link
from apps.assignments.models import Alert, AlertQuerySet
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import NOTHING, moment
from apps.core.ids import short


class OpenFilter(admin.SimpleListFilter):
    """Alerts that wait for an answer."""

    title = "answer"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "awaited")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes" and isinstance(queryset, AlertQuerySet):
            return queryset.open()
        return queryset


@admin.register(Alert)
class AlertAdmin(RecordAdmin[Alert]):
    VIEW = DESK_ROLES
    list_display = (
        *("what", "unit", "answer", moment("raised_at", "raised"), "whom"),
        *(moment("acknowledged_at", "answered"), moment("stopped_at", "its cause is over")),
    )
    list_filter = (OpenFilter, "kind", "level", ("unit", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("unit", "acknowledged_by")
    date_hierarchy = "raised_at"
    ordering = ("-raised_at",)
    show_full_result_count = False
    actions = ("acknowledge",)
    fields = (
        *("what", "unit", "assignment", "fact", moment("raised_at", "raised"), "whom"),
        *("answer", moment("acknowledged_at", "answered"), moment("stopped_at", "cause is over")),
    )

    @admin.display(description="alert", ordering="kind")
    def what(self, row: Alert) -> str:
        return row.get_kind_display()

    @admin.display(description="answer")
    def answer(self, row: Alert) -> SafeString:
        if row.acknowledged_by:
            return format_html("acknowledged by {}", row.acknowledged_by)
        if row.stopped_at:
            return format_html("{}", "not needed any more")
        return format_html("<strong>{}</strong>", "awaited")

    @admin.display(description="raised at", ordering="level")
    def whom(self, row: Alert) -> str:
        return "supervisors, dispatch desk" if row.level >= 3 else "supervisors"

    @admin.display(description="assignment")
    def assignment(self, row: Alert) -> SafeString:
        return assignment_link(row.assignment_id)

    @admin.display(description="what was tapped")
    def fact(self, row: Alert) -> SafeString:
        if row.fact_id is None:
            return format_html("{}", NOTHING)
        address = reverse("admin:assignments_fact_change", args=[row.fact_id])
        return format_html('<a href="{}">fact {}</a>', address, short(row.fact_id))

    @admin.action(description="Acknowledge")
    def acknowledge(self, request: HttpRequest, rows: QuerySet[Alert]) -> None:
        by = request.user
        assert isinstance(by, User)
        for row in rows:
            answered = services.acknowledge_alert(alert=row, by=by, now=clock.now())
            unit = f"{row.unit}, " if row.unit else ""
            text = f"{unit}{row.get_kind_display()}: acknowledged by {answered.acknowledged_by}."
            self.message_user(request, text, messages.SUCCESS)
