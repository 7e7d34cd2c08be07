"""Which dispatches left the house as a file, who took them, and why."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.audit.admin import RoleAdmin
from apps.core.admin import moment
from apps.metrics.models import FigureExport


@admin.register(FigureExport)
class FigureExportAdmin(RoleAdmin[FigureExport]):
    """Read only: one's own team's."""

    VIEW = frozenset({"supervisor"})
    ENDLESS = True
    list_display = (
        moment("at", "taken"),
        "by",
        "what",
        "begins",
        "ends",
        "format",
        "lines",
        "reason",
    )
    list_filter = ("format",)
    list_select_related = ("by",)
    ordering = ("-at", "-pk")
    list_display_links = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[FigureExport]:
        return FigureExport.objects.visible_to(request.user).order_by(*self.ordering)

    def has_change_permission(self, request: HttpRequest, obj: FigureExport | None = None) -> bool:
        return False
