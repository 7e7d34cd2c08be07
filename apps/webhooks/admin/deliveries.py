"""What was sent and how it went: ids, times and statuses; no body is shown here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.admin import NOTHING, moment, table, when
from apps.core.problems import ProblemError
from apps.webhooks import catalogue, services
from apps.webhooks.admin.endpoints import OVERSEERS, SUPERVISOR
from apps.webhooks.models import Delivery, UntoldEvent


class TypeFilter(admin.SimpleListFilter):
    """By type, as the catalogue has them: nobody reads all rows for what they are of."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one.name, one.name) for one in catalogue.every_type()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(RoleAdmin[Delivery]):
    """Each event for each endpoint. What was parked may be sent again."""

    VIEW = OVERSEERS
    list_display = ("type", "endpoint", "sequence", "state", "attempts", moment("occurred_at"))
    list_filter = ("state", TypeFilter)
    list_select_related = ("endpoint",)
    ordering = ("-made_at",)
    show_full_result_count = False
    actions = ("send_again",)
    fields = (
        *("id", "type", "version", "endpoint", "sequence", "epoch", "lane", "state"),
        *("parked_why", moment("occurred_at"), moment("made_at"), moment("due_at")),
        *(moment("settled_at"), "attempts", "tried"),
    )

    @admin.display(description="attempts")
    def tried(self, delivery: Delivery) -> SafeString:
        return table(
            ("number", "started", "ended", "status", "ms"),
            (
                (
                    one.number,
                    when(one.started_at),
                    one.get_outcome_display(),
                    one.status or NOTHING,
                    NOTHING if one.latency_ms is None else one.latency_ms,
                )
                for one in delivery.tried.order_by("number")
            ),
        )

    @admin.action(description="Send again, under the same id")
    def send_again(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        """For a partner that asks for it."""
        if not self._is(request, SUPERVISOR):
            messages.error(request, "Only supervisors send again.")
            return
        count = 0
        for row in deliveries.select_related("endpoint"):
            try:
                services.replay(
                    delivery=row, why=services.Why.ASKED, by=actor_of(request), now=clock.now()
                )
            except ProblemError as problem:
                self.message_user(request, f"{row}: {problem.text}", messages.ERROR)
            else:
                count += 1
        if count:
            self.message_user(request, f"{count} are sent again.", messages.SUCCESS)


@admin.register(UntoldEvent)
class UntoldEventAdmin(RoleAdmin[UntoldEvent]):
    """Events that could not be built for partners. They are tried again until they can be."""

    VIEW = OVERSEERS
    list_display = ("type", "error", "attempts", moment("failed_at"), moment("due_at"))
    list_filter = ("type", "error")
    ordering = ("-failed_at",)
    fields = (
        *("event", "type", "subject", "change", "error", "attempts"),
        *(moment("occurred_at"), moment("failed_at"), moment("due_at")),
    )
