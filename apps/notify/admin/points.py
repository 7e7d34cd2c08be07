"""Where our own people are reached. An address is typed here, and never shown again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import Role, User
from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.admin import NOTHING
from apps.core.crypto import Undecryptable
from apps.notify import services
from apps.notify.addresses import masked
from apps.notify.admin.teamhours import OVERSEERS, own_team
from apps.notify.models import ContactPoint


class PointForm(forms.ModelForm[ContactPoint]):
    new_address = forms.CharField(
        required=False,
        max_length=1000,
        label="Address",
        widget=forms.TextInput(attrs={"autocomplete": "off", "size": 60}),
        help_text="A mailbox, a number like +12065550199, a push subscription: the person's own."
        " It is not shown again. Leave empty to keep the present one.",
    )

    class Meta:
        model = ContactPoint
        fields = ("user", "channel", "from_level", "is_active")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        address = data.get("new_address")
        if not address and self.instance._state.adding:
            self.add_error("new_address", "Say where.")
        channel = data.get("channel") or self.instance.channel
        if channel and (address or not self.instance._state.adding):
            point = ContactPoint(channel=channel, is_active=bool(data.get("is_active")))
            try:
                point.address = address or self.instance.address
            except Undecryptable:
                self.add_error("new_address", "The present one cannot be read. Say it anew.")
                return data
            if error := services.wrong_point(point):
                name = error.pointer.removeprefix("/")
                known = {"address": "new_address"}.get(name, name)
                self.add_error(known if known in self.fields else None, error.detail)
        return data


@admin.register(ContactPoint)
class ContactPointAdmin(RoleAdmin[ContactPoint]):
    """Supervisors see and set those of their own team."""

    VIEW = CHANGE = OVERSEERS
    form = PointForm
    list_display = ("user", "channel", "shown", "from_level", "is_active")
    list_filter = ("channel", "is_active")
    list_select_related = ("user",)
    search_fields = ("user__display_name", "user__username")
    ordering = ("user__display_name", "channel")

    @admin.display(description="address")
    def shown(self, point: ContactPoint) -> str:
        """Enough for whoever knows it."""
        try:
            return masked(point.address)
        except Undecryptable:
            return NOTHING

    def get_fields(self, request: HttpRequest, obj: ContactPoint | None = None) -> Any:
        shown = ["shown"] if obj else []
        return ("user", "channel", *shown, "new_address", "from_level", "is_active")

    def get_readonly_fields(self, request: HttpRequest, obj: ContactPoint | None = None) -> Any:
        """Whose it is, and by what, stays."""
        return ("user", "channel", "shown") if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[ContactPoint]:
        rows = super().get_queryset(request).select_related("user")
        team = own_team(request)
        return rows.filter(user__team=team) if team else rows

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Our own people, not a partner's."""
        if db_field.name == "user":
            people = User.objects.filter(is_active=True).exclude(role=Role.PARTNER)
            team = own_team(request)
            people = people.filter(team=team) if team else people
            kwargs["queryset"] = people.order_by("display_name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ContactPoint, form: Any, change: bool) -> None:
        if address := form.cleaned_data["new_address"]:
            obj.address = address
        services.save_contact_point(point=obj, by=actor_of(request), now=clock.now())
