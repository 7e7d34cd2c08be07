"""Peer support that is owed to responders, for the supervisors of their team and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.assignments import codes, services
from apps.assignments.models import SupportOffer
from apps.audit.acts import Act, ActsAdmin
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import NOTHING, in_words, moment, table, when

_KEPT = "Kept here, sealed, for the supervisors of the team alone."


def _note(**options: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(max_length=2000, widget=widget, help_text=_KEPT, **options)


class NoteForm(forms.Form):
    note = _note(required=False)


class AnswerForm(forms.Form):
    taken = forms.TypedChoiceField(
        choices=[("yes", "They take it"), ("no", "They decline it")],
        coerce=lambda answer: answer == "yes",
        label="answer",
    )
    note = _note(required=False)


class CloseForm(forms.Form):
    reason = _note()


def _name(row: SupportOffer) -> str:
    return f"{row.user or 'somebody of the team'}, {row.get_state_display()}"


def _nameless(row: SupportOffer) -> str:
    """In the message that follows, which the browser keeps in a cookie."""
    return "Offer of peer support"


def _verb(verb: Callable[..., Any]) -> Callable[[SupportOffer, User, dict[str, Any]], None]:
    def act(row: SupportOffer, by: User, given: dict[str, Any]) -> None:
        verb(offer=row, by=by, now=clock.now(), **given)

    return act


@admin.register(SupportOffer)
class SupportOfferAdmin(ActsAdmin[SupportOffer], RecordAdmin[SupportOffer]):
    VIEW = frozenset({"supervisor"})
    list_display = (
        *("person", "state", moment("raised_at", "since"), "offered_by"),
        *(moment("offered_at", "offered"), moment("answered_at", "answered")),
        moment("closed_at", "closed"),
    )
    list_filter = ("state",)
    list_select_related = ("user", "offered_by")
    WHEN = "raised_at"
    ordering = ("-raised_at",)
    # What is noted stays with the offer: the audit log has who and what alone.
    acts = {
        name: Act(
            label=label,
            question=question,
            form=form,
            reason="",
            verb=_verb(verb),
            offered=lambda row: row.closed_at is None,
            name=_name,
            message_name=_nameless,
        )
        for name, label, question, form, verb in (
            (
                *("offer", "Offer peer support", "Have you offered it to them?"),
                *(NoteForm, services.offer_support),
            ),
            (
                *("answer", "Record the answer", "What did they say?"),
                *(AnswerForm, services.record_answer),
            ),
            (
                *("close", "Close", "Why is nothing more to be done?"),
                *(CloseForm, services.close_support),
            ),
        )
    }
    fields = (
        *("person", "happened", "first_steps", "state", moment("raised_at", "since")),
        *("offered_by", moment("offered_at", "offered"), moment("answered_at", "answered")),
        *("closed_by", moment("closed_at", "closed"), "said"),
    )

    @admin.display(description="responder", ordering="user__display_name")
    def person(self, row: SupportOffer) -> str:
        return row.user.display_name if row.user else "not known who it was"

    @admin.display(description="what happened")
    def happened(self, row: SupportOffer) -> str:
        return in_words(row.kinds, codes.HARMS)

    @admin.display(description="first steps")
    def first_steps(self, row: SupportOffer) -> SafeString:
        """After an exposure, in the words of their source; this project adds none."""
        if "exposure" not in row.kinds:
            return format_html("{}", NOTHING)
        steps = format_html_join("", "<li>{}</li>", ((step,) for step in codes.EXPOSURE_STEPS))
        return format_html("<ol>{}</ol><p>{}</p>", steps, codes.EXPOSURE_SOURCE)

    @admin.display(description="what was said")
    def said(self, row: SupportOffer) -> SafeString:
        notes = row.notes or []
        lines = ((when(one["at"]), one["by"], one["text"]) for one in notes)
        return table(("when", "by", "note"), lines)
