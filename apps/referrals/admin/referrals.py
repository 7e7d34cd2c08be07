"""Referrals and the partners that are asked: what waits, for how long, and what was said."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.assignments.admin.links import OfCallAdmin
from apps.audit.acts import Act, ActsAdmin
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import NOTHING, Related, duration, in_words, moment, readable, table, when
from apps.core.clock import iso
from apps.core.ids import short, uuid7
from apps.referrals import codes, states
from apps.referrals.clocks import STEPS, SUPERVISOR
from apps.referrals.models import Outcome, Referral, ReferralAnswer, ReferralTask, Way
from apps.referrals.services.answers import Said, answer, close_referral
from apps.referrals.services.referrals import needs_of

_SEEN = frozenset({"supervisor"})


def _words(**options: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(max_length=8000, widget=widget, required=False, **options)


class TelephoneForm(forms.Form):
    """What a partner said on the telephone."""

    verb = forms.ChoiceField(
        choices=[(one, codes.VERBS[one]) for one in states.PARTNERS], label="What was said"
    )
    said_by = forms.CharField(max_length=200, label="By whom")
    said_at = forms.DateTimeField(required=False, label="When", help_text="Empty: now.")
    reason_code = forms.ChoiceField(
        choices=[("", "---------"), *codes.REASONS.items()], required=False, label="Reason"
    )
    reason = _words(label="In words", help_text="A no needs a reason: one of the list, or words.")
    text = _words(label="Question or note")
    case_number = forms.CharField(max_length=200, required=False, label="Their case number")
    appointment_at = forms.DateTimeField(required=False, label="Appointment")
    appointment_place = forms.CharField(max_length=200, required=False, label="Where")


class CloseForm(forms.Form):
    """What came of it."""

    outcome = forms.ChoiceField(choices=Outcome.choices)
    reason = _words(label="In words")


class CancelForm(forms.Form):
    reason_code = forms.ChoiceField(
        choices=[("", "---------"), *codes.REASONS.items()],
        required=False,
        label="Reason",
        help_text="The partner reads it.",
    )
    reason = _words(label="In words", help_text="Stays here: no partner reads it.")


class ReplyForm(forms.Form):
    text = forms.CharField(
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The partner reads it as far as the person's consent lets it.",
    )


class WaitingFilter(admin.SimpleListFilter):
    """What somebody has to see to."""

    title = "waits"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("overdue", "overdue"),
            ("answer", "for an answer"),
            ("outcome", "for what came of it"),
            ("draft", "not sent"),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ReferralTask]
    ) -> QuerySet[ReferralTask]:
        match self.value():
            case "overdue":
                return queryset.exclude(awaits="nothing").filter(clock_step__gte=SUPERVISOR)
            case "answer" | "outcome":
                return queryset.filter(awaits=self.value())
            case "draft":
                return queryset.filter(status="draft")
        return queryset


def _close(row: Referral, by: User, given: dict[str, Any]) -> None:
    said = _said("close", by, told={"reason": given["reason"]})
    close_referral(referral=row, outcome=Outcome(given["outcome"]), said=said, now=clock.now())


def _telephone(row: ReferralTask, by: User, given: dict[str, Any]) -> None:
    _answer(row, _said(given["verb"], by, way=Way.TELEPHONE, told=given))


def _reply(row: ReferralTask, by: User, given: dict[str, Any]) -> None:
    _answer(row, _said("reply", by, told=given))


def _cancel(row: ReferralTask, by: User, given: dict[str, Any]) -> None:
    _answer(row, _said("cancel", by, told=given))


def _called(row: ReferralTask) -> str:
    return f"{row.referral.number}, {row.partner.name}"


@admin.register(Referral)
class ReferralAdmin(ActsAdmin[Referral], OfCallAdmin[Referral]):
    VIEW = _SEEN
    list_display = ("number", "needs", "urgency", "status", "outcome", moment("created_at"))
    list_filter = ("status", "urgency", "outcome")
    WHEN = "created_at"
    ordering = ("-created_at",)
    acts = {
        "close": Act(
            label="Close with what came of it",
            brief="Close",
            question="What came of it? Whoever is still asked is told that it is cancelled.",
            form=CloseForm,
            verb=_close,
            offered=lambda row: row.status == "active",
        )
    }
    fields = (
        *("number", "assignment", "encounter", "needs", "urgency", "status", "outcome"),
        *(moment("created_at"), "created_by", moment("closed_at"), "closed_by"),
        *("partners", "typed", "doubts"),
    )
    readonly_fields = fields

    @admin.display(description="encounter")
    def encounter(self, row: Referral) -> SafeString:
        address = reverse("admin:people_encounter_change", args=[row.encounter_id])
        return format_html('<a href="{}">encounter {}</a>', address, short(row.encounter_id))

    @admin.display(description="needs")
    def needs(self, row: Referral) -> str:
        return in_words(needs_of(row), codes.NEEDS)

    @admin.display(description="partners")
    def partners(self, row: Referral) -> SafeString:
        tasks = ReferralTask.objects.filter(referral=row).select_related("partner")
        return table(
            ("partner", "state", "since", "reason", "waits"),
            (
                (
                    format_html(
                        '<a href="{}">{}</a>',
                        reverse("admin:referrals_referraltask_change", args=[one.pk]),
                        one.partner.name,
                    ),
                    one.get_status_display(),
                    when(one.status_at),
                    one.reason or NOTHING,
                    waits(one),
                )
                for one in tasks.order_by("asked_at", "pk")
            ),
        )

    @admin.display(description="what was typed")
    def typed(self, row: Referral) -> SafeString:
        return readable(row.content, {"needs": codes.NEEDS, "urgency": codes.URGENCIES})

    @admin.display(description="doubts")
    def doubts(self, row: Referral) -> str:
        return in_words(row.flags, codes.FLAGS)


@admin.register(ReferralTask)
class TaskAdmin(ActsAdmin[ReferralTask], RecordAdmin[ReferralTask]):
    """One partner that is asked. The queue of what nobody answers is its filter "overdue"."""

    VIEW = _SEEN
    list_display = ("number", "partner", "status", "reason", "waits", moment("sent_at"))
    list_filter = (WaitingFilter, "status", ("partner", Related))
    list_select_related = ("referral", "partner")
    ordering = ("-asked_at",)
    acts = {
        "telephone": Act(
            label="Enter what the partner said on the telephone",
            brief="Partner telephoned",
            question="It counts like any other answer. You are named as who entered it.",
            form=TelephoneForm,
            verb=_telephone,
            name=_called,
        ),
        "reply": Act(
            label="Reply to the partner's question",
            question="What do you say?",
            form=ReplyForm,
            reason="text",
            verb=_reply,
            name=_called,
        ),
        "cancel": Act(
            label="Cancel",
            question="Why?",
            form=CancelForm,
            verb=_cancel,
            name=_called,
        ),
    }
    quick_acts = ("telephone",)
    fields = (
        *("referral_page", "partner", "status", "reason", moment("asked_at"), "asked_by"),
        *(moment("sent_at"), moment("first_read_at"), moment("answered_at"), "waits"),
        *("case_number", "attended", "served", "outputs", "answers", "doubts"),
    )
    readonly_fields = fields

    @admin.display(description="referral")
    def number(self, row: ReferralTask) -> str:
        return row.referral.number

    @admin.display(description="of the referral")
    def referral_page(self, row: ReferralTask) -> SafeString:
        address = reverse("admin:referrals_referral_change", args=[row.referral_id])
        return format_html('<a href="{}">{}</a>', address, row.referral.number)

    @admin.display(description="waits", ordering="clock_due_at")
    def waits(self, row: ReferralTask) -> str:
        return waits(row)

    @admin.display(description="what came of it")
    def outputs(self, row: ReferralTask) -> SafeString:
        return readable(row.said, {"reason_code": codes.REASONS})

    @admin.display(description="answers")
    def answers(self, row: ReferralTask) -> SafeString:
        found = ReferralAnswer.objects.filter(task=row).select_related("recorded_by")
        return table(
            ("when", "what", "by", "way", "entered by"),
            (
                (
                    when(one.said_at),
                    codes.VERBS.get(one.verb, one.verb),
                    one.said_by or NOTHING,
                    one.get_way_display(),
                    str(one.recorded_by or NOTHING),
                )
                for one in found.order_by("received_at", "pk")
            ),
        )

    @admin.display(description="doubts")
    def doubts(self, row: ReferralTask) -> str:
        return in_words(row.flags, codes.FLAGS)


def waits(row: ReferralTask) -> str:
    """For what it waits, for how long, and who was told of that."""
    if row.clock_from is None:
        return NOTHING
    seconds = int((clock.now() - row.clock_from).total_seconds())
    told = f", {STEPS[row.clock_step].lower()}" if row.clock_step else ""
    return f"{row.get_awaits_display()}: {duration(seconds)}{told}"


def _said(verb: str, by: User, *, told: dict[str, Any], way: Way = Way.DESK) -> Said:
    given = {name: value for name, value in told.items() if value}
    now = clock.now()
    if at := given.get("appointment_at"):
        given["appointment_at"] = iso(at)
    said_by = given.pop("said_by", "")
    return Said(
        verb=verb,
        key=str(uuid7()),
        way=way,
        actor=user_actor(by),
        said_at=given.pop("said_at", now),
        said_by=said_by,
        told={name: value for name, value in given.items() if name != "verb"},
        recorded_by=by,
    )


def _answer(row: ReferralTask, said: Said) -> None:
    answer(task=row, said=said, now=clock.now())
