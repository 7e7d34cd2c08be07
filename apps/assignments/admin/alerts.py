"""Alerts: what must be answered, by whom it was."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import DESK_ROLES, User
from apps.assignments import services
from apps.assignments.admin.links import assignment_link
from apps.assignments.documents import arrival, signal
from apps.assignments.models import Alert, AlertKind, AlertQuerySet, Assignment
from apps.assignments.records import look_at
from apps.audit.acts import Act, ActsAdmin, MeantForm
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import NOTHING, Related, Values, duration, moment, when
from apps.core.ids import short, uuid7
from apps.core.problems import CONFLICT, ProblemError


class OpenFilter(admin.SimpleListFilter):
    """Alerts that wait for an answer."""

    title = "answer"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "awaited")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes" and isinstance(queryset, AlertQuerySet):
            return queryset.open()
        return queryset


def _acknowledge(row: Alert, by: User, _: dict[str, Any]) -> str:
    answered = services.acknowledge_alert(alert=row, by=by, now=clock.now())
    unit = f"{row.unit}, " if row.unit else ""
    return f"{unit}{row.get_kind_display()}: acknowledged by {answered.acknowledged_by}."


def _named(row: Alert) -> str:
    return f"{row.unit}, {row.get_kind_display()}"


def _all_well(row: Alert, by: User, _: dict[str, Any]) -> str:
    """For a crew that was missed: their check-in, as the desk heard it."""
    if row.kind != AlertKind.CHECK_IN:
        raise ProblemError(CONFLICT, "no check-in is missed.")
    telling = services.Telling(id=uuid7(), event="check_in", assignment_id=row.assignment_id)
    services.record_from_desk(telling=telling, by=by, now=clock.now())
    return f"{_named(row)}: checked in."


@admin.register(Alert)
class AlertAdmin(ActsAdmin[Alert], RecordAdmin[Alert]):
    VIEW = DESK_ROLES
    list_display = (
        *("what", "unit", "answer", moment("raised_at", "raised"), "tapped", "whom"),
        *(moment("acknowledged_at", "answered"), moment("stopped_at", "its cause is over")),
    )
    list_filter = (OpenFilter, "kind", ("level", Values), ("unit", Related))
    list_select_related = ("unit", "acknowledged_by")
    WHEN = "raised_at"
    ordering = ("-raised_at",)
    acts = {
        "acknowledge": Act(
            label="Acknowledge",
            question="You see to it: everybody reads that it is you.",
            form=MeantForm,
            verb=_acknowledge,
            offered=lambda row: row.acknowledged_by_id is None and row.stopped_at is None,
            at_once=True,
        ),
        "all_well": Act(
            label="Crew says all well, by radio",
            brief="All well",
            question="A crew that was missed has checked in, as the desk heard it.",
            form=MeantForm,
            verb=_all_well,
            offered=lambda row: row.kind == AlertKind.CHECK_IN and row.stopped_at is None,
            message_name=_named,
            at_once=True,
        ),
    }
    fields = (
        *("what", "unit", "assignment", "fact", moment("raised_at", "raised"), "tapped", "whom"),
        *("answer", moment("acknowledged_at", "answered"), moment("stopped_at", "cause is over")),
        "silence",
    )

    def get_queryset(self, request: HttpRequest) -> AlertQuerySet:
        rows = super().get_queryset(request)
        assert isinstance(rows, AlertQuerySet)
        return rows.with_taps()

    @admin.display(description="alert", ordering="kind")
    def what(self, row: Alert) -> str:
        return row.get_kind_display()

    @admin.display(description="answer")
    def answer(self, row: Alert) -> SafeString:
        if row.acknowledged_by:
            return format_html("acknowledged by {}", row.acknowledged_by)
        if row.stopped_at:
            return format_html("{}", "not needed any more")
        return format_html("<strong>{}</strong>", "awaited")

    @admin.display(description="tapped")
    def tapped(self, row: Alert) -> SafeString:
        """When, where a tap raised it, and how much later it came."""
        came = arrival(row)
        if came is None or came.tapped_at is None:
            return format_html("{}", NOTHING)
        at = when(came.tapped_at)
        if came.late is not None:
            took = duration(int(came.late.total_seconds()))
            return format_html("{}, <strong>came {} later</strong>", at, took)
        return format_html("{}, by a clock in doubt", at) if came.in_doubt else at

    @admin.display(description="raised at", ordering="level")
    def whom(self, row: Alert) -> str:
        return "supervisors, dispatch desk" if row.level >= 3 else "supervisors"

    @admin.display(description="silence")
    def silence(self, row: Alert) -> SafeString:
        """Of a crew that has not checked in: whether the question can have reached them."""
        if row.kind != AlertKind.CHECK_IN:
            return format_html("{}", NOTHING)
        if row.signal_lost_since is None or row.assignment_id is None:
            return format_html("{}", "asked, did not answer")
        of = Assignment.objects.select_related("incident", "unit").get(pk=row.assignment_id)
        lost = signal(row, look_at(of))
        assert lost is not None, "its signal is lost"
        place, where = lost["place"] or "an unknown place", lost["position"] or {}
        at = f" ({where['lat']}, {where['lon']})" if {"lat", "lon"} <= where.keys() else ""
        return format_html("no signal since {} at {}{}", when(row.signal_lost_since), place, at)

    @admin.display(description="assignment")
    def assignment(self, row: Alert) -> SafeString:
        return assignment_link(row.assignment_id)

    @admin.display(description="what was tapped")
    def fact(self, row: Alert) -> SafeString:
        if row.fact_id is None:
            return format_html("{}", NOTHING)
        address = reverse("admin:assignments_fact_change", args=[row.fact_id])
        return format_html('<a href="{}">fact {}</a>', address, short(row.fact_id))
