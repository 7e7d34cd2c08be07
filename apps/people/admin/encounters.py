"""Encounters: who was met, or looked for, and what else is recorded of it."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString

from apps.audit.acts import Act, ActsAdmin
from apps.audit.admin import RecordAdmin
from apps.core.admin import NOTHING, moment, pretty, table
from apps.core.ids import short
from apps.people import documents
from apps.people.models import Encounter
from apps.people.parts import parts_of
from apps.people.services.encounters import record_of


@admin.register(Encounter)
class EncounterAdmin(ActsAdmin[Encounter], RecordAdmin[Encounter]):
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
        *("assignment_id", "ordinal", "person_id", "match", moment("opened_at"), "opened_by"),
        *("timeline", "typed", "parts", "flags"),
    )
    readonly_fields = fields

    @admin.display(description="encounter")
    def short_name(self, row: Encounter) -> str:
        return str(row)

    @admin.display(description="assignment", ordering="assignment_id")
    def assignment(self, row: Encounter) -> str:
        return short(row.assignment_id)

    @admin.display(description="what the timeline says")
    def timeline(self, row: Encounter) -> SafeString | str:
        of = record_of(row.assignment_id)
        return pretty(documents.summary(of)) if of else NOTHING

    @admin.display(description="what was typed")
    def typed(self, row: Encounter) -> SafeString:
        return pretty(row.content)

    @admin.display(description="recorded of it")
    def parts(self, row: Encounter) -> SafeString:
        return table(
            ("what", "as it stands"),
            ((name, pretty(said)) for name, said in parts_of(row.pk).items()),
        )
