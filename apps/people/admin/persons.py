"""Persons: what is known of them, who they may be besides; put together and taken apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Final, cast
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.acts import Act, ActsAdmin, WhyForm
from apps.audit.admin import RecordAdmin, actor_of
from apps.core import clock
from apps.core.admin import NOTHING, in_words, moment, readable, table, when
from apps.core.ids import short
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.people import codes, services
from apps.people.models import Person, PersonQuerySet
from apps.people.safety import SafetyNote, Verdict, notes
from apps.people.services.persons import matches_of, offer, offer_matches

_LABELS: Final = {
    "sex": codes.SEXES,
    "housing": codes.HOUSING,
    "kind": codes.CONTACT_KINDS,
}


class IntoForm(WhyForm):
    into = forms.UUIDField(required=False, label="They are", help_text="Whoever is alike.")
    other = forms.UUIDField(
        required=False, label="Or the person with this id", help_text="Shown on their page."
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        given["into"] = given.get("into") or given.pop("other", None)
        if given["into"] is None and not self.errors:
            self.add_error("into", "Say who they are.")
        return given


class NoteForm(WhyForm):
    note = forms.ChoiceField(label="Safety note", help_text="It is said of the note as it is here.")


class SafetyFilter(admin.SimpleListFilter):
    """Whose safety notes want a supervisor."""

    title = "safety notes"
    parameter_name = "safety"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("unread", "to be reviewed"), ("expired", "expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Person]) -> QuerySet[Person]:
        rows = cast(PersonQuerySet, queryset)
        match self.value():
            case "unread":
                return rows.with_unread_notes()
            case "expired":
                return rows.with_expired_notes(_today())
        return rows


def _asks_into(by: User, rows: list[Person]) -> Callable[[Any], forms.Form]:
    """With the persons who may be meant, by what they are called."""
    offers = [offer_matches(person=row, by=user_actor(by), now=clock.now()) for row in rows]
    found = {one["person_id"]: _offered(one) for matches in offers for one in matches}

    def form(data: Any) -> forms.Form:
        asked = IntoForm(data)
        asked.fields["into"].widget = forms.Select(choices=[("", "---------"), *found.items()])
        return asked

    return form


def _asks_note(_: User, rows: list[Person]) -> Callable[[Any], forms.Form]:
    """With the notes of these persons as they stand: one that is written otherwise by the time of
    the answer is asked for again."""
    notes = [one for row in rows for one in _notes(row)]

    def form(data: Any) -> forms.Form:
        asked = NoteForm(data)
        field = cast(forms.ChoiceField, asked.fields["note"])
        field.choices = [(one.mark, _in_one_line(one)) for one in notes]
        return asked

    return form


def _notes(row: Person) -> Iterator[SafetyNote]:
    return notes(row.content, row.safety_reviews)


def _in_one_line(one: SafetyNote) -> str:
    """A safety note with what a supervisor has to know of it to say whether it stands."""
    source = codes.SAFETY_SOURCES.get(str(one.note.get("source")), one.note.get("source"))
    seen = one.note.get("seen_on")
    standing = codes.STANDINGS[one.standing(_today())].lower()
    told = [source or "no source", f"seen on {seen}" if seen else "no date", standing]
    return f"{one.note.get('text') or NOTHING} ({', '.join(told)})"


def _today() -> date:
    """By the city's clock."""
    return clock.local(clock.now()).date()


def _offered(one: dict[str, Any]) -> str:
    """Somebody who may be meant, in one line."""
    called = one["name"] or ", ".join(one["aliases"]) or "nameless"
    born = f", born {one['birth_year']}" if one["birth_year"] else ""
    return f"{called}{born} (person {short(UUID(one['person_id']))})"


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


def _review(verdict: Verdict) -> Callable[[Person, User, dict[str, Any]], None]:
    def verb(row: Person, by: User, given: dict[str, Any]) -> None:
        services.review_safety_note(
            person=row, note=given["note"], verdict=verdict, by=by, now=clock.now()
        )

    return verb


@admin.register(Person)
class PersonAdmin(ActsAdmin[Person], RecordAdmin[Person]):
    VIEW = frozenset({"supervisor"})
    STORY = "cockpit_person_story"
    list_display = ("short_name", "called", "merged", moment("created_at", "first met"))
    list_filter = (SafetyFilter,)
    WHEN = "created_at"
    ordering = ("-created_at",)
    acts = {
        "merge": Act(
            label="Merge into another person",
            brief="Merge",
            question="Who are they?",
            form_for=_asks_into,
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
            form_for=_asks_note,
            verb=_review(Verdict.STANDS),
            offered=lambda row: any(_notes(row)),
            name=_name,
        ),
        "end_note": Act(
            label="A safety note holds no longer",
            brief="End a note",
            question="Which note? It stays in the record, and is shown as ended.",
            form_for=_asks_note,
            verb=_review(Verdict.ENDED),
            offered=lambda row: any(not one.ended for one in _notes(row)),
            name=_name,
        ),
    }
    quick_acts = ("merge", "unmerge")
    fields = (
        *("id", "called", "safety", "typed", "alike", "merged_into", moment("merged_at")),
        *(moment("created_at", "first met"), "doubts"),
    )
    readonly_fields = fields

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        shown = getattr(response, "context_data", None) or {}
        if (row := shown.get("original")) is not None:
            offer_matches(person=row, by=actor_of(request), now=clock.now())
        return response

    @admin.display(description="person")
    def short_name(self, row: Person) -> str:
        return str(row)

    @admin.display(description="called")
    def called(self, row: Person) -> str:
        return _called(row)

    @admin.display(description="may be the same as")
    def alike(self, row: Person) -> SafeString:
        rows = (
            (
                format_html(
                    '<a href="{}">{}</a>',
                    reverse("admin:people_person_change", args=[one["person_id"]]),
                    _offered(one),
                ),
                f"{one['score']:.0%}",
                format_html(
                    '<a href="{}?into={}">Merge into them</a>',
                    reverse("admin:people_person_do", args=[row.pk, "merge"]),
                    one["person_id"],
                ),
            )
            for one in matches_of(row)
        )
        return table(("who", "alike", ""), rows)

    @admin.display(description="doubts")
    def doubts(self, row: Person) -> str:
        return in_words(row.flags, codes.FLAGS)

    @admin.display(description="merged")
    def merged(self, row: Person) -> str:
        return "yes" if row.merged_into_id else NOTHING

    @admin.display(description="what is known of them")
    def typed(self, row: Person) -> SafeString:
        """All but the safety notes: those are shown with how they stand."""
        others = {name: said for name, said in row.content.items() if name != "safety_notes"}
        return readable(others, _LABELS)

    @admin.display(description="safety notes")
    def safety(self, row: Person) -> SafeString:
        today = _today()
        heads = ("what", "source", "seen on", "last day", "now", "a supervisor says", "by", "when")
        return table(heads, (_told(one, today) for one in _notes(row)))


def _told(one: SafetyNote, today: date) -> tuple[Any, ...]:
    """A line of the table of safety notes."""
    note, review = one.note, one.review or {}
    verdict = codes.VERDICTS.get(str(review.get("verdict")), "nobody has looked at it")
    return (
        note.get("text") or NOTHING,
        codes.SAFETY_SOURCES.get(str(note.get("source")), note.get("source") or NOTHING),
        note.get("seen_on") or NOTHING,
        one.last_day or NOTHING,
        codes.STANDINGS[one.standing(today)],
        verdict,
        review.get("by") or NOTHING,
        when(review["at"]) if review else NOTHING,
    )
