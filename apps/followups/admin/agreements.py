"""What people said to being followed up, and clinicians' reasons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.assignments.admin.links import OfCallAdmin
from apps.audit.acts import Act
from apps.core import clock
from apps.core.admin import NOTHING, in_words, moment, table, when
from apps.core.ids import short, uuid7
from apps.core.problems import FORBIDDEN, ProblemError
from apps.followups import codes
from apps.followups.admin.acts import words
from apps.followups.models import FollowUpAgreement, FollowUpBasis
from apps.followups.services.agreements import Word, record_agreement
from apps.people.admin.encounters import EncounterAdmin
from apps.people.models import Encounter
from apps.sync.registry import Refused


class ReasonForm(forms.Form):
    reason = words(
        label="Why the person is followed up all the same",
        help_text="Without their agreement, or after their refusal. It is kept and shown.",
    )
    ends_on = forms.DateField(
        label="Last day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class SaidForm(forms.Form):
    basis = forms.ChoiceField(
        choices=[(one, codes.BASES[one]) for one in ("agreed", "refused")], label="What they said"
    )
    words = words(label="In their words", required=False)


@admin.register(FollowUpAgreement)
class AgreementAdmin(OfCallAdmin[FollowUpAgreement]):
    VIEW = frozenset({"supervisor"})
    list_display = (
        *("short_name", "basis", moment("said_at", "said"), "ends_on", "author", "encounter"),
        "doubts",
    )
    list_filter = ("basis",)
    list_select_related = ("author",)
    ordering = ("-received_at", "-pk")
    fields = (
        *("basis", moment("said_at", "said"), "ends_on", "author", "encounter", "assignment"),
        *("ways", "words", "reason", moment("received_at", "received"), "doubts"),
    )
    readonly_fields = fields

    @admin.display(description="agreement")
    def short_name(self, row: FollowUpAgreement) -> str:
        return str(row)

    @admin.display(description="encounter")
    def encounter(self, row: FollowUpAgreement) -> str:
        return short(row.encounter_id)

    @admin.display(description="how they want to be reached")
    def ways(self, row: FollowUpAgreement) -> str:
        return in_words(row.content.get("ways") or (), codes.WAYS)

    @admin.display(description="in their words")
    def words(self, row: FollowUpAgreement) -> str:
        return row.content.get("words") or NOTHING

    @admin.display(description="clinician's reason")
    def reason(self, row: FollowUpAgreement) -> str:
        return row.content.get("reason") or NOTHING

    @admin.display(description="doubts")
    def doubts(self, row: FollowUpAgreement) -> str:
        return in_words(row.flags, codes.FLAGS)


def agreements_of(encounter_id: UUID) -> SafeString:
    """All that was said of an encounter."""
    rows = FollowUpAgreement.objects.of(encounter_id).select_related("author")
    return table(
        ("when", "what", "until", "by", "in words"),
        (
            (
                when(one.said_at),
                one.get_basis_display(),
                one.ends_on or NOTHING,
                str(one.author),
                one.content.get("reason") or one.content.get("words") or NOTHING,
            )
            for one in rows
        ),
    )


def _write_reason(row: Any, by: User, given: dict[str, Any]) -> None:
    content = {"reason": given["reason"]}
    _record(row, FollowUpBasis.CLINICIAN, by, content=content, ends_on=given["ends_on"])


def _write_said(row: Any, by: User, given: dict[str, Any]) -> None:
    said = {"words": given["words"]} if given["words"] else {}
    _record(row, FollowUpBasis(given["basis"]), by, content=said)


def _record(row: Any, basis: FollowUpBasis, by: User, **said: Any) -> None:
    """`row` names an encounter: it is one, or it misses an agreement."""
    now = clock.now()
    encounter_id = row.pk if isinstance(row, Encounter) else row.encounter_id
    word = Word(
        id=uuid7(),
        assignment_id=row.assignment_id,
        encounter_id=encounter_id,
        basis=basis,
        said_at=now,
        **said,
    )
    try:
        record_agreement(word=word, by=by, actor=user_actor(by), now=now)
    except Refused as refused:
        told = " ".join(one.detail for one in refused.errors)
        raise ProblemError(FORBIDDEN, told) from None


def basis_acts(name: Callable[[Any], str]) -> dict[str, Act]:
    """What can be written down of whoever was met in an encounter, on the pages of those."""
    return {
        "said": Act(
            label="Write down whether the person wants follow-ups",
            brief="Follow-ups wanted?",
            question="What did the person say? Nobody is followed up who was not asked.",
            form=SaidForm,
            reason="words",
            verb=_write_said,
            name=name,
            message_name=name,
        ),
        "reason": Act(
            label="Follow up for a clinician's reason",
            brief="Clinician's reason",
            question="You sign for it with your name. It ends by itself after its last day.",
            form=ReasonForm,
            verb=_write_reason,
            name=name,
            message_name=name,
        ),
    }


# On the page of encounters: also against the person's word, and of who was asked later.
EncounterAdmin.acts |= {f"write_{name}": act for name, act in basis_acts(str).items()}
