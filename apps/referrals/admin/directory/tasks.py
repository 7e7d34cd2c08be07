"""Tasks of the directory, and what the field has told of its services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.audit.admin import RecordAdmin, RoleAdmin, actor_of
from apps.audit.services import record
from apps.core import clock
from apps.core.admin import NOTHING, in_words, moment, pretty, readable, table, when
from apps.core.ids import short
from apps.referrals.admin.directory.entries import SUPERVISOR
from apps.referrals.admin.directory.forms import SettleForm
from apps.referrals.admin.directory.services import person_of
from apps.referrals.directory import codes
from apps.referrals.models import DirectoryTask, FacilityFact, Service
from apps.referrals.services import directory


class OpenFilter(admin.SimpleListFilter):
    """Those that nobody has settled."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "open")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[DirectoryTask]
    ) -> QuerySet[DirectoryTask]:
        return queryset.filter(settled_at=None) if self.value() == "open" else queryset


@admin.register(DirectoryTask)
class DirectoryTaskAdmin(RoleAdmin[DirectoryTask]):
    """What somebody has to see to. It is settled with its outcome; whoever reported it is told."""

    VIEW = SUPERVISOR
    ENDLESS = True
    list_display = (
        *("service", "about", moment("opened_at"), "outcome", moment("settled_at")),
        *("settled_by", "settle_link"),
    )
    list_display_links = None
    list_filter = (OpenFilter, "about")
    list_select_related = ("service", "settled_by")
    search_fields = ("service__name",)
    ordering = ("-opened_at",)

    @admin.display(description="")
    def settle_link(self, row: DirectoryTask) -> SafeString:
        address = reverse("admin:referrals_directorytask_settle", args=[row.pk])
        return format_html('<a href="{}">{}</a>', address, "Look" if row.settled_at else "Settle")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.settle_view)
        own = path("<uuid:task>/settle/", view, name="referrals_directorytask_settle")
        return [own, *super().get_urls()]

    def settle_view(self, request: HttpRequest, task: UUID) -> HttpResponse:
        """What was reported, by those whom this supervisor may see; and how it ends."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(DirectoryTask.objects.select_related("service"), pk=task)
        form = SettleForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            directory.settle_task(
                task=row, **form.cleaned_data, by=person_of(request), now=clock.now()
            )
            messages.success(request, "It is settled.")
            return HttpResponseRedirect(reverse("admin:referrals_directorytask_changelist"))
        edit = reverse("admin:referrals_service_change", args=[row.service_id])
        return self.step(
            request,
            "referrals/settle.html",
            f"{row.service}: {row.get_about_display()}",
            form=form,
            submit="Settle",
            edit=edit,
            reports=table(("when", "who", "found", "note"), _reports(request, row)),
        )


def _reports(request: HttpRequest, task: DirectoryTask) -> Iterator[tuple[Any, ...]]:
    rows = list(
        FacilityFact.objects.visible_to(request.user)
        .filter(report_of__task=task)
        .select_related("author")
        .order_by("order")
    )
    record(
        actor=actor_of(request),
        action="read",
        subject_type="facility_fact",
        subject_ids=[row.pk for row in rows],
        now=clock.now(),
    )
    for row in rows:
        data = row.data
        told = (data.get("found") or NOTHING, data.get("note") or NOTHING)
        yield (when(row.received_at), row.author, *told)


@admin.register(FacilityFact)
class FacilityFactAdmin(RecordAdmin[FacilityFact]):
    """Calls for a bed, arrivals, handovers, reports: read here, changed by nobody."""

    VIEW = SUPERVISOR
    list_display = (moment("received_at"), "kind", "of_service", "unit", "author", "doubts")
    list_filter = ("kind", "unit")
    WHEN = "received_at"
    ordering = ("-received_at",)
    fields = (
        *("kind", "of_service", "told", moment("until"), "assignment_id", "encounter_id"),
        *("corrects", "unit", "author", moment("received_at"), "clock_offset_ms", "doubts"),
        "not_read",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[FacilityFact]:
        """With the name of the service, read once for the whole list."""
        named = Service.objects.filter(pk=OuterRef("service_id")).values("name")[:1]
        rows = super().get_queryset(request).select_related("unit", "author")
        return rows.annotate(service_name=Subquery(named))

    @admin.display(description="service")
    def of_service(self, row: FacilityFact) -> str:
        unknown = short(row.service_id) if row.service_id else NOTHING
        return getattr(row, "service_name", None) or unknown

    @admin.display(description="as it was told")
    def told(self, row: FacilityFact) -> SafeString:
        return readable(row.data)

    @admin.display(description="doubts")
    def doubts(self, row: FacilityFact) -> str:
        return in_words(row.flags, codes.FLAGS)

    @admin.display(description="what could not be read")
    def not_read(self, row: FacilityFact) -> SafeString:
        return pretty(row.unread)
