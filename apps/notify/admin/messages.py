"""What was handed over, what waits, what was given up. No page says what anything is about."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.admin import moment, table, when
from apps.core.ids import short
from apps.core.problems import ProblemError
from apps.notify import services
from apps.notify.admin.teamhours import OVERSEERS, SUPERVISOR
from apps.notify.models import Message, Notification


def fate(row: Notification) -> str:
    """What became of a notification, in words."""
    if row.stopped_at is not None:
        return "stopped"
    return row.message.get_state_display() if row.message else "is not due yet"


@admin.register(Message)
class MessageAdmin(RoleAdmin[Message]):
    """What was given up is listed by its state, and may be handed over once more."""

    VIEW = OVERSEERS
    ENDLESS = True
    list_display = (
        *("short_id", "user", "channel", "urgent", "state", "tries", "error"),
        *(moment("made_at"), moment("due_at"), moment("settled_at")),
    )
    list_filter = ("state", "channel", "urgent")
    list_select_related = ("user",)
    ordering = ("-id",)  # by the time that it was made
    actions = ("hand_over_again",)
    fields = (
        *("id", "user", "channel", "urgent", "state", "tries", "error", moment("made_at")),
        *(moment("due_at"), moment("claimed_until"), moment("settled_at"), "told"),
    )

    @admin.display(description="message")
    def short_id(self, message: Message) -> str:
        return short(message.pk)

    @admin.display(description="tells of")
    def told(self, message: Message) -> SafeString:
        return table(
            ("topic", "about", "level", "due", "stopped"),
            (
                (
                    row.get_topic_display(),
                    short(row.subject_id),
                    row.get_level_display(),
                    when(row.due_at),
                    when(row.stopped_at),
                )
                for row in message.notifications.order_by("pk")
            ),
        )

    @admin.action(description="Hand over again, under the same id")
    def hand_over_again(self, request: HttpRequest, rows: QuerySet[Message]) -> None:
        """Once the gateway, or the address, is mended."""
        if not self._is(request, SUPERVISOR):
            messages.error(request, "Only supervisors hand over again.")
            return
        count = 0
        for row in rows:
            try:
                services.hand_over_again(message=row, by=actor_of(request), now=clock.now())
            except ProblemError as problem:
                self.message_user(request, f"{row}: {problem.text}", messages.ERROR)
            else:
                count += 1
        if count:
            self.message_user(request, f"{count} are handed over again.", messages.SUCCESS)


_FATES: Final = MappingProxyType(
    {
        "waits": ("waits", Q(message=None, stopped_at=None)),
        "message": ("is in a message", Q(message__isnull=False)),
        "stopped": ("stopped", Q(stopped_at__isnull=False)),
    }
)


class FateFilter(admin.SimpleListFilter):
    """What became of them."""

    title = "what became of it"
    parameter_name = "fate"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _) in _FATES.items()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Notification]
    ) -> QuerySet[Notification]:
        chosen = _FATES.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


@admin.register(Notification)
class NotificationAdmin(RoleAdmin[Notification]):
    """Each reason to tell somebody, before and after it is in a message."""

    VIEW = OVERSEERS
    ENDLESS = True
    list_display = (
        *("user", "channel", "topic", "about", "level", moment("due_at"), "fate"),
        moment("stopped_at"),
    )
    list_filter = (FateFilter, "channel", "level")
    list_select_related = ("user", "message")
    ordering = ("-id",)
    fields = (
        *("id", "user", "channel", "topic", "subject_id", "level", moment("made_at")),
        *(moment("due_at"), "message", "fate", moment("stopped_at")),
    )

    @admin.display(description="about")
    def about(self, row: Notification) -> str:
        return short(row.subject_id)

    @admin.display(description="what became of it")
    def fate(self, row: Notification) -> str:
        return fate(row)
