"""Incidents for supervisors and dispatchers: hazards first, what the rules said, who is on it."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import DESK_ROLES
from apps.audit.acts import Act, ActsAdmin
from apps.audit.admin import RecordAdmin
from apps.core.admin import NOTHING, Values, moment, table, when
from apps.dispatch.models import Agency, Incident, IncidentLink, IncidentQuerySet, IncidentStatus

_TOLD: Final = ("severity", "kind", "text", "source")


class VerdictFilter(admin.SimpleListFilter):
    title = "what the rules say"
    parameter_name = "verdict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("eligible", "eligible"),
            ("not_sent", "eligible, not sent"),
            ("not_eligible", "not eligible"),
            ("not_determined", "not determined"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == "not_sent" and isinstance(queryset, IncidentQuerySet):
            return queryset.eligible_not_sent()
        return queryset.filter(verdict=value) if value else queryset


@admin.register(Incident)
class IncidentAdmin(ActsAdmin[Incident], RecordAdmin[Incident]):
    """Read only: CAD and the services change incidents. `acts` may be added to by other apps."""

    VIEW = DESK_ROLES
    acts: ClassVar[dict[str, Act]] = {}
    list_display = (
        *("number", moment("occurred_at", "called"), "ruled", "on_it", "call_type", "urgency"),
        "status",
    )
    ordering = ("-occurred_at",)
    list_filter = ("status", VerdictFilter, "entry_kind", ("common_type", Values))
    search_fields = ("cad_number",)
    search_help_text = "CAD event number"
    WHEN = "occurred_at"
    fieldsets = (
        ("Hazards", {"fields": ("cautions", "withheld")}),
        ("The rules", {"fields": ("said", "said_now", "rule", "terms")}),
        (
            "The call",
            {
                "fields": (
                    *("number", "status", "entry_kind", "call_type", "common_type"),
                    *("urgency", "how_received", "address", "place", "premise", "beat"),
                    *("notes", "others", "doubts"),
                )
            },
        ),
        ("Who is on it", {"fields": ("units_table",)}),
        (
            "History",
            {
                "fields": (
                    moment("occurred_at", "received by 911"),
                    moment("received_at", "reached Carefield"),
                    moment("updated_at", "changed last"),
                    *(moment("closed_at"), "revisions", "merged", "links_table"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        return super().get_queryset(request).prefetch_related("units")

    @admin.display(description="CAD number", ordering="cad_number")
    def number(self, row: Incident) -> str:
        return row.cad_number or f"{row.get_entry_kind_display()} (no CAD number)"

    @admin.display(description="call type")
    def call_type(self, row: Incident) -> str:
        return row.final_call_type or row.initial_call_type or NOTHING

    @admin.display(description="CARE units")
    def on_it(self, row: Incident) -> str:
        """Those on it now; one that was on it and left is on the incident's page."""
        signs = [
            unit.call_sign
            for unit in row.units.all()
            if unit.agency == Agency.CARE and unit.detached_at is None
        ]
        return ", ".join(signs) or NOTHING

    @admin.display(description="the rules", ordering="verdict")
    def ruled(self, row: Incident) -> SafeString:
        """The verdict in its own words; "not sent" where CARE could have gone."""
        verdict, _, terms = self.said(row).partition(": ")
        care = any(unit.agency == Agency.CARE for unit in row.units.all())
        if row.verdict == "eligible" and not care and row.status != IncidentStatus.MERGED:
            verdict += ", not sent"
        return format_html(
            '<div style="min-width: 15em"><strong>{}</strong>{}</div>',
            verdict,
            f": {terms}" if terms else "",
        )

    @admin.display(description="in plain words")
    def said(self, row: Incident) -> str:
        return str(row.evaluation.get("text") or NOTHING)

    @admin.display(description="by what became known later")
    def said_now(self, row: Incident) -> str:
        return str(row.evaluation.get("now", {}).get("text") or NOTHING)

    @admin.display(description="priority", ordering="priority")
    def urgency(self, row: Incident) -> str:
        return row.priority_text or NOTHING

    @admin.display(description="cautions, the worst first")
    def cautions(self, row: Incident) -> SafeString:
        return table(
            ("severity", "kind", "caution", "source", "since", "of which call"),
            (
                (*(one[name] for name in _TOLD), when(one["since"]), one["origin"])
                for one in row.cautions
            ),
        )

    @admin.display(description="criminal history removed")
    def withheld(self, row: Incident) -> str:
        words = row.details["withheld"]
        return f"{row.withheld_count} passages: {words}" if words else NOTHING

    @admin.display(description="rule")
    def rule(self, row: Incident) -> str:
        return str(row.evaluation.get("rule_version") or NOTHING)

    @admin.display(description="terms")
    def terms(self, row: Incident) -> SafeString:
        answers = {
            **row.evaluation.get("matched", {}),
            **row.evaluation.get("exclusions", {}),
        }
        return table(
            ("term", "answer"), ((n.replace("_", " "), answer) for n, answer in answers.items())
        )

    @admin.display
    def address(self, row: Incident) -> str:
        return row.details["address"] or NOTHING

    @admin.display(description="coordinates")
    def place(self, row: Incident) -> str:
        place = row.details["location"]
        if not place or place["lat"] is None:
            return NOTHING
        return f"{place['lat']:.6f}, {place['lon']:.6f}"

    @admin.display
    def premise(self, row: Incident) -> str:
        return row.details["premise"] or NOTHING

    @admin.display(description="notes")
    def notes(self, row: Incident) -> SafeString:
        return table(
            ("time", "note"),
            ((when(note["at"]), note["text"]) for note in row.details["narrative"]),
        )

    @admin.display(description="other values given")
    def others(self, row: Incident) -> SafeString:
        return table(
            ("element", "value", "time"),
            ((one["element"], one["value"], when(one["at"])) for one in row.details["alternates"]),
        )

    @admin.display(description="doubts about the data")
    def doubts(self, row: Incident) -> str:
        return "; ".join(row.flags) or NOTHING

    @admin.display(description="units")
    def units_table(self, row: Incident) -> SafeString:
        return table(
            ("unit", "agency", "put on it by", "status", "times", "left"),
            (
                (
                    unit.call_sign,
                    unit.get_agency_display(),
                    unit.get_source_display(),
                    unit.status,
                    table((), ((name, when(time)) for name, time in unit.times.items())),
                    when(unit.detached_at),
                )
                for unit in row.units.all()
            ),
        )

    @admin.display(description="material updates")
    def revisions(self, row: Incident) -> SafeString:
        return table(
            ("revision", "time", "changed"),
            (
                (one["revision"], when(one["at"]), ", ".join(one["changed"]))
                for one in row.details["revisions"]
            ),
        )

    @admin.display(description="merged")
    def merged(self, row: Incident) -> SafeString:
        pairs = [("into", row.merged_into)] if row.merged_into else []
        pairs += [("from", other) for other in row.merged_from.all()]
        return table(("", "incident"), ((word, link(other)) for word, other in pairs))

    @admin.display(description="links")
    def links_table(self, row: Incident) -> SafeString:
        links = list(IncidentLink.objects.filter(incident=row).order_by("at"))
        here = {
            other.cad_number: other
            for other in Incident.objects.filter(cad_number__in=[one.cad_number for one in links])
        }
        return table(
            ("kind", "incident", "time", "reason"),
            (
                (
                    one.kind,
                    link(here[one.cad_number]) if one.cad_number in here else one.cad_number,
                    when(one.at),
                    one.reason or "",
                )
                for one in links
            ),
        )


def link(row: Incident) -> SafeString:
    """A link to an incident's page. Whether it opens, that page decides."""
    address = reverse("admin:dispatch_incident_change", args=[row.pk])
    merged = " (merged)" if row.status == IncidentStatus.MERGED else ""
    return format_html('<a href="{}">{}</a>{}', address, row.cad_number or str(row), merged)
