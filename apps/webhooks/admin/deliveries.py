"""What was sent and how it went: ids, times and statuses; no body is shown here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.acts import Act, ActsAdmin
from apps.audit.admin import RoleAdmin
from apps.core import clock
from apps.core.admin import NOTHING, Values, moment, table, when
from apps.webhooks import catalogue, services
from apps.webhooks.admin.endpoints import OVERSEERS, SUPERVISOR, WhyForm
from apps.webhooks.models import Delivery, UntoldEvent


class TypeFilter(admin.SimpleListFilter):
    """By type, as the catalogue has them: nobody reads all rows for what they are of."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one.name, one.name) for one in catalogue.every_type()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return queryset.filter(type=self.value()) if self.value() else queryset


def _send_again(row: Delivery, by: User, given: dict[str, Any]) -> None:
    services.replay(delivery=row, why=given["why"], by=user_actor(by), now=clock.now())


@admin.register(Delivery)
class DeliveryAdmin(ActsAdmin[Delivery], RoleAdmin[Delivery]):
    """Each event for each endpoint. What was parked may be sent again."""

    VIEW = OVERSEERS
    ENDLESS = True
    list_display = ("type", "endpoint", "sequence", "state", "attempts", moment("occurred_at"))
    list_filter = ("state", TypeFilter)
    list_select_related = ("endpoint",)
    ordering = ("-made_at",)
    acts = {
        "send_again": Act(
            label="Send again, under the same id",
            question="Whatever became of it, it is tried at once.",
            form=WhyForm,
            reason="why",
            verb=_send_again,
            roles=SUPERVISOR,
        )
    }
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


@admin.register(UntoldEvent)
class UntoldEventAdmin(RoleAdmin[UntoldEvent]):
    """Events that could not be built for partners. They are tried again until they can be."""

    VIEW = OVERSEERS
    ENDLESS = True
    list_display = ("type", "error", "attempts", moment("failed_at"), moment("due_at"))
    list_filter = (TypeFilter, ("error", Values))
    ordering = ("-failed_at",)
    fields = (
        *("event", "type", "subject", "change", "error", "attempts"),
        *(moment("occurred_at"), moment("failed_at"), moment("due_at")),
    )
