"""Organisations, locations, and which service is where; HSDS in and out."""

from __future__ import annotations

from typing import Any

import orjson
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.problems import FieldError, ProblemError
from apps.referrals.admin.directory.forms import (
    AtLocationForm,
    LocationForm,
    OrganizationForm,
    UploadForm,
    hours_are_read,
)
from apps.referrals.directory import hsdsout
from apps.referrals.models import Location, Organization, ServiceAtLocation
from apps.referrals.services import directory

SUPERVISOR = frozenset({"supervisor"})
# A region's directory is a few megabytes.
LARGEST_FILE = 20 * 1024 * 1024


@admin.register(Organization)
class OrganizationAdmin(RoleAdmin[Organization]):
    VIEW = CHANGE = SUPERVISOR
    form = OrganizationForm
    change_list_template = "referrals/organizations.html"
    list_display = ("name", "alternate_name", "partner")
    list_filter = ("partner",)
    list_select_related = ("partner",)
    search_fields = ("name", "alternate_name")
    ordering = ("name",)

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        directory.save_organization(organization=obj, by=actor_of(request), now=clock.now())

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.import_view), name="referrals_organization_import"),
            path("export/", wrap(self.export_view), name="referrals_organization_export"),
            *super().get_urls(),
        ]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Takes a file of HSDS: all of it, or nothing with what is wrong in it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        errors: tuple[FieldError, ...] = ()
        if request.method == "POST" and form.is_valid():
            try:
                told = directory.import_hsds(
                    payload=_json(form.cleaned_data["file"]),
                    by=actor_of(request),
                    now=clock.now(),
                )
            except ProblemError as problem:
                errors = problem.errors
            except orjson.JSONDecodeError:
                form.add_error("file", "This is no JSON, or it is larger than 20 megabytes.")
            else:
                new, changed = sum(told.created.values()), sum(told.changed.values())
                same = sum(told.same.values())
                text = f"{new} entries are new, {changed} have changed, {same} are as they were."
                messages.success(request, text)
                return HttpResponseRedirect(reverse("admin:referrals_organization_changelist"))
        return self.step(
            request,
            "referrals/upload.html",
            "Import HSDS",
            form=form,
            errors=errors,
            submit="Import",
        )

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """The whole directory, a list of organisations."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = Organization.objects.whole().order_by("name", "pk")
        body = orjson.dumps([hsdsout.organization(row) for row in rows])
        answer = HttpResponse(body, content_type="application/json")
        answer["Content-Disposition"] = 'attachment; filename="directory.json"'
        return answer


@admin.register(Location)
class LocationAdmin(RoleAdmin[Location]):
    VIEW = CHANGE = SUPERVISOR
    form = LocationForm
    list_display = ("__str__", "organization", "location_type", "latitude", "longitude", "read")
    list_filter = ("location_type",)
    list_select_related = ("organization",)
    search_fields = ("name", "alternate_name")
    ordering = ("name",)

    def save_model(self, request: HttpRequest, obj: Location, form: Any, change: bool) -> None:
        directory.save_location(location=obj, by=actor_of(request), now=clock.now())

    @admin.display(description="hours understood", boolean=True)
    def read(self, row: Location) -> bool | None:
        return hours_are_read(row)


@admin.register(ServiceAtLocation)
class AtLocationAdmin(RoleAdmin[ServiceAtLocation]):
    """Which service is where, with hours and telephones of its own where it has any."""

    VIEW = CHANGE = SUPERVISOR
    form = AtLocationForm
    list_display = ("service", "location", "read")
    list_select_related = ("service", "location")
    search_fields = ("service__name", "location__name")
    ordering = ("service__name",)

    def save_model(
        self, request: HttpRequest, obj: ServiceAtLocation, form: Any, change: bool
    ) -> None:
        directory.save_at_location(at=obj, by=actor_of(request), now=clock.now())

    @admin.display(description="hours understood", boolean=True)
    def read(self, row: ServiceAtLocation) -> bool | None:
        return hours_are_read(row)


def _json(file: Any) -> Any:
    if file.size > LARGEST_FILE:
        raise orjson.JSONDecodeError("too large", "", 0)
    return orjson.loads(file.read())
