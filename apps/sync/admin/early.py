"""What came before what it is of, and still waits: which document, for what, since when. What it
says stands on its own page alone, for whoever may see that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.accounts.models import DESK_ROLES
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import Related, Values, moment
from apps.core.ids import short
from apps.sync.admin.ages import DAY, open_for
from apps.sync.admin.pages import document_link
from apps.sync.models import EarlyDocument, EarlyDocumentQuerySet

_SPANS: Final = {"day": DAY, "week": timedelta(days=7)}


class WaitsFilter(admin.SimpleListFilter):
    """What has waited long: tablets that are in contact have sent the rest by then."""

    title = "waits"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("day", "for over a day"), ("week", "for over a week")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        span = _SPANS.get(self.value() or "")
        if span is None or not isinstance(queryset, EarlyDocumentQuerySet):
            return queryset
        return queryset.older_than(span, now=clock.now())


@admin.register(EarlyDocument)
class EarlyDocumentAdmin(RecordAdmin[EarlyDocument]):
    VIEW = DESK_ROLES
    list_display = (
        *("short_name", "came_as", "document", "waits_for", moment("since", "came"), "open_for"),
        *("tablet", "author"),
    )
    list_filter = (WaitsFilter, ("what", Values), ("parent", Values), ("tablet", Related))
    list_select_related = ("tablet", "author")
    WHEN = "since"
    ordering = ("-since",)
    fields = list_display
    readonly_fields = fields

    @admin.display(description="row")
    def short_name(self, row: EarlyDocument) -> str:
        return str(row)

    @admin.display(description="document")
    def document(self, row: EarlyDocument) -> SafeString:
        return document_link(row.collection if row.is_refused else row.what, row.doc_id)

    @admin.display(description="what it is", ordering="what")
    def came_as(self, row: EarlyDocument) -> str:
        word = row.what.replace("_", " ")
        return f"{word} (refused until then)" if row.is_refused else word

    @admin.display(description="waits for", ordering="parent")
    def waits_for(self, row: EarlyDocument) -> str:
        return f"{row.parent.replace('_', ' ')} {short(row.parent_id)} (not here yet)"

    @admin.display(description="for", ordering="since")
    def open_for(self, row: EarlyDocument) -> SafeString:
        return open_for(row.since, settled=False)
