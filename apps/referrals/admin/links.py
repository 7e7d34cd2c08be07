"""Whom of a partner links and codes are sent to, and which were."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.audit.admin import RoleAdmin
from apps.core import clock
from apps.core.admin import NOTHING, Related, moment, when
from apps.referrals.models import PartnerContact, ReferralLink
from apps.referrals.services import links

_SEEN = frozenset({"supervisor"})


class ContactForm(forms.ModelForm[PartnerContact]):
    class Meta:
        model = PartnerContact
        fields = ("partner", "name", "channel", "destination", "is_active")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        told = {name: data[name] for name in ("channel", "destination") if name in data}
        if len(told) == 2 and (error := links.wrong_contact(PartnerContact(**told))):
            self.add_error(error.pointer.removeprefix("/"), error.detail)
        return data


@admin.register(PartnerContact)
class ContactAdmin(RoleAdmin[PartnerContact]):
    VIEW = CHANGE = _SEEN
    form = ContactForm
    list_display = ("partner", "name", "channel", "destination", "is_active", moment("noted_at"))
    list_filter = ("is_active", "channel", ("partner", Related))
    list_select_related = ("partner",)
    ordering = ("partner__name", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: PartnerContact | None = None) -> Any:
        """Whose it is stays."""
        return ("partner",) if obj else ()

    def save_model(
        self, request: HttpRequest, obj: PartnerContact, form: Any, change: bool
    ) -> None:
        assert isinstance(request.user, User)
        links.note_contact(contact=obj, by=request.user, now=clock.now())


@admin.register(ReferralLink)
class LinkAdmin(RoleAdmin[ReferralLink]):
    """What was sent to whom. It says nothing of anybody, and nobody reads a link here."""

    VIEW = _SEEN
    ENDLESS = True
    list_display = ("number", "contact", moment("made_at"), "sent", moment("revoked_at"))
    list_select_related = ("task__referral", "contact__partner")
    ordering = ("-made_at",)
    actions = ("revoke",)
    fields = list_display
    readonly_fields = fields

    @admin.display(description="referral")
    def number(self, row: ReferralLink) -> str:
        return row.task.referral.number

    @admin.display(description="sent", ordering="sent_at")
    def sent(self, row: ReferralLink) -> str:
        if row.sent_at is not None:
            return when(row.sent_at)
        return f"tried {row.tries} times" if row.tries else NOTHING

    @admin.action(description="Revoke all links of these referrals: a message went astray")
    def revoke(self, request: HttpRequest, rows: QuerySet[ReferralLink]) -> None:
        assert isinstance(request.user, User)
        tasks = {row.task_id: row.task for row in rows.select_related("task")}
        now = clock.now()
        count = sum(
            links.revoke_links(task=task, by=request.user, now=now) for task in tasks.values()
        )
        self.message_user(request, f"{count} revoked.", messages.SUCCESS)
