"""Reactions that have failed and are tried again. No record of anybody is shown."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.accounts.admin import OVERSEERS
from apps.audit.admin import RoleAdmin
from apps.changes.models import ParkedReaction
from apps.core.admin import moment


@admin.register(ParkedReaction)
class ParkedReactionAdmin(RoleAdmin[ParkedReaction]):
    """What did not follow from a change that was stored, and when it is tried again. A row goes by
    itself once it has succeeded; one that stays is for whoever runs the server."""

    VIEW = OVERSEERS
    list_display = (
        "event", "subject", "reaction", "error", "attempts", moment("failed_at"), moment("due_at"),
    )  # fmt: skip
    list_filter = ("event", "error")
    ordering = ("failed_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: ParkedReaction | None = None
    ) -> bool:
        return False
