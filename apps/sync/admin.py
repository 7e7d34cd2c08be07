"""Supervisors see what tablets sent that could not be taken. What was typed is on the page of each
row alone, and every look at it is audited."""

from __future__ import annotations

from typing import Any

import orjson
from django.contrib import admin

from apps.audit.admin import RecordAdmin
from apps.core.admin import moment
from apps.sync.models import QuarantinedWrite


@admin.register(QuarantinedWrite)
class QuarantinedWriteAdmin(RecordAdmin[QuarantinedWrite]):
    VIEW = frozenset({"supervisor"})
    list_display = ("short_name", moment("at"), "collection", "tablet", "author", "settled")
    list_filter = ("collection",)
    list_select_related = ("tablet", "author")
    date_hierarchy = "at"
    ordering = ("-at",)
    fields = (
        *(
            moment("at"),
            "collection",
            "doc_id",
            "tablet",
            "author",
            "instance",
            "editor",
            "edit_no",
        ),
        *("why", "typed", "typed_on", moment("corrected_at"), "acknowledged_by"),
        moment("acknowledged_at"),
    )
    readonly_fields = fields

    @admin.display(description="row")
    def short_name(self, row: QuarantinedWrite) -> str:
        return str(row)

    @admin.display(description="settled", boolean=True)
    def settled(self, row: QuarantinedWrite) -> bool:
        return row.corrected_at is not None or row.acknowledged_at is not None

    @admin.display(description="why it was not taken")
    def why(self, row: QuarantinedWrite) -> str:
        return "\n".join(f"{e['pointer'] or '/'}: {e['detail']}" for e in row.errors)

    @admin.display(description="what was typed")
    def typed(self, row: QuarantinedWrite) -> str:
        return _pretty(row.content)

    @admin.display(description="what it was typed on")
    def typed_on(self, row: QuarantinedWrite) -> str:
        return _pretty(row.base)


def _pretty(value: Any) -> str:
    return "" if value is None else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
