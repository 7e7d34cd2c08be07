"""Assignments: who has what. Give it on, call it off."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import DESK_ROLES, User
from apps.assignments import services
from apps.assignments.admin import tables
from apps.assignments.admin.decisions import (
    Decision,
    FurtherUnitForm,
    ReasonForm,
    UnitForm,
    decide,
)
from apps.assignments.documents import AT_WHOM
from apps.assignments.models import Assignment
from apps.assignments.records import look_at
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import NOTHING, moment, table, when
from apps.dispatch.admin.incidents import IncidentAdmin, link
from apps.dispatch.models import Incident, Source


def call_name(incident: Incident) -> str:
    """An incident as the desk calls it: by its CAD number, or how it began."""
    return incident.cad_number or f"{incident.get_entry_kind_display()} (no CAD number)"


def _name(row: Assignment) -> str:
    return f"{call_name(row.incident)}, {row.unit}, {row.get_state_display()}"


@admin.action(description="Assign a CARE unit")
def assign_unit(
    page: RecordAdmin[Incident], request: HttpRequest, rows: QuerySet[Incident]
) -> HttpResponse | None:
    """On the page of incidents: gives them to a CARE unit, in the desk's name."""

    def give(row: Incident, by: User, given: dict[str, Any]) -> None:
        services.assign(incident=row, source=Source.DESK, by=by, now=clock.now(), **given)

    def name(row: Incident) -> str:
        return f"{call_name(row)}, {row.evaluation.get('text', '')}"

    decision = Decision(
        "assign_unit", "Assign a CARE unit", "Which unit goes?", FurtherUnitForm, give, name
    )
    return decide(page, request, rows, decision)


IncidentAdmin.actions.append(assign_unit)


@admin.register(Assignment)
class AssignmentAdmin(RecordAdmin[Assignment]):
    VIEW = DESK_ROLES
    list_display = (
        *("call", "unit", "state", "acknowledgement", "override"),
        *("source", moment("given_at", "given"), moment("closed_at", "closed")),
    )
    list_filter = ("state", ("unit", admin.RelatedOnlyFieldListFilter), "source", "entry_kind")
    list_select_related = ("unit", "incident")
    search_fields = ("incident__cad_number",)
    search_help_text = "CAD event number"
    date_hierarchy = "given_at"
    ordering = ("-given_at",)
    show_full_result_count = False
    actions = ("assign", "reassign", "cancel")
    fieldsets = (
        ("Hazards", {"fields": ("cautions",)}),
        ("The assignment", {"fields": ("call_link", "address", "unit", "progress", "given")}),
        ("Timeline", {"fields": ("happened", "doubts")}),
        ("Handoff between police, fire and CARE", {"fields": ("handoff",)}),
    )
    readonly_fields = (
        *("call_link", "cautions", "address", "unit", "progress", "given"),
        *("happened", "doubts", "handoff"),
    )

    @admin.display(description="call", ordering="incident__cad_number")
    def call(self, row: Assignment) -> str:
        return call_name(row.incident)

    @admin.display(description="call")
    def call_link(self, row: Assignment) -> SafeString:
        incident = row.incident
        kind = incident.final_call_type or incident.initial_call_type
        return format_html("{} {}", link(incident), kind)

    @admin.display(description="acknowledgement", ordering="alarm_from")
    def acknowledgement(self, row: Assignment) -> SafeString:
        """Whether one is awaited, and how far the alarm has risen."""
        if row.alarm_from is None:
            return format_html("{}", "acknowledged" if row.acknowledged_revision else NOTHING)
        if not row.alarm_level:
            return format_html("{}", "awaited")
        whom = tables.words(AT_WHOM[row.alarm_level - 1])
        return format_html("<strong>none, alarm at: {}</strong>", whom)

    @admin.display(description="against the rules", ordering="override_reason")
    def override(self, row: Assignment) -> str:
        return "yes" if row.override_reason is not None else NOTHING

    @admin.display(description="cautions, the worst first")
    def cautions(self, row: Assignment) -> SafeString:
        found = row.incident.details["cautions"]
        return table(("severity", "caution"), ((one["severity"], one["text"]) for one in found))

    @admin.display(description="address")
    def address(self, row: Assignment) -> str:
        return str(row.incident.details["address"] or NOTHING)

    @admin.display(description="state")
    def progress(self, row: Assignment) -> SafeString:
        ended = f": {tables.words(row.closing)}" if row.closing else ""
        return format_html("{}{}; {}", row.get_state_display(), ended, self.acknowledgement(row))

    @admin.display(description="given")
    def given(self, row: Assignment) -> SafeString:
        by = row.given_by or row.get_source_display()
        why = f". Against the rules: {row.override_reason}" if row.override_reason else ""
        return format_html(
            "{} by {}, {}{}", when(row.given_at), by, row.get_entry_kind_display(), why
        )

    @admin.display(description="what happened")
    def happened(self, row: Assignment) -> SafeString:
        return tables.happened(look_at(row))

    @admin.display(description="doubts about it")
    def doubts(self, row: Assignment) -> str:
        return "; ".join(tables.flag(one) for one in row.flags) or NOTHING

    @admin.display(description="ledger")
    def handoff(self, row: Assignment) -> SafeString:
        return tables.handoff(look_at(row))

    @admin.action(description="Give the incident to a further unit")
    def assign(self, request: HttpRequest, rows: QuerySet[Assignment]) -> HttpResponse | None:
        def give(row: Assignment, by: User, given: dict[str, Any]) -> None:
            services.assign(
                incident=row.incident, source=Source.DESK, by=by, now=clock.now(), **given
            )

        decision = Decision(
            *("assign", "Give it to a further unit", "Which unit shall go, too?"),
            *(FurtherUnitForm, give, _name),
        )
        return decide(self, request, rows, decision)

    @admin.action(description="Reassign to another unit")
    def reassign(self, request: HttpRequest, rows: QuerySet[Assignment]) -> HttpResponse | None:
        def move(row: Assignment, by: User, given: dict[str, Any]) -> None:
            services.reassign(
                assignment=row, to=given["unit"], by=by, reason=given["reason"], now=clock.now()
            )

        decision = Decision("reassign", "Reassign", "Which unit takes over?", UnitForm, move, _name)
        return decide(self, request, rows, decision)

    @admin.action(description="Call off")
    def cancel(self, request: HttpRequest, rows: QuerySet[Assignment]) -> HttpResponse | None:
        def call_off(row: Assignment, by: User, given: dict[str, Any]) -> None:
            services.cancel(assignment=row, by=by, now=clock.now(), **given)

        decision = Decision(
            "cancel", "Call off", "Why are they called off?", ReasonForm, call_off, _name
        )
        return decide(self, request, rows, decision)
