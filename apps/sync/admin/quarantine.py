"""Supervisors see what tablets sent that could not be taken, correct it and have it taken. What was
typed is on the page of each row alone, and every look at it is audited."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from uuid import UUID

import orjson
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.audit.acts import Act, ActsAdmin, WhyForm
from apps.audit.admin import RecordAdmin
from apps.audit.services import because
from apps.core import clock
from apps.core.admin import NOTHING, Related, Values, moment, pretty, table
from apps.core.problems import ProblemError
from apps.sync.admin.ages import OpenFilter, open_for
from apps.sync.admin.pages import document_link
from apps.sync.canonical import same
from apps.sync.models import QuarantinedWrite
from apps.sync.registry import SERVER_MANAGED
from apps.sync.services import quarantine
from apps.sync.services.applying import apply_quarantined

# What names a save is its tablet's business.
_NOT_SHOWN = SERVER_MANAGED | {"editor", "edit_no"}


class CorrectionForm(WhyForm):
    document = forms.CharField(
        label="what was typed",
        widget=forms.Textarea(
            attrs={"rows": 24, "cols": 100, "spellcheck": "false", "class": "vLargeTextField"}
        ),
        help_text="Mend what is named above. The text as it came stays in the quarantine.",
    )
    author = forms.ModelChoiceField(
        User.objects.none(), label="who typed it", help_text="It is taken under this name."
    )

    def __init__(self, *args: Any, people: QuerySet[User] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if people is None:
            del self.fields["author"]
        else:
            self.fields["author"].queryset = people  # type: ignore[attr-defined]

    def clean_document(self) -> dict[str, Any]:
        """The object that was typed. What is no JSON is named by its place, and stays as typed."""
        text: str = self.cleaned_data["document"]
        try:
            typed = orjson.loads(text)
            json.loads(text, object_pairs_hook=_each_once)
        except json.JSONDecodeError as error:  # orjson's is one too
            raise forms.ValidationError(
                f"Not JSON at line {error.lineno}, column {error.colno}: {error.msg}."
            ) from None
        except RecursionError:
            raise forms.ValidationError("It is nested too deeply.") from None
        except _Twice as twice:
            raise forms.ValidationError(f"{twice} stands there twice.") from None
        if not isinstance(typed, dict):
            raise forms.ValidationError("A document is an object: { ... }.")
        return typed


class _Twice(Exception):
    """A name that an object has twice: one of the two values would be lost unseen."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found


def _acknowledge(row: QuarantinedWrite, by: User, _: dict[str, Any]) -> None:
    quarantine.acknowledge(write=row, by=by, now=clock.now())


def _take(row: QuarantinedWrite, by: User, _: dict[str, Any]) -> None:
    apply_quarantined(write=row, by=by, now=clock.now())


def _open(row: QuarantinedWrite) -> bool:
    return quarantine.status_of(row) == "open"


@admin.register(QuarantinedWrite)
class QuarantinedWriteAdmin(ActsAdmin[QuarantinedWrite], RecordAdmin[QuarantinedWrite]):
    """`acts` may be added to by other apps. To correct what was typed has a page of its own."""

    VIEW = frozenset({"supervisor"})
    list_display = (
        *("short_name", moment("at"), "open_for", "collection", "tablet", "author", "settled"),
        "correct",
    )
    list_filter = (OpenFilter, ("collection", Values), ("tablet", Related))
    list_select_related = ("tablet", "author")
    WHEN = "at"
    ordering = ("-at",)
    acts: ClassVar[dict[str, Act]] = {
        "take": Act(
            label="Take after all, as it was typed",
            brief="Take",
            question="It is taken under the name of whoever typed it.",
            verb=_take,
            offered=_open,
        ),
        "acknowledge": Act(
            label="Acknowledge: seen, and it stays untaken",
            question="It leaves its author's tablet, and stays here.",
            verb=_acknowledge,
            offered=_open,
        ),
    }
    fields = (
        *("correct", "settled", moment("at"), "open_for", "collection", "document", "tablet"),
        *("author", "why", "typed", "typed_on", "instance", "editor", "edit_no"),
        *(moment("corrected_at"), "acknowledged_by", moment("acknowledged_at")),
        *("applied_by", moment("applied_at")),
    )
    readonly_fields = fields

    @admin.display(description="row")
    def short_name(self, row: QuarantinedWrite) -> str:
        return str(row)

    @admin.display(description="open for", ordering="at")
    def open_for(self, row: QuarantinedWrite) -> SafeString:
        return open_for(row.at, settled=quarantine.status_of(row) != "open")

    @admin.display(description="document")
    def document(self, row: QuarantinedWrite) -> SafeString:
        return document_link(row.collection, row.doc_id)

    @admin.display(description="settled")
    def settled(self, row: QuarantinedWrite) -> str:
        words = {"open": "not yet", "corrected": "corrected by its author"}
        status = quarantine.status_of(row)
        return words.get(status, status)

    @admin.display(description="why it was not taken")
    def why(self, row: QuarantinedWrite) -> SafeString:
        return table(
            ("where", "what to mend"),
            ((one["pointer"] or "(whole)", one["detail"]) for one in row.errors),
        )

    @admin.display(description="what was typed")
    def typed(self, row: QuarantinedWrite) -> SafeString:
        return pretty(row.content)

    @admin.display(description="what it was typed on")
    def typed_on(self, row: QuarantinedWrite) -> SafeString:
        return pretty(row.base)

    @admin.display(description="take after all")
    def correct(self, row: QuarantinedWrite) -> SafeString:
        if quarantine.status_of(row) != "open":
            return format_html("{}", NOTHING)
        address = reverse("admin:sync_quarantinedwrite_apply", args=[row.pk])
        return format_html('<a href="{}">Correct and take</a>', address)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.apply_view)
        name = "sync_quarantinedwrite_apply"
        return [path("<uuid:write>/apply/", view, name=name), *super().get_urls()]

    def apply_view(self, request: HttpRequest, write: UUID) -> HttpResponse:
        """Shows what was typed, to be corrected, and has it taken."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(self.get_queryset(request), pk=write)
        by = _person(request)
        people = None if row.author_id else User.objects.filter(team=by.team_id, is_active=True)
        shown = {name: value for name, value in row.content.items() if name not in _NOT_SHOWN}
        text = orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()
        form = CorrectionForm(request.POST or None, people=people, initial={"document": text})
        if request.method == "POST" and form.is_valid() and self._apply(row, by, shown, form):
            self.message_user(request, f"{row}: taken.", messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:sync_quarantinedwrite_changelist"))
        self._audit(request, [row.pk])
        return self.step(
            request,
            "sync/apply.html",
            "Correct and take",
            form=form,
            why=self.why(row),
            base=self.typed_on(row) if row.base is not None else "",
            submit="Take it",
        )

    def _apply(
        self, row: QuarantinedWrite, by: User, shown: dict[str, Any], form: CorrectionForm
    ) -> bool:
        """What is unchanged is taken as the save of its tablet that it was."""
        typed = form.cleaned_data["document"]
        try:
            with because(form.cleaned_data["reason"]):
                apply_quarantined(
                    write=row,
                    by=by,
                    document=None if same(typed, shown) else typed,
                    author=form.cleaned_data.get("author"),
                    now=clock.now(),
                )
        except ProblemError as problem:
            for said in _named(problem) or [problem.text or problem.problem.title]:
                form.add_error("document" if problem.errors else None, said)
            return False
        return True


def _named(problem: ProblemError) -> list[str]:
    return [f"{error.pointer or '(whole)'}: {error.detail}" for error in problem.errors]


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
