"""Consents, who was told that one is revoked, and what was told of whom."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.assignments.admin.decisions import Decision, decide
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import NOTHING, in_words, moment, pretty, table, when
from apps.core.ids import short
from apps.referrals import codes
from apps.referrals.models import Consent, ConsentRecipient, Disclosure, Way
from apps.referrals.records import encounters_of_person
from apps.referrals.services.consents import acknowledge_revocation, revoke_consent

_SEEN = frozenset({"supervisor"})


class RevokeForm(forms.Form):
    note = forms.CharField(
        max_length=8000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What the person said. No partner reads it.",
    )


class AcknowledgeForm(forms.Form):
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


@admin.register(Consent)
class ConsentAdmin(RecordAdmin[Consent]):
    VIEW = _SEEN
    list_display = (
        *("short_name", "form", moment("given_at"), moment("expires_at"), moment("revoked_at")),
        *("recorded_by", "doubts"),
    )
    list_filter = ("form",)
    list_select_related = ("recorded_by",)
    ordering = ("-given_at",)
    show_full_result_count = False
    actions = ("revoke",)
    fields = (
        *("assignment", "encounter_id", "form", moment("given_at"), moment("expires_at")),
        *("recorded_by", "told", "recipients_of", moment("revoked_at"), "revoked_by", "doubts"),
    )
    readonly_fields = fields

    @admin.display(description="consent")
    def short_name(self, row: Consent) -> str:
        return str(row)

    @admin.display(description="assignment")
    def assignment(self, row: Consent) -> str:
        return short(row.assignment_id)

    @admin.display(description="what was recorded")
    def told(self, row: Consent) -> SafeString:
        return pretty(row.content)

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

    @admin.action(description="Revoke, and tell every recipient")
    def revoke(self, request: HttpRequest, rows: QuerySet[Consent]) -> HttpResponse | None:
        def verb(row: Consent, by: User, given: dict[str, Any]) -> None:
            revoke_consent(
                consent=row, by=by, actor=user_actor(by), note=given["note"], now=clock.now()
            )

        question = "Nothing more is told on it from now on. It cannot be undone."
        decision = Decision("revoke", "Revoke", question, RevokeForm, verb, str)
        return decide(self, request, rows, decision)


@admin.register(ConsentRecipient)
class RecipientAdmin(RecordAdmin[ConsentRecipient]):
    VIEW = _SEEN
    list_display = (
        *("partner", "consent", moment("told_at"), moment("acknowledged_at")),
        *("acknowledged_way", "acknowledged_by"),
    )
    list_filter = (UnacknowledgedFilter, ("partner", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("partner", "consent")
    ordering = ("-told_at",)
    show_full_result_count = False
    actions = ("acknowledged",)
    fields = list_display
    readonly_fields = fields

    @admin.action(description="They said on the telephone that they know")
    def acknowledged(
        self, request: HttpRequest, rows: QuerySet[ConsentRecipient]
    ) -> HttpResponse | None:
        def verb(row: ConsentRecipient, by: User, given: dict[str, Any]) -> None:
            acknowledge_revocation(
                recipient=row,
                by=given["by"],
                way=Way.TELEPHONE,
                actor=user_actor(by),
                now=clock.now(),
            )

        decision = Decision(
            "acknowledged", "Acknowledged", "Who said so?", AcknowledgeForm, verb, _called, str
        )
        return decide(self, request, rows, decision)


@admin.register(Disclosure)
class DisclosureAdmin(RecordAdmin[Disclosure]):
    """The accounting of disclosures. A person's id finds what was told of them."""

    VIEW = _SEEN
    list_display = (moment("at"), "basis", "recipient", "affiliation", "what", "part2", "way")
    list_filter = ("basis", "part2", "way", ("partner", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("partner", "discloser")
    search_fields = ("basis",)
    search_help_text = "The id of a person: everything that was told of them"
    date_hierarchy = "at"
    ordering = ("-at",)
    show_full_result_count = False
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


def _called(row: ConsentRecipient) -> str:
    return f"{row.partner.name}, {row.consent}"
