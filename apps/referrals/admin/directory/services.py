"""Services, and what was told of their capacity."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.admin import NOTHING, moment
from apps.core.problems import ProblemError
from apps.referrals.admin.directory.entries import SUPERVISOR
from apps.referrals.admin.directory.forms import CapacityForm, ServiceForm, hours_are_read
from apps.referrals.models import Capacity, Service
from apps.referrals.models.directory import ServiceQuerySet
from apps.referrals.services import directory


def person_of(request: HttpRequest) -> User:
    """Who is signed in."""
    assert isinstance(request.user, User)
    return request.user


class VerifiedFilter(admin.SimpleListFilter):
    """Services that nobody has verified for long."""

    title = "verified"
    parameter_name = "verified"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("stale", "long ago, or never")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Service]) -> QuerySet[Service]:
        if self.value() != "stale" or not isinstance(queryset, ServiceQuerySet):
            return queryset
        today = clock.now().astimezone(clock.city()).date()
        return queryset.unverified_since(today - timedelta(days=settings.DIRECTORY_STALE_DAYS))


@admin.register(Service)
class ServiceAdmin(RoleAdmin[Service]):
    VIEW = CHANGE = SUPERVISOR
    form = ServiceForm
    list_display = (
        *("name", "organization", "used_for", "status", "assured_date", "read", "room"),
        "capacity_link",
    )
    list_filter = ("used_for", "status", VerifiedFilter)
    list_select_related = ("organization",)
    search_fields = ("name", "alternate_name", "organization__name")
    ordering = ("name",)
    actions = ("verify",)

    def save_model(self, request: HttpRequest, obj: Service, form: Any, change: bool) -> None:
        directory.save_service(service=obj, by=actor_of(request), now=clock.now())

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """What was told of capacity is read once for the whole list."""
        page = super().get_changelist_instance(request)
        rows = list(page.result_list)
        told = Capacity.objects.latest_of([row.pk for row in rows])
        for row in rows:
            row.told = told.get(row.pk)
        page.result_list = rows
        return page

    @admin.display(description="hours understood", boolean=True)
    def read(self, row: Service) -> bool | None:
        return hours_are_read(row)

    @admin.display(description="capacity")
    def room(self, row: Service) -> str:
        told: Capacity | None = row.told  # type: ignore[attr-defined]  # see get_changelist_instance
        if told is None:
            return NOTHING
        free = "" if told.free is None else f", {told.free} {told.get_counted_display().lower()}"
        stale = "" if told.valid_until > clock.now() else " (past its time)"
        return f"{told.get_status_display()}{free}{stale}"

    @admin.display(description="")
    def capacity_link(self, row: Service) -> SafeString:
        address = reverse("admin:referrals_service_capacity", args=[row.pk])
        return format_html('<a href="{}">Set capacity</a>', address)

    @admin.action(
        description="They are right as they stand: verified today", permissions=["change"]
    )
    def verify(self, request: HttpRequest, rows: QuerySet[Service]) -> None:
        for row in rows:
            directory.verify_service(
                service=row, assurer_email="", by=actor_of(request), now=clock.now()
            )
        self.message_user(request, f"{len(rows)} verified.")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.capacity_view)
        own = path("<uuid:service>/capacity/", view, name="referrals_service_capacity")
        return [own, *super().get_urls()]

    def capacity_view(self, request: HttpRequest, service: UUID) -> HttpResponse:
        """What a partner has told on the telephone."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        row = get_object_or_404(Service, pk=service)
        form = CapacityForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                directory.set_capacity(
                    service_id=row.pk,
                    **form.cleaned_data,
                    by=person_of(request),
                    now=clock.now(),
                )
            except ProblemError as problem:
                for error in problem.errors:
                    form.add_error(error.pointer.lstrip("/"), error.detail)
            else:
                messages.success(request, f"{row}: every tablet is told.")
                return HttpResponseRedirect(reverse("admin:referrals_service_changelist"))
        return self.step(
            request, "audit/step.html", f"{row}: capacity", form=form, submit="Set capacity"
        )


@admin.register(Capacity)
class CapacityAdmin(RoleAdmin[Capacity]):
    """What was told, by whom, and until when it was to be believed. Nothing here is changed."""

    VIEW = SUPERVISOR
    ENDLESS = True
    list_display = (
        *("service", "status", "free", "total", "counted", "waiting"),
        *(moment("set_at"), moment("valid_until"), "source", "by_desk"),
    )
    list_filter = ("status", "source")
    list_select_related = ("service", "by_desk")
    search_fields = ("service__name",)
    WHEN = "set_at"
    ordering = ("-set_at",)
