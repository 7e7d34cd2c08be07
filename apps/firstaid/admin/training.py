"""Certificates of the supervisor's team, and the protocol that the medical director approved."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.problems import ProblemError
from apps.firstaid import services
from apps.firstaid.admin.stock import SUPERVISOR, person_of
from apps.firstaid.models import Certification, OverdoseProtocol

ADMINISTRATOR = frozenset({"administrator"})


class StandingFilter(admin.SimpleListFilter):
    """Expired ones are for whoever trains: they stop nobody."""

    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("good", "good"),
            ("soon", "expires within 60 days"),
            ("expired", "expired"),
            ("withdrawn", "withdrawn"),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Certification]
    ) -> QuerySet[Certification]:
        expired = Certification.objects.expired(_today()).values("pk")
        match self.value():
            case "good":
                return queryset.filter(withdrawn_at=None).exclude(pk__in=expired)
            case "soon":
                soon = Certification.objects.expiring(_today() + timedelta(days=60))
                return queryset.filter(pk__in=soon.values("pk")).exclude(pk__in=expired)
            case "expired":
                return queryset.filter(pk__in=expired)
            case "withdrawn":
                return queryset.exclude(withdrawn_at=None)
        return queryset


@admin.register(Certification)
class CertificationAdmin(RoleAdmin[Certification]):
    VIEW = CHANGE = SUPERVISOR
    list_display = ("user", "kind", "number", "issued_on", "expires_on", "standing")
    list_filter = ("kind", StandingFilter)
    ordering = ("expires_on", "user")
    fields = ("user", "kind", "number", "issued_on", "expires_on")
    actions = ("withdraw",)

    def has_change_permission(self, request: HttpRequest, obj: Certification | None = None) -> bool:
        """What was written down is taken back, not edited."""
        return obj is None and super().has_change_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Certification]:
        rows = super().get_queryset(request).select_related("user")
        return rows.filter(user__team=person_of(request).team_id)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.filter(
                team=person_of(request).team_id, is_active=True
            ).order_by("display_name")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Certification, form: Any, change: bool) -> None:
        services.record_certification(certification=obj, by=person_of(request), now=clock.now())

    @admin.display(description="standing")
    def standing(self, row: Certification) -> str:
        if row.withdrawn_at is not None:
            return "withdrawn"
        return "expired" if row.expires_on and row.expires_on < _today() else "good"

    @admin.action(description="Withdraw: it is held no longer")
    def withdraw(self, request: HttpRequest, rows: QuerySet[Certification]) -> None:
        for row in rows:
            services.withdraw_certification(
                certification=row, by=person_of(request), now=clock.now()
            )
        self.message_user(request, "Withdrawn.")


class ProtocolForm(forms.ModelForm[OverdoseProtocol]):
    class Meta:
        model = OverdoseProtocol
        fields = ("version", "citation", "effective_from", "effective_to", "recheck_seconds")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors:
            given = OverdoseProtocol(pk=self.instance.pk, **data)
            try:
                services.check_protocol(protocol=given, now=clock.now())
            except ProblemError as problem:
                for error in problem.errors:
                    self.add_error(error.pointer.lstrip("/"), error.detail)
        return data


@admin.register(OverdoseProtocol)
class ProtocolAdmin(RoleAdmin[OverdoseProtocol]):
    """One that has begun is ended, not edited: add the next."""

    VIEW = SUPERVISOR | ADMINISTRATOR
    CHANGE = ADMINISTRATOR
    form = ProtocolForm
    list_display = ("version", "recheck_seconds", "effective_from", "effective_to", "citation")
    ordering = ("-effective_from",)

    def save_model(
        self, request: HttpRequest, obj: OverdoseProtocol, form: Any, change: bool
    ) -> None:
        services.save_protocol(protocol=obj, by=actor_of(request), now=clock.now())


def _today() -> date:
    return clock.now().astimezone(clock.city()).date()
