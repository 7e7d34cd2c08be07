"""What record each cleared call has: debts first, with their age, and how they were settled."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.assignments.admin.facts import assignment_link
from apps.audit.admin import RecordAdmin
from apps.casenotes.debts import hours_since
from apps.casenotes.models import DispatchRecord, RecordKind
from apps.core import clock
from apps.core.admin import NOTHING, moment


class OwedFilter(admin.SimpleListFilter):
    """Debts, unless somebody asks for the rest: automatic, minimal and full ones apart."""

    title = "record"
    parameter_name = "record"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(RecordKind.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in RecordKind.values:
            return queryset.filter(kind=self.value())
        return queryset.filter(kind="", cleared_at__isnull=False)

    def choices(self, changelist: Any) -> Any:
        """Django calls the state without a filter "All", which it is not here."""
        first, *others = super().choices(changelist)
        return [{**first, "display": "owed"}, *others]


@admin.register(DispatchRecord)
class DispatchRecordAdmin(RecordAdmin[DispatchRecord]):
    VIEW = frozenset({"supervisor"})
    list_display = (
        *("assignment", "closing", moment("cleared_at", "cleared"), "age", "crew", "kind"),
        moment("settled_at", "settled"),
    )
    list_filter = (OwedFilter, "closing")
    ordering = ("cleared_at", "pk")
    show_full_result_count = False
    fields = (
        *("assignment", "closing", moment("cleared_at", "cleared"), "age", "crew", "kind"),
        moment("settled_at", "settled"),
    )
    readonly_fields = fields

    @admin.display(description="assignment")
    def assignment(self, row: DispatchRecord) -> SafeString:
        return assignment_link(row.pk)

    @admin.display(description="owed for", ordering="cleared_at")
    def age(self, row: DispatchRecord) -> str:
        owed = row.cleared_at is not None and not row.kind
        return f"{hours_since(row.cleared_at, clock.now())} h" if owed else NOTHING

    @admin.display(description="owed by")
    def crew(self, row: DispatchRecord) -> str:
        people = User.objects.filter(pk__in=row.owed_by).order_by("display_name")
        return ", ".join(str(one) for one in people) or NOTHING
