"""What record each encounter of a cleared call has: debts first, with their age, and how the rest
was settled."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, F, Func, OuterRef, QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.assignments.admin.links import OfCallAdmin
from apps.casenotes.debts import hours_since
from apps.casenotes.models import EncounterRecord, RecordKind
from apps.core import clock
from apps.core.admin import NOTHING, Values, moment
from apps.people.ids import ordinal_of


class _IsAnyOf(Func):
    """Whether a value is one of an array's, which no lookup of Django's says of another column."""

    template, arg_joiner = "(%(expressions)s))", " = any("
    output_field = BooleanField()


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


@admin.register(EncounterRecord)
class EncounterRecordAdmin(OfCallAdmin[EncounterRecord]):
    VIEW = frozenset({"supervisor"})
    list_display = (
        *("assignment", "which", "closing", moment("cleared_at", "cleared"), "age", "crew"),
        *("kind", moment("settled_at", "settled")),
    )
    list_filter = (OwedFilter, ("closing", Values))
    ordering = ("cleared_at", "pk")
    fields = list_display
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[EncounterRecord]:
        """With the names of who owes it, asked once for all rows."""
        people = User.objects.filter(_IsAnyOf(F("pk"), OuterRef("owed_by")))
        names = ArraySubquery(people.order_by("display_name").values("display_name"))
        return super().get_queryset(request).annotate(owing=names)

    @admin.display(description="encounter")
    def which(self, row: EncounterRecord) -> str:
        return str(ordinal_of(row.pk, row.assignment_id) or NOTHING)

    @admin.display(description="owed for", ordering="cleared_at")
    def age(self, row: EncounterRecord) -> str:
        owed = row.cleared_at is not None and not row.kind
        return f"{hours_since(row.cleared_at, clock.now())} h" if owed else NOTHING

    @admin.display(description="owed by")
    def crew(self, row: EncounterRecord) -> str:
        return ", ".join(getattr(row, "owing", ())) or NOTHING
