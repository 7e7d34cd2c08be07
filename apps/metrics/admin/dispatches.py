"""What figures are counted from: for whoever asks which dispatches a figure is made of."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.assignments.admin.links import assignment_link, called
from apps.audit.admin import RoleAdmin
from apps.core.admin import Values, moment
from apps.metrics.models import DispatchFigures


@admin.register(DispatchFigures)
class DispatchFiguresAdmin(RoleAdmin[DispatchFigures]):
    """Read only. The way on to a call asks there whether its reader may see it."""

    VIEW = frozenset({"supervisor"})
    ENDLESS = True
    list_display = (
        *("dispatch", moment("given_at", "given"), "entry_kind", "call_type", "beat"),
        *(moment("on_scene_at", "on scene"), "closing", "met", "record", "doses", "referrals"),
    )
    list_filter = (("closing", Values), ("record", Values), "met", "entry_kind")
    WHEN = "given_at"
    ordering = ("-given_at", "-pk")
    list_display_links = None

    def has_change_permission(
        self, request: HttpRequest, obj: DispatchFigures | None = None
    ) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[DispatchFigures]:
        return super().get_queryset(request).annotate(called=called("pk"))

    @admin.display(description="dispatch")
    def dispatch(self, row: DispatchFigures) -> SafeString:
        return assignment_link(row.pk, getattr(row, "called", None))
