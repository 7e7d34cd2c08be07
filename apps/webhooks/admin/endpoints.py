"""Endpoints of partners. A supervisor sees how they are, and acts for one that asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from apps.accounts.models import Role, User
from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.admin import NOTHING, moment
from apps.core.problems import ProblemError
from apps.webhooks import services
from apps.webhooks.models import Delivery, Endpoint, EndpointState, PausedBy

SUPERVISOR: Final = frozenset({Role.SUPERVISOR.value})
OVERSEERS: Final = SUPERVISOR | {Role.ADMINISTRATOR.value}


class WhyForm(forms.Form):
    why = forms.ChoiceField(choices=services.Why.choices, label="Because")


class PauseForm(WhyForm):
    reason = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The partner reads it. Nothing about a person.",
    )


class ReplayForm(WhyForm):
    sequence = forms.IntegerField(min_value=0, label="After sequence")


class WatcherForm(forms.Form):
    watcher = forms.ModelChoiceField(
        queryset=User.objects.filter(role=Role.SUPERVISOR, is_active=True).order_by("display_name"),
        required=False,
        help_text="Nobody: the supervisor of the longest standing.",
    )


@dataclass(frozen=True)
class Step:
    """Something that is done with an endpoint: what the page says, what it asks, and the verb."""

    label: str
    form: type[forms.Form]
    verb: Callable[..., Any]
    when: frozenset[str]


_LIVE: Final = frozenset({EndpointState.ACTIVE.value, EndpointState.PAUSED.value})
STEPS: Final[Mapping[str, Step]] = MappingProxyType(
    {
        "pause": Step(
            "Pause",
            PauseForm,
            lambda **told: services.pause_endpoint(kind=PausedBy.STAFF, **told),
            frozenset({EndpointState.ACTIVE.value}),
        ),
        "resume": Step(
            "Resume",
            WhyForm,
            services.resume_endpoint,
            frozenset({EndpointState.PAUSED.value}),
        ),
        "test": Step(
            "Send a test",
            WhyForm,
            services.send_test,
            frozenset({EndpointState.ACTIVE.value}),
        ),
        "replay": Step("Send again", ReplayForm, services.replay_since, _LIVE),
        "watcher": Step(
            "Who is warned", WatcherForm, services.name_watcher, frozenset(EndpointState.values)
        ),
    }
)


@admin.register(Endpoint)
class EndpointAdmin(RoleAdmin[Endpoint]):
    """Partners make them. An address may carry a secret: its host alone is shown."""

    VIEW = OVERSEERS
    list_display = ("name", "partner", "host", "state", "pending", moment("succeeded_at"), "steps")
    list_filter = ("state",)
    list_select_related = ("partner",)
    ordering = ("state", "partner__name", "name")
    fields = (
        *("name", "partner", "host", "event_types", "state", "pending", "sequence", "rate"),
        *(moment("made_at"), moment("verified_at"), moment("succeeded_at")),
        *("failures", moment("failing_since"), moment("open_until"), moment("slow_until")),
        *(moment("paused_at"), "paused_by", "pause_reason"),
        *(moment("disabled_at"), "disabled_why", "watcher", "steps"),
    )

    @admin.display(description="host")
    def host(self, endpoint: Endpoint) -> str:
        return urlsplit(endpoint.url).hostname or NOTHING

    @admin.display(description="pending")
    def pending(self, endpoint: Endpoint) -> int:
        return endpoint.waiting or 0  # type: ignore[attr-defined]  # see get_queryset

    @admin.display(description="")
    def steps(self, endpoint: Endpoint) -> SafeString:
        open_ones = [(name, s.label) for name, s in STEPS.items() if endpoint.state in s.when]
        return format_html_join(
            " | ",
            '<a href="{}">{}</a>',
            (
                (reverse("admin:webhooks_endpoint_step", args=[endpoint.pk, name]), label)
                for name, label in open_ones
            ),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        """With what waits for each, counted once for the whole list."""
        pending = Delivery.objects.pending().filter(endpoint=OuterRef("pk")).order_by()
        counted = pending.values("endpoint").annotate(found=Count("pk")).values("found")
        rows = super().get_queryset(request).select_related("partner", "watcher")
        return rows.annotate(waiting=Subquery(counted))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.step_view)
        name = "webhooks_endpoint_step"
        return [path("<uuid:endpoint>/<str:name>/step/", view, name=name), *super().get_urls()]

    def step_view(self, request: HttpRequest, endpoint: UUID, name: str) -> HttpResponse:
        """Asks why, does it, and goes back to the list."""
        if not self._is(request, SUPERVISOR):
            raise PermissionDenied
        row = get_object_or_404(Endpoint.objects.select_related("partner"), pk=endpoint)
        step = STEPS.get(name)
        if step is None:
            raise Http404
        form = step.form(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                step.verb(endpoint=row, by=actor_of(request), now=clock.now(), **form.cleaned_data)
            except ProblemError as problem:
                form.add_error(None, problem.text or problem.problem.title)
            else:
                messages.success(request, f"{row.name}: {step.label.lower()}, done.")
                return HttpResponseRedirect(reverse("admin:webhooks_endpoint_changelist"))
        title = f"{step.label}: {row.name} of {row.partner}"
        return self.step(request, "audit/step.html", title, form=form, submit=step.label)
