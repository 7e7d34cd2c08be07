"""Doses and first aid: read by supervisors, changed by nobody."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.audit.admin import RecordAdmin
from apps.core.admin import NOTHING, in_words, moment, pretty, readable, when
from apps.core.ids import short
from apps.firstaid import codes
from apps.firstaid.aid import aid_of
from apps.firstaid.doses import dose_of
from apps.firstaid.handover import aid_in_words, answer_in_words, dose_in_words
from apps.firstaid.models import FirstAidLog, NaloxoneDose
from apps.firstaid.parts import care_of

_SEEN = frozenset({"supervisor"})
_STAMP = (
    *("assignment_id", "encounter_id", "corrects", "unit", "author", moment("received_at")),
    *("clock_offset_ms", "doubts"),
)


class _ActAdmin(RecordAdmin[Any]):
    VIEW = _SEEN
    ordering = ("-received_at",)
    list_filter = ("unit",)
    WHEN = "received_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("unit", "author")

    @admin.display(description="assignment", ordering="assignment_id")
    def assignment(self, row: Any) -> str:
        return short(row.assignment_id) if row.assignment_id else ""

    @admin.display(description="corrects", boolean=True)
    def correction(self, row: Any) -> bool:
        return row.corrects is not None

    @admin.display(description="doubts")
    def doubts(self, row: Any) -> str:
        return in_words(row.flags, codes.FLAGS)

    @admin.display(description="what could not be read")
    def not_read(self, row: Any) -> SafeString:
        return pretty(row.unread)


@admin.register(NaloxoneDose)
class DoseAdmin(_ActAdmin):
    """`actions` may be added to by other modules."""

    actions = []
    list_display = ("given", "what", "given_by", "unit", "author", "correction", "doubts")
    fields = ("given", "told", "answered", *_STAMP, "product_id", "lot_id", "kit_id", "not_read")
    readonly_fields = fields

    @admin.display(description="given", ordering="received_at")
    def given(self, row: NaloxoneDose) -> SafeString:
        return when(dose_of(row).at)

    @admin.display(description="what")
    def what(self, row: NaloxoneDose) -> str:
        told = dose_in_words(dose_of(row))
        words = (told["drug"], told["dose"], told["route"], told["not_given"])
        return ", ".join(word for word in words if word)

    @admin.display(description="given by")
    def given_by(self, row: NaloxoneDose) -> str:
        return str(dose_in_words(dose_of(row))["given_by"])

    @admin.display(description="as it was told")
    def told(self, row: NaloxoneDose) -> SafeString:
        return readable(dose_in_words(dose_of(row)))

    @admin.display(description="what the crew answered of this person")
    def answered(self, row: NaloxoneDose) -> SafeString | str:
        answers = care_of(row.encounter_id).answers if row.encounter_id else []
        told = [answer_in_words(one) for one in answers]
        return readable(told) if told else NOTHING


@admin.register(FirstAidLog)
class AidAdmin(_ActAdmin):
    list_display = ("done", "what", "unit", "author", "correction", "doubts")
    fields = ("done", "told", *_STAMP, "not_read")
    readonly_fields = fields

    @admin.display(description="done", ordering="received_at")
    def done(self, row: FirstAidLog) -> SafeString:
        return when(aid_of(row).at)

    @admin.display(description="what")
    def what(self, row: FirstAidLog) -> str:
        told = aid_in_words(aid_of(row))
        return ", ".join((*told["injuries"], *told["procedures"]))

    @admin.display(description="as it was told")
    def told(self, row: FirstAidLog) -> SafeString:
        return readable(aid_in_words(aid_of(row)))
