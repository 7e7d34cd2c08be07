"""Consents, who was told that one is revoked, and what was told of whom."""

from __future__ import annotations

from datetime import MAXYEAR, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.assignments.admin.links import OfCallAdmin
from apps.audit.acts import Act, ActsAdmin, WhyForm, reason_field
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import NOTHING, Related, in_words, moment, readable, table, when
from apps.referrals import codes
from apps.referrals.models import Consent, ConsentRecipient, Disclosure, Way
from apps.referrals.records import encounters_of_person
from apps.referrals.services.consents import (
    acknowledge_revocation,
    renew_consent,
    revoke_consent,
)

_SEEN = frozenset({"supervisor"})
_LABELS: Final = {
    "form": codes.CONSENT_FORMS,
    "purpose": codes.PURPOSES,
    "categories": codes.DATA_CATEGORIES,
}


class RevokeForm(forms.Form):
    note = reason_field(help_text="What the person said. No partner reads it.")


class RenewForm(forms.Form):
    witness = forms.CharField(max_length=200, label="Who hears it with you")
    expires_on = forms.DateField(
        label="Last day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reason = reason_field(label="What the person said", help_text="No partner reads it.")

    def clean_expires_on(self) -> date:
        """Of the calendar's last year there may be no day after it."""
        day: date = self.cleaned_data["expires_on"]
        if day.year == MAXYEAR:
            raise forms.ValidationError("Nothing holds that long.")
        return day


class AcknowledgeForm(WhyForm):
    by = forms.CharField(max_length=200, label="Who says that they know")


class UnacknowledgedFilter(admin.SimpleListFilter):
    """Whom somebody has to call."""

    title = "revocation"
    parameter_name = "revocation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "told, not acknowledged"), ("known", "acknowledged")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ConsentRecipient]
    ) -> QuerySet[ConsentRecipient]:
        match self.value():
            case "open":
                waiting = ConsentRecipient.objects.unacknowledged().order_by()
                return queryset.filter(pk__in=waiting.values("pk"))
            case "known":
                return queryset.filter(acknowledged_at__isnull=False)
        return queryset


def _revoke(row: Consent, by: User, given: dict[str, Any]) -> None:
    revoke_consent(consent=row, by=by, actor=user_actor(by), note=given["note"], now=clock.now())


def _renew(row: Consent, by: User, given: dict[str, Any]) -> str:
    day = datetime.combine(given["expires_on"] + timedelta(days=1), time(0), clock.city())
    new = renew_consent(
        consent=row,
        witness=given["witness"],
        note=given["reason"],
        expires_at=day,
        by=by,
        now=clock.now(),
    )
    return f"{row}: goes on as {new}."


def _acknowledged(row: ConsentRecipient, by: User, given: dict[str, Any]) -> None:
    acknowledge_revocation(
        recipient=row,
        by=given["by"],
        way=Way.TELEPHONE,
        actor=user_actor(by),
        now=clock.now(),
    )


def _called(row: ConsentRecipient) -> str:
    return f"{row.partner.name}, {row.consent}"


@admin.register(Consent)
class ConsentAdmin(ActsAdmin[Consent], OfCallAdmin[Consent]):
    VIEW = _SEEN
    list_display = (
        *("short_name", "form", moment("given_at"), moment("expires_at"), moment("revoked_at")),
        *("recorded_by", "doubts"),
    )
    list_filter = ("form",)
    list_select_related = ("recorded_by",)
    ordering = ("-given_at",)
    acts = {
        "revoke": Act(
            label="Revoke, and tell every recipient",
            question="Nothing more is told on it from now on. It cannot be undone.",
            form=RevokeForm,
            reason="note",
            verb=_revoke,
            offered=lambda row: row.revoked_at is None,
        ),
        "renew": Act(
            label="Extend: the person says again that it holds",
            question=(
                "Nobody but the person lets it go on. What they say to you now is a spoken consent "
                "to the same, of its own. It opens nothing that a programme under 42 CFR Part 2 "
                "told: for that they sign anew, on a crew's tablet."
            ),
            form=RenewForm,
            verb=_renew,
            offered=lambda row: row.revoked_at is None,
            alone=True,
        ),
    }
    fields = (
        *("assignment", "encounter_id", "form", moment("given_at"), moment("expires_at")),
        *("recorded_by", "told", "recipients_of", moment("revoked_at"), "revoked_by", "doubts"),
    )
    readonly_fields = fields

    @admin.display(description="consent")
    def short_name(self, row: Consent) -> str:
        return str(row)

    @admin.display(description="what was recorded")
    def told(self, row: Consent) -> SafeString:
        return readable(row.content, _LABELS)

    @admin.display(description="to whom")
    def recipients_of(self, row: Consent) -> SafeString:
        rows = row.recipients.select_related("partner").order_by("partner__name")
        return table(
            ("partner", "told of the revocation", "acknowledged", "by"),
            (
                (
                    one.partner.name,
                    when(one.told_at),
                    when(one.acknowledged_at),
                    one.acknowledged_by or NOTHING,
                )
                for one in rows
            ),
        )

    @admin.display(description="doubts")
    def doubts(self, row: Consent) -> str:
        return in_words(row.flags, codes.FLAGS)


@admin.register(ConsentRecipient)
class RecipientAdmin(ActsAdmin[ConsentRecipient], RecordAdmin[ConsentRecipient]):
    VIEW = _SEEN
    list_display = (
        *("partner", "consent", moment("told_at"), moment("acknowledged_at")),
        *("acknowledged_way", "acknowledged_by"),
    )
    list_filter = (UnacknowledgedFilter, ("partner", Related))
    list_select_related = ("partner", "consent")
    ordering = ("-told_at",)
    acts = {
        "acknowledged": Act(
            label="They said on the telephone that they know",
            brief="They know",
            question="Who said so?",
            form=AcknowledgeForm,
            verb=_acknowledged,
            offered=lambda row: row.told_at is not None and row.acknowledged_at is None,
            name=_called,
        )
    }
    fields = list_display
    readonly_fields = fields


@admin.register(Disclosure)
class DisclosureAdmin(RecordAdmin[Disclosure]):
    """The accounting of disclosures. A person's id finds what was told of them."""

    VIEW = _SEEN
    list_display = (moment("at"), "basis", "recipient", "affiliation", "what", "part2", "way")
    list_filter = ("basis", "part2", "way", ("partner", Related))
    list_select_related = ("partner", "discloser")
    search_fields = ("basis",)
    search_help_text = "The id of a person: everything that was told of them"
    WHEN = "at"
    ordering = ("-at",)
    fields = (
        *(moment("at"), "basis", "recipient", "affiliation", "nature", "what", "places", "part2"),
        *("way", "discloser", "partner", "consents", "person_id", "encounter_id", "sha256"),
        "doubts",
    )
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Disclosure], search_term: str
    ) -> tuple[QuerySet[Disclosure], bool]:
        """By a person's id, whoever they were merged with."""
        try:
            person = UUID(search_term.strip())
        except ValueError:
            return (queryset if not search_term.strip() else queryset.none()), False
        return queryset.filter(encounter_id__in=encounters_of_person(person)), False

    @admin.display(description="what was told")
    def what(self, row: Disclosure) -> str:
        return in_words(row.categories, codes.DATA_CATEGORIES)

    @admin.display(description="SHA-256 of the payload")
    def sha256(self, row: Disclosure) -> str:
        return bytes(row.payload_sha256).hex()

    @admin.display(description="doubts")
    def doubts(self, row: Disclosure) -> str:
        return in_words(row.flags, codes.FLAGS)
