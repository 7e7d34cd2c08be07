"""The review queue: accept a note, or return it with a comment."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.assignments.admin.links import OfCallAdmin
from apps.audit.acts import Act, ActsAdmin
from apps.casenotes import documents, services
from apps.casenotes.admin.notes import note_link, restricted, words
from apps.casenotes.debts import hours_since
from apps.casenotes.models import Review, ReviewState
from apps.casenotes.records import read
from apps.core import clock
from apps.core.admin import NOTHING, moment


def _comment(**options: Any) -> forms.CharField:
    return forms.CharField(max_length=4000, widget=forms.Textarea(attrs={"rows": 4}), **options)


class AcceptForm(forms.Form):
    comment = _comment(required=False, help_text="Shown to the authors. May be left empty.")


class ReturnForm(forms.Form):
    comment = _comment(help_text="Shown to the authors: which addendum is asked for.")


class QueueFilter(admin.SimpleListFilter):
    """What waits, unless somebody asks for the rest: a list of all there ever were is no queue."""

    title = "state"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("decided", "accepted or returned")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "decided":
            return queryset.exclude(state=ReviewState.WAITING)
        return queryset.filter(state=ReviewState.WAITING)

    def choices(self, changelist: Any) -> Any:
        """Django calls the state without a filter "All", which it is not here."""
        first, *others = super().choices(changelist)
        return [{**first, "display": "waiting"}, *others]


def _accept(row: Review, by: User, given: dict[str, Any]) -> None:
    services.accept(review=row, by=by, now=clock.now(), **given)


def _give_back(row: Review, by: User, given: dict[str, Any]) -> None:
    services.give_back(review=row, by=by, now=clock.now(), **given)


def _waits(row: Review) -> bool:
    return row.state == ReviewState.WAITING


@admin.register(Review)
class ReviewAdmin(ActsAdmin[Review], OfCallAdmin[Review]):
    VIEW = frozenset({"supervisor"})
    OF = "note__assignment_id"
    list_display = (
        *("short_name", "assignment", "restricted_mark", "signed_by", "why", "waits"),
        *(moment("asked_at", "asked"), "state", "reviewer"),
    )
    list_filter = (QueueFilter,)
    list_select_related = ("note", "note__signed_by", "policy", "reviewer")
    ordering = ("asked_at", "pk")
    acts = {
        "accept": Act(
            label="Accept",
            question="Is it good as it is?",
            form=AcceptForm,
            reason="comment",
            verb=_accept,
            offered=_waits,
        ),
        "give_back": Act(
            label="Return with a comment",
            brief="Return",
            question="What is missing?",
            form=ReturnForm,
            reason="comment",
            verb=_give_back,
            offered=_waits,
        ),
    }
    fields = (
        *("assignment", "note_page", "restricted_mark", "signed_by", "why", "waits", "state"),
        *("reviewer", moment("decided_at", "decided"), "said", "text"),
    )
    readonly_fields = fields

    @admin.display(description="review")
    def short_name(self, row: Review) -> str:
        return str(row)

    @admin.display(description="note")
    def note_page(self, row: Review) -> SafeString:
        return note_link(row.note)

    @admin.display(description="seen by")
    def restricted_mark(self, row: Review) -> SafeString | str:
        return restricted(row.note)

    @admin.display(description="signed by")
    def signed_by(self, row: Review) -> str:
        return str(row.note.signed_by)

    @admin.display(description="why")
    def why(self, row: Review) -> str:
        return documents.why_reviewed(row)

    @admin.display(description="waits", ordering="asked_at")
    def waits(self, row: Review) -> str:
        if row.state != ReviewState.WAITING:
            return NOTHING
        return f"{hours_since(row.asked_at, clock.now())} h"

    @admin.display(description="comment")
    def said(self, row: Review) -> str:
        return row.comment or NOTHING

    @admin.display(description="text")
    def text(self, row: Review) -> SafeString:
        return words(read(row.note, now=clock.now()))
