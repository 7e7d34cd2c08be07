"""Supervisors and dispatchers in the stock admin: who has what, give it on, call it off, answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.assignments import documents, services
from apps.assignments.models import Alert, Assignment, Fact, FactQuerySet
from apps.assignments.records import look_at
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.problems import ProblemError
from apps.dispatch.admin.incidents import IncidentAdmin
from apps.dispatch.models import Agency, Incident, Source, Unit

DESK = frozenset({"supervisor", "dispatcher"})


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))


class UnitForm(forms.Form):
    unit = forms.ModelChoiceField(Unit.objects.none())
    reason = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Required where the dispatch rules do not provide for the call; shown to all.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ours = Unit.objects.filter(agency=Agency.CARE, in_service=True).order_by("call_sign")
        self.fields["unit"].queryset = ours  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Decision:
    """An action that asks something first: its name, the question, its form, and what to do with
    each selected row and the form's answers."""

    action: str
    question: str
    form: type[forms.Form]
    verb: Callable[[Any, User, dict[str, Any]], None]


def decide(
    page: admin.ModelAdmin[Any], request: HttpRequest, rows: QuerySet[Any], decision: Decision
) -> HttpResponse | None:
    """Asks, then carries it out for each row; each succeeds or fails by itself."""
    by = request.user
    assert isinstance(by, User)
    asked = "apply" in request.POST
    form = decision.form(request.POST if asked else None)
    if asked and form.is_valid():
        for row in rows:
            try:
                decision.verb(row, by, form.cleaned_data)
            except ProblemError as problem:
                text = problem.text or " ".join(error.detail for error in problem.errors)
                page.message_user(request, f"{row}: {text}", messages.ERROR)
            else:
                page.message_user(request, f"{row}: done.", messages.SUCCESS)
        return None
    context = {
        **page.admin_site.each_context(request),
        "title": decision.action.replace("_", " ").capitalize(),
        "question": decision.question,
        "rows": rows,
        "form": form,
        "action": decision.action,
        "back": request.get_full_path(),
    }
    return TemplateResponse(request, "assignments/decide.html", context)


@admin.action(description="Assign a CARE unit")
def assign_unit(
    page: admin.ModelAdmin[Incident], request: HttpRequest, rows: QuerySet[Incident]
) -> HttpResponse | None:
    """On the page of incidents: gives them to a CARE unit, in the desk's name."""

    def give(row: Incident, by: User, given: dict[str, Any]) -> None:
        services.assign(incident=row, source=Source.DESK, by=by, now=clock.now(), **given)

    return decide(page, request, rows, Decision("assign_unit", "Which unit goes?", UnitForm, give))


IncidentAdmin.actions.append(assign_unit)


