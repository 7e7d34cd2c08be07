"""Dispatch rules and call types. A version that has taken effect is not edited: make a new one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.audit.admin import RoleAdmin, actor_of
from apps.audit.versions import VersionAdmin
from apps.core import clock
from apps.core.admin import moment, table
from apps.dispatch import services
from apps.dispatch.admin.dryrun import SpanForm, dry_run_of
from apps.dispatch.admin.ruleforms import EndForm, RuleForm, in_words
from apps.dispatch.models import CallType, DispatchRule

ADMINISTRATOR = frozenset({"administrator"})
READERS = frozenset({"supervisor", "dispatcher", "administrator"})
# The button under the form that tries what is typed, and saves nothing.
TRY = "_try"


@admin.register(DispatchRule)
class DispatchRuleAdmin(VersionAdmin[DispatchRule]):
    VIEW = READERS
    CHANGE = ADMINISTRATOR
    DRAFT = "Give it its name, its days and its citation. Until then it is a draft."
    change_form_template = "dispatch/rule.html"
    list_display = (
        *("version", moment("effective_from"), moment("effective_to"), "in_force", "dry_run"),
    )

    def get_form(
        self, request: HttpRequest, obj: DispatchRule | None = None, change: bool = False, **kw: Any
    ) -> Any:
        """All its terms, or of one that has begun its end alone."""
        form = EndForm if self.has_begun(obj) else RuleForm
        return super().get_form(request, obj, change, form=form, **kw)

    def get_readonly_fields(
        self, request: HttpRequest, obj: DispatchRule | None = None
    ) -> tuple[str, ...]:
        if self.has_begun(obj):
            return ("version", "effective_from", "citation", "terms")
        return ("terms",)

    def get_fields(self, request: HttpRequest, obj: DispatchRule | None = None) -> tuple[str, ...]:
        """Its fields where they can be edited, else its terms to be read."""
        first = ("version", "effective_from", "effective_to", "citation")
        if self.has_begun(obj) or not self.has_change_permission(request, obj):
            return (*first, "terms")
        return (*first, *RuleForm.declared_fields)

    @admin.display(description="what it says")
    def terms(self, rule: DispatchRule) -> SafeString:
        return table((), in_words(services.as_rule(rule)))

    def copy(self, request: HttpRequest, row: DispatchRule) -> DispatchRule:
        return services.new_version(of=row, by=actor_of(request), now=clock.now())

    def save_model(self, request: HttpRequest, obj: DispatchRule, form: Any, change: bool) -> None:
        services.save_rule(rule=obj, by=actor_of(request), now=clock.now())

    @admin.display(boolean=True)
    def in_force(self, rule: DispatchRule) -> bool:
        return rule.in_force(clock.now())

    @admin.display(description="dry run")
    def dry_run(self, rule: DispatchRule) -> SafeString:
        address = reverse("admin:dispatch_dispatchrule_dry_run", args=[rule.pk])
        return format_html('<a href="{}">on past calls</a>', address)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.dry_run_view)
        name = "dispatch_dispatchrule_dry_run"
        return [path("<uuid:rule>/dry-run/", view, name=name), *super().get_urls()]

    def dry_run_view(self, request: HttpRequest, rule: UUID) -> HttpResponse:
        """What a saved version would have meant for the calls of a span of days."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(DispatchRule, pk=rule)
        return self._tried(request, row, SpanForm.of(row, request.GET), typed={})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Tries what is typed before it is saved, where that is asked for and nothing is wrong."""
        if request.method == "POST" and TRY in request.POST:
            obj = self.get_object(request, object_id) if object_id else None
            if not self.has_change_permission(request, obj):
                raise PermissionDenied
            form = self.get_form(request, obj, change=obj is not None)(request.POST, instance=obj)
            if form.is_valid():
                span = SpanForm.of(form.instance, request.POST)
                typed = {name: request.POST.getlist(name) for name in request.POST}
                return self._tried(request, form.instance, span, typed)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _tried(
        self, request: HttpRequest, row: DispatchRule, span: SpanForm, typed: dict[str, list[str]]
    ) -> HttpResponse:
        """`typed`: what was posted of a version that is not saved, to be posted again for another
        span of days."""
        kept = [
            (name, value)
            for name, values in typed.items()
            if name not in span.fields and name != "csrfmiddlewaretoken"
            for value in values
        ]
        shown = dry_run_of(request, row, span)
        title = f"{row.version} on past calls"
        page = self.step(
            request, "dispatch/dry_run.html", title, form=span, kept=kept, unsaved=typed, **shown
        )
        if wait := shown.get("wait"):
            page.status_code, page["Retry-After"] = 429, str(wait)
        return page


@admin.register(CallType)
class CallTypeAdmin(RoleAdmin[CallType]):
    VIEW = READERS
    CHANGE = ADMINISTRATOR
    list_display = ("code", "common_type", "nemsis_code", "check_in_minutes")
    list_filter = ("common_type",)
    search_fields = ("code",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: CallType | None = None
    ) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def save_model(self, request: HttpRequest, obj: CallType, form: Any, change: bool) -> None:
        services.save_call_type(call_type=obj, by=actor_of(request), now=clock.now())
