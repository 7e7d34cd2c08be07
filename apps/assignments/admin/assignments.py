"""Assignments: who has what. Give it on, call it off."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import DESK_ROLES, User
from apps.assignments import services
from apps.assignments.admin import tables
from apps.assignments.admin.forms import CallOffForm, FurtherUnitForm, UnitForm, WhyToldForm
from apps.assignments.documents import AT_WHOM
from apps.assignments.models import Assignment, AssignmentQuerySet
from apps.assignments.records import look_at
from apps.audit.acts import Act, ActsAdmin
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import NOTHING, Related, moment, table, when
from apps.dispatch.admin.incidents import IncidentAdmin, link
from apps.dispatch.models import STARTED_BY_RESPONDER, Incident, IncidentStatus, Source


def call_name(incident: Incident) -> str:
    """An incident as the desk calls it: by its CAD number, or how it began."""
    return incident.cad_number or f"{incident.get_entry_kind_display()} (no CAD number)"


def _name(row: Assignment) -> str:
    return f"{call_name(row.incident)}, {row.unit}, {row.get_state_display()}"


def _may_be_given(row: Incident) -> bool:
    return row.status == IncidentStatus.ACTIVE


def _is_linked(row: Assignment) -> bool:
    return row.entry_kind in STARTED_BY_RESPONDER and row.incident.cad_number is not None


def _give(row: Incident, by: User, given: dict[str, Any]) -> None:
    services.assign(incident=row, source=Source.DESK, by=by, now=clock.now(), **given)


def _give_too(row: Assignment, by: User, given: dict[str, Any]) -> None:
    _give(row.incident, by, given)


def _move(row: Assignment, by: User, given: dict[str, Any]) -> None:
    services.reassign(
        assignment=row, to=given["unit"], by=by, reason=given["reason"], now=clock.now()
    )


def _call_off(row: Assignment, by: User, given: dict[str, Any]) -> None:
    services.cancel(assignment=row, by=by, now=clock.now(), **given)


def _acknowledge(row: Assignment, by: User, given: dict[str, Any]) -> None:
    services.acknowledge_for_unit(assignment=row, by=by, now=clock.now(), **given)


def _confirm_link(row: Assignment, by: User, _: dict[str, Any]) -> None:
    services.confirm_link(assignment=row, by=by, now=clock.now())


def _refuse_link(row: Assignment, by: User, _: dict[str, Any]) -> None:
    services.refuse_link(assignment=row, by=by, now=clock.now())


def _take_back_link(row: Assignment, by: User, _: dict[str, Any]) -> None:
    services.take_back_link(assignment=row, by=by, now=clock.now())


def _with_number(row: Assignment) -> str:
    return f"{_name(row)}; CAD number {row.link_number}, given by {row.link_by}"


# On the page of incidents. Against the rules it is an override, which takes a reason.
IncidentAdmin.acts["assign_unit"] = Act(
    label="Assign a CARE unit",
    brief="Assign",
    question="Which unit goes?",
    form=FurtherUnitForm,
    verb=_give,
    offered=_may_be_given,
    name=lambda row: f"{call_name(row)}, {row.evaluation.get('text', '')}",
    message_name=call_name,
)


class NumberFilter(admin.SimpleListFilter):
    """Calls with a CAD number that a desk is to confirm or to refuse."""

    title = "CAD number"
    parameter_name = "number"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waits", "to be confirmed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "waits" and isinstance(queryset, AssignmentQuerySet):
            return queryset.number_waits()
        return queryset


@admin.register(Assignment)
class AssignmentAdmin(ActsAdmin[Assignment], RecordAdmin[Assignment]):
    VIEW = DESK_ROLES
    STORY = "cockpit_assignment_story"
    list_display = (
        *("call", "unit", "state", "acknowledgement", "override"),
        *("source", moment("given_at", "given"), moment("closed_at", "closed")),
    )
    list_filter = ("state", ("unit", Related), "source", "entry_kind", NumberFilter)
    list_select_related = ("unit", "incident", "link_by")
    search_fields = ("incident__cad_number",)
    search_help_text = "CAD event number"
    WHEN = "given_at"
    ordering = ("-given_at",)
    acts = {
        "acknowledge": Act(
            label="Acknowledge for the unit",
            brief="Acknowledge",
            question="The unit has the call, and said so. Its alarm stops on every screen.",
            form=WhyToldForm,
            verb=_acknowledge,
            offered=lambda row: row.alarm_from is not None,
            name=_name,
            message_name=_name,
        ),
        "assign": Act(
            label="Give the incident to a further unit",
            brief="Further unit",
            question="Which unit shall go, too?",
            form=FurtherUnitForm,
            verb=_give_too,
            offered=lambda row: _may_be_given(row.incident),
            name=_name,
            message_name=_name,
        ),
        "reassign": Act(
            label="Reassign to another unit",
            brief="Reassign",
            question="Which unit takes over?",
            form=UnitForm,
            verb=_move,
            offered=lambda row: row.closed_at is None or row.closing == "declined",
            name=_name,
            message_name=_name,
        ),
        "cancel": Act(
            label="Call off",
            question="Why are they called off?",
            form=CallOffForm,
            verb=_call_off,
            offered=lambda row: row.closed_at is None,
            name=_name,
            message_name=_name,
        ),
        "confirm_link": Act(
            label="Confirm the CAD number",
            question="Is it the event that they came upon? They will see it, and it their notes.",
            verb=_confirm_link,
            offered=lambda row: bool(row.link_number),
            name=_with_number,
            message_name=_name,
        ),
        "refuse_link": Act(
            label="Refuse the CAD number",
            question="They gave a wrong number? The call goes on without one.",
            verb=_refuse_link,
            offered=lambda row: bool(row.link_number),
            name=_with_number,
            message_name=_name,
        ),
        "take_back_link": Act(
            label="Take back the CAD number",
            question="They came upon something else? The call goes on without a number. "
            "The event shows their notes no more. Each keeps its own cautions; those that came "
            "meanwhile stay with both, and say so.",
            verb=_take_back_link,
            offered=_is_linked,
            name=_name,
            message_name=_name,
        ),
    }
    fieldsets = (
        ("Hazards", {"fields": ("cautions",)}),
        (
            "The assignment",
            {"fields": ("call_link", "link_waits", "address", "unit", "progress", "given")},
        ),
        ("Timeline", {"fields": ("happened", "doubts")}),
        ("Handoff between police, fire and CARE", {"fields": ("handoff",)}),
    )
    readonly_fields = (
        *("call_link", "link_waits", "cautions", "address", "unit", "progress", "given"),
        *("happened", "doubts", "handoff"),
    )

    @admin.display(description="call", ordering="incident__cad_number")
    def call(self, row: Assignment) -> str:
        name = call_name(row.incident)
        return f"{name}; {row.link_number} to be confirmed" if row.link_number else name

    @admin.display(description="CAD number to be confirmed")
    def link_waits(self, row: Assignment) -> SafeString:
        if not row.link_number:
            return format_html("{}", NOTHING)
        return format_html("{}, given by {}, {}", row.link_number, row.link_by, when(row.link_at))

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
        heads = ("severity", "caution", "of which call")
        found = row.incident.cautions
        return table(heads, ((one["severity"], one["text"], one["origin"]) for one in found))

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
