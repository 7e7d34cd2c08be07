"""Reports and notices that the law asks for and nobody has made: by when, and whose they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.assignments.admin.links import OfCallAdmin
from apps.casenotes.admin.notes import note_link
from apps.casenotes.debts import hours_since
from apps.casenotes.models import NoteAuthor, OwedReport
from apps.core import clock
from apps.core.admin import NOTHING, moment

# What is due later than this is its author's, and no supervisor's yet.
SOON: Final = timedelta(hours=24)


class DueFilter(admin.SimpleListFilter):
    """What is overdue, or soon due, unless somebody asks for the rest."""

    title = "due"
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("later", "later")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        soon = clock.now() + SOON
        if self.value() == "later":
            return queryset.filter(due_at__gt=soon)
        return queryset.filter(due_at__lte=soon)

    def choices(self, changelist: Any) -> Any:
        """Django calls the state without a filter "All", which it is not here."""
        first, *others = super().choices(changelist)
        return [{**first, "display": "overdue, or within a day"}, *others]


@admin.register(OwedReport)
class OwedReportAdmin(OfCallAdmin[OwedReport]):
    """What it is about stands in the note alone."""

    VIEW = frozenset({"supervisor"})
    OF = "note__assignment_id"
    list_display = ("note_page", "assignment", moment("due_at", "due"), "left", "authors")
    list_filter = (DueFilter,)
    list_select_related = ("note",)
    ordering = ("due_at", "pk")
    fields = (*list_display, moment("since", "open since"))
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[OwedReport]:
        """With the names of who owes it, asked once for all rows."""
        names = NoteAuthor.objects.filter(note=OuterRef("pk")).order_by("first_at", "pk")
        owing = ArraySubquery(names.values("author__display_name"))
        return super().get_queryset(request).annotate(owing=owing)

    @admin.display(description="note")
    def note_page(self, row: OwedReport) -> SafeString:
        return note_link(row.note)

    @admin.display(description="left", ordering="due_at")
    def left(self, row: OwedReport) -> str:
        return _left(row.due_at, clock.now())

    @admin.display(description="owed by")
    def authors(self, row: OwedReport) -> str:
        return ", ".join(getattr(row, "owing", ())) or NOTHING


def _left(due_at: datetime | None, now: datetime) -> str:
    """How long there is left, or how late it is."""
    late = hours_since(due_at, now)
    if late is None:
        return NOTHING
    return f"{late} h late" if late > 0 else f"{-late} h"
