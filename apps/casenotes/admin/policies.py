"""What notes are judged by: the versions, a new one from one that is there, who confirmed one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.audit.acts import Act, ActsAdmin
from apps.audit.versions import VersionAdmin
from apps.casenotes import codes, policies
from apps.casenotes.admin.policyforms import EndForm, PolicyForm
from apps.casenotes.models import NotePolicy
from apps.casenotes.services.policies import confirm_policy, new_version, save_policy
from apps.casenotes.services.previewing import MOST, preview
from apps.core import clock
from apps.core.admin import in_words, moment, table

ADMINISTRATOR = frozenset({"administrator"})
SUPERVISOR = frozenset({"supervisor"})
_FIRST = ("version", "effective_from", "effective_to", "citation")
_CONFIRMED = ("confirmed_by", moment("confirmed_at", "confirmed"), "confirmation")


class ConfirmForm(forms.Form):
    confirmation = forms.CharField(
        max_length=2000,
        label="Who confirmed it, and where is that written",
        widget=forms.Textarea({"rows": 3}),
        help_text="The medical director and counsel, with the day and the document. "
        "Tablets show it, and ask for no confirmation any more.",
    )


def _confirm(row: NotePolicy, by: User, given: dict[str, Any]) -> None:
    confirm_policy(policy=row, by=by, now=clock.now(), **given)


@admin.register(NotePolicy)
class NotePolicyAdmin(ActsAdmin[NotePolicy], VersionAdmin[NotePolicy]):
    """Nobody edits a version that is in force, or was: a new one is made of it."""

    VIEW = SUPERVISOR | ADMINISTRATOR
    CHANGE = ADMINISTRATOR
    change_form_template = "casenotes/policy.html"
    DRAFT = "Give it its name, its day and its citation. Until that day it is a draft."
    list_display = (
        *("version", moment("effective_from"), moment("effective_to"), "in_force"),
        *("confirmed", "made_by", "tried"),
    )
    list_select_related = ("made_by",)
    acts = {
        "confirm": Act(
            label="Confirm: it says what was decided",
            question="Have all of its parts been confirmed by those whose it is?",
            form=ConfirmForm,
            reason="confirmation",
            verb=_confirm,
            offered=lambda row: row.confirmed_at is None,
            roles=ADMINISTRATOR,
            alone=True,
        ),
    }

    def get_form(
        self, request: HttpRequest, obj: NotePolicy | None = None, change: bool = False, **kw: Any
    ) -> Any:
        """All that it says, or of one that has begun its end alone."""
        form = PolicyForm if self._is_edited(request, obj) else EndForm
        return super().get_form(request, obj, change, form=form, **kw)

    def get_readonly_fields(
        self, request: HttpRequest, obj: NotePolicy | None = None
    ) -> tuple[Any, ...]:
        text = ("version", "effective_from", "citation", "says")
        return (*_CONFIRMED, *text) if self.has_begun(obj) else (*_CONFIRMED, "says")

    def get_fields(self, request: HttpRequest, obj: NotePolicy | None = None) -> tuple[Any, ...]:
        """With its parts to be read, where they cannot be edited: those are rows of the form."""
        confirmed = _CONFIRMED if obj else ()
        parts = () if self._is_edited(request, obj) else ("says",)
        return (*_FIRST, *confirmed, *parts)

    def _is_edited(self, request: HttpRequest, obj: NotePolicy | None) -> bool:
        return not self.has_begun(obj) and self.has_change_permission(request, obj)

    @admin.display(boolean=True)
    def in_force(self, row: NotePolicy) -> bool:
        return row.pk == NotePolicy.objects.held().at(clock.now()).id

    @admin.display(description="preview")
    def tried(self, row: NotePolicy) -> SafeString:
        address = reverse("admin:casenotes_notepolicy_preview", args=[row.pk])
        return format_html('<a href="{}">on the last month</a>', address)

    @admin.display(description="confirmed", boolean=True)
    def confirmed(self, row: NotePolicy) -> bool:
        return row.confirmed_at is not None

    @admin.display(description="what it says")
    def says(self, row: NotePolicy) -> SafeString:
        return says(row.as_version().policy, confirmed=row.confirmed_at is not None)

    def save_model(self, request: HttpRequest, obj: NotePolicy, form: Any, change: bool) -> None:
        save_policy(policy=obj, by=_by(request), now=clock.now())

    def get_list_display(self, request: HttpRequest) -> Any:
        """Whoever sees no notes tries nothing on them."""
        shown = super().get_list_display(request)
        return shown if self._is(request, SUPERVISOR) else [n for n in shown if n != "tried"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        name = "casenotes_notepolicy_preview"
        return [path("<uuid:policy>/preview/", view, name=name), *super().get_urls()]

    def preview_view(self, request: HttpRequest, policy: UUID) -> HttpResponse:
        """Which looks it would have asked for at the last month's notes that its reader may see."""
        if not self._is(request, SUPERVISOR):
            raise PermissionDenied
        row = get_object_or_404(NotePolicy, pk=policy)
        found = preview(policy=row, by=_by(request), now=clock.now())
        title = f"{row.version} on the last month's notes"
        return self.step(request, "casenotes/preview.html", title, found=found, most=MOST)

    def copy(self, request: HttpRequest, row: NotePolicy) -> NotePolicy:
        return new_version(of=row, by=_by(request), now=clock.now())


def says(policy: policies.Policy, *, confirmed: bool) -> SafeString:
    """A policy to be read, part by part, each with what is still to be confirmed of it."""
    words = dict.fromkeys(policies.TO_CONFIRM, "confirmed") if confirmed else policies.TO_CONFIRM
    rules = table(
        ("rule", "reason", "where", "asks for"),
        ((one.code, one.label, _where(one), policies.KINDS[one.kind]) for one in policy.rules),
    )
    intervals = table(
        ("interval", "in words", "how long", "citation", "what was read"),
        (
            (policies.INTERVAL_NAMES[one.code], one.label, _how_long(one), one.citation, one.read)
            for one in policy.intervals
        ),
    )
    acts = table(
        ("risk", "what is asked for", "done by", "citation"),
        (
            (
                codes.RISKS[one.risk],
                one.words,
                in_words(one.done_by, codes.INTERVENTIONS),
                one.citation,
            )
            for one in policy.acts
        ),
    )
    return format_html(
        "<h3>Reviews: {}</h3>{}<h3>Legal intervals: {}</h3>{}<h3>Acts at a risk: {}</h3>{}",
        *(words["rules"], rules, words["intervals"], intervals, words["acts"], acts),
    )


def _where(rule: policies.Rule) -> str:
    told = [policies.SIGNS[rule.sign]]
    if rule.risks:
        told.append(in_words(rule.risks, codes.RISKS))
    if rule.days is not None:
        told.append(f"{rule.days} days")
    if rule.percent is not None:
        told.append(f"{rule.percent:g} percent")
    return ": ".join(told)


def _how_long(one: policies.Interval) -> str:
    if one.hours is None:
        return f"from {one.age} years"
    return f"{one.hours:g} h" if one.hours else "at once"


def _by(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
