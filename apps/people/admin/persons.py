"""Persons: what is known of them, who they may be besides; put together and taken apart."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.audit.acts import Act, ActsAdmin, WhyForm
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import NOTHING, moment, pretty, table
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.people import services
from apps.people.models import Person
from apps.people.services.persons import matches_of, offer


class IntoForm(WhyForm):
    into = forms.UUIDField(label="Is the person with this id", help_text="Shown on their page.")


class NoteForm(WhyForm):
    note = forms.CharField(label="Id of the safety note", max_length=36)


def _called(row: Person) -> str:
    """What they are called on a page of the admin."""
    said = offer(row)
    return said["name"] or ", ".join(said["aliases"]) or "nameless"


def _name(row: Person) -> str:
    return f"{row}, {_called(row)}"


def _merge(row: Person, by: User, given: dict[str, Any]) -> None:
    other = Person.objects.visible_to(by).filter(pk=given["into"]).first()
    if other is None:
        raise ProblemError(INVALID, errors=[FieldError("/into", "No such person.")])
    services.merge_persons(person=row, into=other, by=by, now=clock.now())


def _unmerge(row: Person, by: User, _: dict[str, Any]) -> None:
    services.unmerge_person(person=row, by=by, now=clock.now())


def _review(row: Person, by: User, given: dict[str, Any]) -> None:
    services.review_safety_note(person=row, note=given["note"], by=by, now=clock.now())


@admin.register(Person)
class PersonAdmin(ActsAdmin[Person], RecordAdmin[Person]):
    VIEW = frozenset({"supervisor"})
    STORY = "cockpit_person_story"
    list_display = ("short_name", "called", "merged", moment("created_at", "first met"))
    WHEN = "created_at"
    ordering = ("-created_at",)
    acts = {
        "merge": Act(
            label="Merge into another person",
            question="Who are they?",
            form=IntoForm,
            verb=_merge,
            offered=lambda row: row.merged_into_id is None,
            name=_name,
        ),
        "unmerge": Act(
            label="Take a merge back",
            question="Both stand by themselves again, as they stood.",
            verb=_unmerge,
            offered=lambda row: row.merged_into_id is not None,
            name=_name,
        ),
        "review": Act(
            label="A safety note stands",
            question="Which note?",
            form=NoteForm,
            verb=_review,
            name=_name,
        ),
    }
    quick_acts = ("merge", "unmerge")
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