@admin.register(Assignment)
class AssignmentAdmin(RecordAdmin[Assignment]):
    VIEW = DESK
    list_display = (
        *("short_name", "unit", "cad_number", "state", "needs_ack", "alarm_level", "overridden"),
        *("source", "given_at", "closed_at"),
    )
    list_filter = ("state", "unit", "source", "entry_kind")
    list_select_related = ("unit", "incident")
    date_hierarchy = "given_at"
    ordering = ("-given_at",)
    actions = ("assign", "reassign", "cancel")
    fields = (
        *("incident", "cad_number", "unit", "entry_kind", "source", "given_by", "given_at"),
        *("override_reason", "cautions", "address", "state", "closing", "acknowledged_revision"),
        *("alarm_level", "alarm_due_at", "closed_at", "leaves_at", "flags", "happened", "handoff"),
    )
    readonly_fields = fields

    @admin.display(description="assignment")
    def short_name(self, row: Assignment) -> str:
        return str(row)

    @admin.display(description="CAD event", ordering="incident__cad_number")
    def cad_number(self, row: Assignment) -> str:
        return row.incident.cad_number or "-"

    @admin.display(description="unacknowledged", boolean=True)
    def needs_ack(self, row: Assignment) -> bool:
        return row.alarm_from is not None

    @admin.display(description="override", boolean=True)
    def overridden(self, row: Assignment) -> bool:
        return row.override_reason is not None

    @admin.display(description="cautions")
    def cautions(self, row: Assignment) -> str:
        return "\n".join(
            f"{one['severity']}: {one['text']}" for one in row.incident.details["cautions"]
        )

    @admin.display(description="address")
    def address(self, row: Assignment) -> str:
        return str(row.incident.details["address"])

    @admin.display(description="what happened")
    def happened(self, row: Assignment) -> SafeString:
        lines = (
            (
                documents.iso(fact.device_time or fact.received_at),
                fact.event,
                fact.unit or "-",
                fact.source,
                fact.author or "-",
                ", ".join(seen.flags_of(fact)),
            )
            for seen in [look_at(row)]
            for fact in seen.facts
        )
        line = "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>"
        return format_html("<table>{}</table>", format_html_join("", line, lines))

    @admin.display(description="police, fire and CARE")
    def handoff(self, row: Assignment) -> SafeString:
        return format_html("<pre>{}</pre>", _pretty(documents.handoff(look_at(row))))

    @admin.action(description="Give the incident to a further unit")
    def assign(self, request: HttpRequest, rows: QuerySet[Assignment]) -> HttpResponse | None:
        def give(row: Assignment, by: User, given: dict[str, Any]) -> None:
            services.assign(
                incident=row.incident, source=Source.DESK, by=by, now=clock.now(), **given
            )

        return decide(
            self, request, rows, Decision("assign", "Which unit shall go, too?", UnitForm, give)
        )

    @admin.action(description="Reassign to another unit")
    def reassign(self, request: HttpRequest, rows: QuerySet[Assignment]) -> HttpResponse | None:
        def move(row: Assignment, by: User, given: dict[str, Any]) -> None:
            services.reassign(
                assignment=row, to=given["unit"], by=by, reason=given["reason"], now=clock.now()
            )

        return decide(
            self, request, rows, Decision("reassign", "Which unit takes over?", UnitForm, move)
        )

    @admin.action(description="Call off")
    def cancel(self, request: HttpRequest, rows: QuerySet[Assignment]) -> HttpResponse | None:
        def call_off(row: Assignment, by: User, given: dict[str, Any]) -> None:
            services.cancel(assignment=row, by=by, now=clock.now(), **given)

        return decide(
            self,
            request,
            rows,
            Decision("cancel", "Why are they called off?", ReasonForm, call_off),
        )


class WaitingFilter(admin.SimpleListFilter):
    """Facts that came before their assignment: one that waits long belongs to nothing."""

    title = "assignment"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "not here yet")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes" and isinstance(queryset, FactQuerySet):
            return queryset.waiting()
        return queryset


@admin.register(Fact)
class FactAdmin(RecordAdmin[Fact]):
    VIEW = DESK
    list_display = (
        "order",
        "event",
        "unit",
        "source",
        "author",
        "device_time",
        "received_at",
        "flags",
    )
    list_filter = (WaitingFilter, "event", "source", "unit")
    list_select_related = ("unit", "author")
    date_hierarchy = "received_at"
    ordering = ("-order",)
    fields = (
        *("assignment_id", "event", "unit", "source", "author", "device_time", "clock_offset_ms"),
        *("clock_uncertainty_ms", "received_at", "order", "device", "counter", "edit_no"),
        *("flags", "told", "not_read"),
    )
    readonly_fields = fields

    @admin.display(description="details")
    def told(self, row: Fact) -> SafeString:
        return format_html("<pre>{}</pre>", _pretty(row.data))

    @admin.display(description="what could not be read")
    def not_read(self, row: Fact) -> SafeString:
        return format_html("<pre>{}</pre>", _pretty(row.unread))


@admin.register(Alert)
class AlertAdmin(RecordAdmin[Alert]):
    VIEW = DESK
    list_display = (
        *("short_name", "kind", "unit", "level", "raised_at", "acknowledged_by"),
        *("acknowledged_at", "stopped_at"),
    )
    list_filter = ("kind", "level", "unit")
    list_select_related = ("unit", "acknowledged_by")
    date_hierarchy = "raised_at"
    ordering = ("-raised_at",)
    actions = ("acknowledge",)
    fields = (
        *("kind", "level", "unit", "assignment_id", "fact_id", "raised_at"),
        *("acknowledged_by", "acknowledged_at", "stopped_at"),
    )
    readonly_fields = fields

    @admin.display(description="alert")
    def short_name(self, row: Alert) -> str:
        return str(row)

    @admin.action(description="Acknowledge")
    def acknowledge(self, request: HttpRequest, rows: QuerySet[Alert]) -> None:
        by = request.user
        assert isinstance(by, User)
        for row in rows:
            answered = services.acknowledge_alert(alert=row, by=by, now=clock.now())
            who = answered.acknowledged_by
            self.message_user(request, f"{answered}: acknowledged by {who}.", messages.SUCCESS)


def _pretty(value: Any) -> str:
    return "" if value is None else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
