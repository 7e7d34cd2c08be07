"""Where nobody asked: encounters that the plan would follow up if the person agreed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.assignments.admin.links import OfCallAdmin
from apps.audit.acts import ActsAdmin
from apps.core import clock
from apps.core.admin import duration, moment
from apps.core.ids import short
from apps.followups.admin.agreements import basis_acts
from apps.followups.models import MissingAgreement


class MissingFilter(admin.SimpleListFilter):
    """Those that are missing still, unless somebody asks for the rest."""

    title = "agreement"
    parameter_name = "agreement"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("settled", "not missing any more")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(settled_at__isnull=self.value() != "settled")

    def choices(self, changelist: Any) -> Any:
        """Django calls the state without a filter "All", which it is not here."""
        first, *others = super().choices(changelist)
        return [{**first, "display": "missing"}, *others]


def _name(row: MissingAgreement) -> str:
    return f"encounter {short(row.encounter_id)}"


@admin.register(MissingAgreement)
class MissingAgreementAdmin(ActsAdmin[MissingAgreement], OfCallAdmin[MissingAgreement]):
    VIEW = frozenset({"supervisor"})
    list_display = ("short_name", moment("ended_at", "ended"), "age", "asked_for", "assignment")
    list_filter = (MissingFilter,)
    ordering = ("-ended_at", "-pk")
    acts = basis_acts(_name)
    fields = (
        *("encounter", "assignment", moment("ended_at", "ended"), "asked_for"),
        *(moment("noticed_at", "noticed"), moment("settled_at", "settled")),
    )
    readonly_fields = fields

    @admin.display(description="encounter")
    def short_name(self, row: MissingAgreement) -> str:
        return _name(row)

    @admin.display(description="encounter")
    def encounter(self, row: MissingAgreement) -> SafeString:
        address = reverse("admin:people_encounter_change", args=[row.encounter_id])
        return format_html('<a href="{}">{}</a>', address, _name(row))

    @admin.display(description="ago")
    def age(self, row: MissingAgreement) -> str:
        return duration(int((clock.now() - row.ended_at).total_seconds()))

    @admin.display(description="the plan asks for")
    def asked_for(self, row: MissingAgreement) -> str:
        return ", ".join(row.items)
