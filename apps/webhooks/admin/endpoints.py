"""Endpoints of partners. A supervisor sees how they are, and acts for one that asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from apps.accounts.models import Role, User
from apps.accounts.services import user_actor
from apps.audit.acts import Act, ActsAdmin
from apps.audit.admin import RoleAdmin
from apps.core import clock
from apps.core.admin import NOTHING, moment
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


def _on(verb: Callable[..., Any]) -> Callable[[Endpoint, User, dict[str, Any]], None]:
    """An act of a verb that takes the form's answers by their names."""

    def act(endpoint: Endpoint, by: User, given: dict[str, Any]) -> None:
        verb(endpoint=endpoint, by=user_actor(by), now=clock.now(), **given)

    return act


def _pause(**told: Any) -> None:
    services.pause_endpoint(kind=PausedBy.STAFF, **told)


def _pause_partner(endpoint: Endpoint, by: User, given: dict[str, Any]) -> str:
    paused = services.pause_partner(
        partner=endpoint.partner, by=user_actor(by), now=clock.now(), **given
    )
    return f"{endpoint.partner}: {len(paused)} paused."


def _in(*states: str) -> Callable[[Endpoint], bool]:
    return lambda endpoint: endpoint.state in states


_ACTIVE, _PAUSED = EndpointState.ACTIVE.value, EndpointState.PAUSED.value


class TroubleFilter(admin.SimpleListFilter):
    """Those that somebody has to see to."""

    title = "trouble"
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "fails, paused or gone")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.filter(pk__in=Endpoint.objects.in_trouble().values("pk"))
        return queryset


@admin.register(Endpoint)
class EndpointAdmin(ActsAdmin[Endpoint], RoleAdmin[Endpoint]):
    """Partners make them. An address may carry a secret: its host alone is shown."""

    VIEW = OVERSEERS
    list_display = ("name", "partner", "host", "state", "pending", moment("succeeded_at"))
    acts = {
        "pause": Act(
            label="Pause",
            question="No attempt starts from now on. Events are kept.",
            form=PauseForm,
            reason="why",
            verb=_on(_pause),
            offered=_in(_ACTIVE),
            roles=SUPERVISOR,
        ),
        "pause_partner": Act(
            label="Pause the partner",
            question="All its endpoints at once. Events are kept, and each is resumed by itself.",
            form=PauseForm,
            reason="why",
            verb=_pause_partner,
            offered=_in(_ACTIVE),
            roles=SUPERVISOR,
            message_name=lambda endpoint: str(endpoint.partner),
        ),
        "resume": Act(
            label="Resume",
            question="What was kept is sent first.",
            form=WhyForm,
            reason="why",
            verb=_on(services.resume_endpoint),
            offered=_in(_PAUSED),
            roles=SUPERVISOR,
        ),
        "test": Act(
            label="Send a test",
            form=WhyForm,
            reason="why",
            verb=_on(services.send_test),
            offered=_in(_ACTIVE),
            roles=SUPERVISOR,
        ),
        "replay": Act(
            label="Send again",
            question="Everything after a number that was accepted or parked.",
            form=ReplayForm,
            reason="why",
            verb=_on(services.replay_since),
            offered=_in(_ACTIVE, _PAUSED),
            roles=SUPERVISOR,
        ),
        "watcher": Act(
            label="Who is warned",
            form=WatcherForm,
            verb=_on(services.name_watcher),
            roles=SUPERVISOR,
        ),
    }
    list_filter = (TroubleFilter, "state")
    list_select_related = ("partner",)
    ordering = ("state", "partner__name", "name")
    fields = (
        *("name", "partner", "host", "event_types", "state", "pending", "sequence", "rate"),
        *(moment("made_at"), moment("verified_at"), moment("succeeded_at")),
        *("failures", moment("failing_since"), moment("open_until"), moment("slow_until")),
        *(moment("paused_at"), "paused_by", "pause_reason"),
        *(moment("disabled_at"), "disabled_why", "watcher"),
    )

    @admin.display(description="host")
    def host(self, endpoint: Endpoint) -> str:
        return urlsplit(endpoint.url).hostname or NOTHING

    @admin.display(description="pending")
    def pending(self, endpoint: Endpoint) -> int:
        return endpoint.waiting or 0  # type: ignore[attr-defined]  # see get_queryset

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        """With what waits for each, counted once for the whole list."""
        pending = Delivery.objects.pending().filter(endpoint=OuterRef("pk")).order_by()
        counted = pending.values("endpoint").annotate(found=Count("pk")).values("found")
        rows = super().get_queryset(request).select_related("partner", "watcher")
        return rows.annotate(waiting=Subquery(counted))
