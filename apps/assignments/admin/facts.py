"""Facts as they were told, for those who look into one."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from apps.accounts.models import DESK_ROLES
from apps.assignments import codes
from apps.assignments.admin import tables
from apps.assignments.admin.links import assignment_link
from apps.assignments.models import Fact
from apps.audit.admin import RecordAdmin
from apps.core.admin import NOTHING, Related, Values, moment, pretty, readable


@admin.register(Fact)
class FactAdmin(RecordAdmin[Fact]):
    VIEW = DESK_ROLES
    list_display = (
        *("order", "what", "unit", "source", "author", moment("device_time", "by its device")),
        *(moment("received_at", "received"), "doubts"),
    )
    list_filter = (("event", Values), "source", ("unit", Related))
    list_select_related = ("unit", "author")
    WHEN = "received_at"
    ordering = ("-received_at",)
    fields = (
        *("what", "told", "assignment", "unit", "source", "author"),
        *(moment("device_time", "time by its device"), "clock_offset_ms", "clock_uncertainty_ms"),
        *(moment("received_at", "received"), "order", "device", "counter", "edit_no"),
        *("doubts", "not_read"),
    )

    @admin.display(description="what", ordering="event")
    def what(self, row: Fact) -> str:
        return tables.event(row.event)

    @admin.display(description="assignment")
    def assignment(self, row: Fact) -> SafeString:
        return assignment_link(row.assignment_id)

    @admin.display(description="doubts")
    def doubts(self, row: Fact) -> str:
        return "; ".join(tables.flag(one) for one in row.flags) or NOTHING

    @admin.display(description="details")
    def told(self, row: Fact) -> SafeString:
        return readable(row.data, {"disposition": codes.DISPOSITIONS})

    @admin.display(description="what could not be read")
    def not_read(self, row: Fact) -> SafeString:
        return pretty(row.unread)
