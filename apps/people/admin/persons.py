"""Persons: what is known of them, who they may be besides; put together and taken apart."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.assignments.admin.decisions import Decision, decide
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import NOTHING, moment, pretty, table
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.people import services
from apps.people.models import Person
from apps.people.services.persons import matches_of, offer


class IntoForm(forms.Form):
    into = forms.UUIDField(label="Is the person with this id", help_text="Shown on their page.")


class NoteForm(forms.Form):
    note = forms.CharField(label="Id of the safety note", max_length=36)


def _called(row: Person) -> str:
    """What they are called on a page of the admin."""
    said = offer(row)
    return said["name"] or ", ".join(said["aliases"]) or "nameless"


def _name(row: Person) -> str:
    return f"{row}, {_called(row)}"


@admin.register(Person)
class PersonAdmin(RecordAdmin[Person]):
    VIEW = frozenset({"supervisor"})
    list_display = ("short_name", "called", "alike", "merged", moment("created_at", "first met"))
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    show_full_result_count = False
    list_per_page = 50
    actions = ("merge", "unmerge", "review")
    fields = (
        *("id", "called", "typed", "reviews", "alike", "merged_into", moment("merged_at")),
        *(moment("created_at", "first met"), "flags"),
    )
    readonly_fields = fields

    @admin.display(description="person")
    def short_name(self, row: Person) -> str:
        return str(row)

    @admin.display(description="called")
    def called(self, row: Person) -> str:
        return _called(row)

    @admin.display(description="may be the same as")
    def alike(self, row: Person) -> SafeString:
        return table(
            ("id", "called", "born", "alike"),
            (
                (one["person_id"], one["name"] or one["aliases"], one["birth_year"], one["score"])
                for one in matches_of(row)
            ),
        )

    @admin.display(description="merged")
    def merged(self, row: Person) -> str:
        return "yes" if row.merged_into_id else NOTHING

    @admin.display(description="what is known of them")
    def typed(self, row: Person) -> SafeString:
        return pretty(row.content)

    @admin.display(description="safety notes that were looked at")
    def reviews(self, row: Person) -> SafeString:
        return table(
            ("note", "by", "when"),
            ((one["note"], one["by"], one["at"]) for one in row.safety_reviews),
        )

    @admin.action(description="Merge into another person")
    def merge(self, request: HttpRequest, rows: QuerySet[Person]) -> HttpResponse | None:
        def into(row: Person, by: User, given: dict[str, Any]) -> None:
            other = Person.objects.visible_to(by).filter(pk=given["into"]).first()
            if other is None:
                raise ProblemError(INVALID, errors=[FieldError("/into", "No such person.")])
            services.merge_persons(person=row, into=other, by=by, now=clock.now())

        decision = Decision("merge", "Merge", "Who are they?", IntoForm, into, _name, str)
        return decide(self, request, rows, decision)

    @admin.action(description="Take a merge back")
    def unmerge(self, request: HttpRequest, rows: QuerySet[Person]) -> None:
        assert isinstance(request.user, User)
        for row in rows:
            services.unmerge_person(person=row, by=request.user, now=clock.now())
        self.message_user(request, f"{len(rows)} stand by themselves.")

    @admin.action(description="A safety note stands")
    def review(self, request: HttpRequest, rows: QuerySet[Person]) -> HttpResponse | None:
        def stands(row: Person, by: User, given: dict[str, Any]) -> None:
            services.review_safety_note(person=row, note=given["note"], by=by, now=clock.now())

        decision = Decision("review", "It stands", "Which note?", NoteForm, stands, _name, str)
        return decide(self, request, rows, decision)
