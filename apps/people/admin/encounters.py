"""Encounters: who was met, or looked for, and what else is recorded of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.assignments.admin.links import OfCallAdmin
from apps.audit.acts import Act, ActsAdmin
from apps.core.admin import NOTHING, duration, in_words, moment, readable
from apps.core.ids import short
from apps.people import codes, documents
from apps.people.models import Encounter
from apps.people.parts import parts_of
from apps.people.services.encounters import record_of


@admin.register(Encounter)
class EncounterAdmin(ActsAdmin[Encounter], OfCallAdmin[Encounter]):
    """`acts` and `actions` may be added to by other apps."""

    VIEW = frozenset({"supervisor"})
    STORY = "cockpit_encounter_story"
    acts: ClassVar[dict[str, Act]] = {}
    actions = []
    list_display = (
        "short_name",
        "assignment",
        "ordinal",
        "match",
        "opened_by",
        moment("opened_at"),
    )
    list_filter = ("match", "opened_by")
    WHEN = "opened_at"
    ordering = ("-opened_at",)
    fields = (
        *("assignment", "ordinal", "person", "match", moment("opened_at"), "opened_by"),
        *("timeline", "typed", "parts", "doubts"),
    )
    readonly_fields = fields

    @admin.display(description="encounter")
    def short_name(self, row: Encounter) -> str:
        return str(row)

    @admin.display(description="person")
    def person(self, row: Encounter) -> SafeString | str:
        if row.person_id is None:
            return NOTHING
        address = reverse("admin:people_person_change", args=[row.person_id])
        return format_html('<a href="{}">person {}</a>', address, short(row.person_id))

    @admin.display(description="doubts")
    def doubts(self, row: Encounter) -> str:
        return in_words(row.flags, codes.FLAGS)

    @admin.display(description="what the timeline says")
    def timeline(self, row: Encounter) -> SafeString | str:
        of = record_of(row.assignment_id)
        return readable(_timed(documents.summary(of))) if of else NOTHING

    @admin.display(description="what was typed")
    def typed(self, row: Encounter) -> SafeString:
        return readable(row.content, {"role": codes.ROLES, "match": codes.MATCHES})

    @admin.display(description="recorded of it")
    def parts(self, row: Encounter) -> SafeString:
        return readable(parts_of(row.pk))


def _timed(summary: dict[str, Any]) -> dict[str, Any]:
    """With durations as a person reads them, instead of seconds."""
    return {
        **summary,
        "durations": {name: duration(one) for name, one in summary["durations"].items()},
    }
