"""Warnings about endpoints: they stand here until a supervisor has seen them."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.admin import moment
from apps.webhooks import services
from apps.webhooks.admin.endpoints import OVERSEERS, SUPERVISOR
from apps.webhooks.models import Notice


@admin.register(Notice)
class NoticeAdmin(RoleAdmin[Notice]):
    """Who is to see to which endpoint."""

    VIEW = OVERSEERS
    ENDLESS = True
    list_display = ("kind", "endpoint", "named", moment("at"), moment("acknowledged_at"))
    list_filter = ("kind", ("acknowledged_at", admin.EmptyFieldListFilter))
    list_select_related = ("endpoint", "named")
    ordering = ("-at",)
    actions = ("acknowledge",)
    fields = (
        *("kind", "endpoint", "named", moment("at"), moment("mailed_at")),
        *(moment("acknowledged_at"), "acknowledged_by"),
    )

    @admin.action(description="I have seen it, and see to it")
    def acknowledge(self, request: HttpRequest, notices: QuerySet[Notice]) -> None:
        """Keeps who saw it, and when."""
        person = request.user
        if not (self._is(request, SUPERVISOR) and isinstance(person, User)):
            messages.error(request, "Only supervisors acknowledge warnings.")
            return
        for notice in notices:
            services.acknowledge_notice(
                notice=notice, by=person, actor=actor_of(request), now=clock.now()
            )
        self.message_user(request, f"{len(notices)} acknowledged.", messages.SUCCESS)
