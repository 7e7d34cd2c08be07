"""Plans: their versions, a new one from one that is there, and what it would have made."""

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

from apps.accounts.models import User
from apps.audit.versions import VersionAdmin
from apps.core import clock
from apps.core.admin import NOTHING, in_words, moment, table
from apps.followups import codes, plans
from apps.followups.admin.planforms import TRY, EndForm, PlanForm
from apps.followups.models import FollowUpPlan
from apps.followups.services.plans import new_version, save_plan
from apps.followups.services.previewing import MOST, preview

SUPERVISOR = frozenset({"supervisor"})


@admin.register(FollowUpPlan)
class PlanAdmin(VersionAdmin[FollowUpPlan]):
    """Nobody edits a version that is in force, or was: a new one is made of it."""

    VIEW = SUPERVISOR
    CHANGE = SUPERVISOR
    change_form_template = "followups/plan.html"
    DRAFT = "Give it its name, its day and say why. Until that day it is a draft."
    list_display = (
        *("version", moment("effective_from"), moment("effective_to"), "in_force", "made_by"),
        "tried",
    )
    list_select_related = ("made_by",)

    def get_form(
        self, request: HttpRequest, obj: FollowUpPlan | None = None, change: bool = False, **kw: Any
    ) -> Any:
        """All that it says, or of one that has begun its end alone."""
        form = EndForm if self.has_begun(obj) else PlanForm
        return super().get_form(request, obj, change, form=form, **kw)

    def get_readonly_fields(
        self, request: HttpRequest, obj: FollowUpPlan | None = None
    ) -> tuple[str, ...]:
        return ("version", "effective_from", "why", "items") if self.has_begun(obj) else ()

    def get_fields(self, request: HttpRequest, obj: FollowUpPlan | None = None) -> tuple[str, ...]:
        """With its items to be read, where they cannot be edited: those are rows of the form."""
        first = ("version", "effective_from", "effective_to", "why")
        return (*first, "items") if self.has_begun(obj) else first

    @admin.display(description="what it asks for")
    def items(self, row: FollowUpPlan) -> SafeString:
        return items_of(plans.read(row.definition))

    @admin.display(boolean=True)
    def in_force(self, row: FollowUpPlan) -> bool:
        return row == FollowUpPlan.objects.in_force(clock.now())

    @admin.display(description="preview")
    def tried(self, row: FollowUpPlan) -> SafeString:
        address = reverse("admin:followups_followupplan_preview", args=[row.pk])
        return format_html('<a href="{}">on the last month</a>', address)

    def save_model(self, request: HttpRequest, obj: FollowUpPlan, form: Any, change: bool) -> None:
        save_plan(plan=obj, by=_by(request), now=clock.now())

    def copy(self, request: HttpRequest, row: FollowUpPlan) -> FollowUpPlan:
        return new_version(of=row, by=_by(request), now=clock.now())

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With what the plan as it is typed would have made, where that is asked for: nothing is
        saved."""
        form = context["adminform"].form
        if TRY in request.POST and not form.errors:
            context["found"] = preview(plan=form.instance, by=_by(request), now=clock.now())
            context["most"] = MOST
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        name = "followups_followupplan_preview"
        return [path("<uuid:plan>/preview/", view, name=name), *super().get_urls()]

    def preview_view(self, request: HttpRequest, plan: UUID) -> HttpResponse:
        """What it would have made of the encounters of the last month that its reader may see."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(FollowUpPlan, pk=plan)
        found = preview(plan=row, by=_by(request), now=clock.now())
        title = f"{row.version} on the last month's encounters"
        return self.step(request, "followups/preview.html", title, found=found, most=MOST)


def items_of(plan: plans.Plan) -> SafeString:
    """A plan to be read, an item a line."""
    return table(
        ("item", "purpose", "for whom", "due", "for", "how", "tries", "missed after"),
        (
            (
                one.code,
                codes.PURPOSES[one.purpose],
                _for_whom(one.when),
                f"{one.after_hours:g} h after {plans.MOMENTS[one.after]}",
                f"{one.window_hours:g} h",
                codes.WAYS[one.way],
                f"{one.tries}, each {one.retry_hours:g} h after the one before",
                f"{one.missed_after_hours:g} h",
            )
            for one in plan.items
        ),
    )


def _for_whom(when: plans.When) -> str:
    told = [in_words(when.outcomes, plans.ENDINGS)]
    if when.risk:
        told.append(f"risk {' or '.join(when.risk)}")
    asked = {
        "a dose": when.dose,
        "a referral": when.referral,
        "a person who is known": when.known,
    }
    told += [
        f"{'with' if yes else 'without'} {what}" for what, yes in asked.items() if yes is not None
    ]
    return "; ".join(told) or NOTHING


def _by(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
