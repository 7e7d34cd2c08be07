"""Reminders that fail and are tried again. No record of anybody is shown."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.admin import OVERSEERS
from apps.audit.admin import RoleAdmin
from apps.core.admin import moment
from apps.core.ids import short
from apps.followups.models import ClockAttempt


@admin.register(ClockAttempt)
class ClockAttemptAdmin(RoleAdmin[ClockAttempt]):
    """Follow-ups that the clock did not get through with several times. A row goes by itself once
    it has; one that stays is for whoever runs the server."""

    VIEW = OVERSEERS
    list_display = ("follow_up", "error", "tries", moment("first_at"), moment("due_at"))
    list_filter = ("error",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ClockAttempt]:
        return ClockAttempt.objects.stuck()

    @admin.display(description="follow-up")
    def follow_up(self, row: ClockAttempt) -> str:
        return short(row.pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ClockAttempt | None = None) -> bool:
        return False
