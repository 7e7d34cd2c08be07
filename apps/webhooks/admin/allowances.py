"""Which partners may ask for what is not open to all."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import Role
from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.admin import moment
from apps.webhooks import catalogue, services
from apps.webhooks.admin.endpoints import OVERSEERS
from apps.webhooks.models import Allowance

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR.value})


class AllowanceForm(forms.ModelForm[Allowance]):
    type = forms.ChoiceField(choices=[])

    class Meta:
        model = Allowance
        fields = ("partner", "type")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["type"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (one.name, f"{one.name}: {one.title}")
            for one in catalogue.every_type()
            if one.restricted
        ]


@admin.register(Allowance)
class AllowanceAdmin(RoleAdmin[Allowance]):
    """An administrator lets a partner ask for a restricted type, and takes that back."""

    VIEW = OVERSEERS
    CHANGE = ADMINISTRATOR
    form = AllowanceForm
    list_display = ("partner", "type", moment("given_at"), moment("withdrawn_at"))
    list_filter = ("type",)
    list_select_related = ("partner",)
    actions = ("withdraw",)

    def has_change_permission(self, request: HttpRequest, obj: Allowance | None = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def save_model(self, request: HttpRequest, obj: Allowance, form: Any, change: bool) -> None:
        row = services.allow_type(
            partner=obj.partner, type=obj.type, by=actor_of(request), now=clock.now()
        )
        obj.pk = row.pk

    @admin.action(description="Withdraw: no further event of the type is made for the partner")
    def withdraw(self, request: HttpRequest, allowances: QuerySet[Allowance]) -> None:
        """Administrators alone."""
        if not self._is(request, ADMINISTRATOR):
            messages.error(request, "Only administrators withdraw.")
            return
        for allowance in allowances:
            services.withdraw_type(allowance=allowance, by=actor_of(request), now=clock.now())
        self.message_user(request, f"{len(allowances)} withdrawn.", messages.SUCCESS)
