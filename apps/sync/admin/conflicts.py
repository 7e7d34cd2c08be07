"""Conflicts: two wrote into the same field; somebody says what stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.audit.acts import Act, ActsAdmin
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import Related, Values, moment, readable, table
from apps.sync.admin.ages import OpenFilter, open_for
from apps.sync.admin.pages import document_link
from apps.sync.models import Choice, Conflict
from apps.sync.services import versions


def _settle(choice: str) -> Callable[[Conflict, User, dict[str, Any]], None]:
    def verb(row: Conflict, by: User, _: dict[str, Any]) -> None:
        versions.settle_conflict(conflict=row, choice=choice, by=by, now=clock.now())

    return verb


def _open(row: Conflict) -> bool:
    return row.settled_at is None


@admin.register(Conflict)
class ConflictAdmin(ActsAdmin[Conflict], RecordAdmin[Conflict]):
    """What was written is on the page of each alone."""

    VIEW = frozenset({"supervisor"})
    list_display = (
        *("short_name", moment("at", "since"), "open_for", "collection", "document", "in_fields"),
        *("author", "tablet", "settled"),
    )
    list_filter = (OpenFilter, ("collection", Values), ("tablet", Related))
    list_select_related = ("author", "tablet", "settled_by")
    WHEN = "at"
    ordering = ("-at",)
    acts = {
        "stays": Act(
            label="What stands in the document stays",
            brief="Leave as it is",
            question="What was kept beside it stays in the history.",
            verb=_settle(Choice.STAYS),
            offered=_open,
        ),
        "put_back": Act(
            label="Put back what was kept",
            brief="Put back",
            question="What stands in the document now goes into the history.",
            verb=_settle(Choice.KEPT),
            offered=_open,
        ),
    }
    fields = (
        *(moment("at", "since"), "open_for", "collection", "document", "version", "author"),
        *("tablet", "both", "settled", "settled_by", moment("settled_at", "when")),
    )
    readonly_fields = fields

    @admin.display(description="conflict")
    def short_name(self, row: Conflict) -> str:
        return str(row)

    @admin.display(description="open for", ordering="at")
    def open_for(self, row: Conflict) -> SafeString:
        return open_for(row.at, settled=row.settled_at is not None)

    @admin.display(description="document", ordering="doc_id")
    def document(self, row: Conflict) -> SafeString:
        return document_link(row.collection, row.doc_id)

    @admin.display(description="fields")
    def in_fields(self, row: Conflict) -> str:
        return ", ".join(row.fields)

    @admin.display(description="settled")
    def settled(self, row: Conflict) -> str:
        return row.get_choice_display() or "not yet"

    @admin.display(description="what both wrote")
    def both(self, row: Conflict) -> SafeString:
        return table(
            ("field", "stood in the document then", "was kept beside it"),
            ((one, readable(row.won.get(one)), readable(row.kept.get(one))) for one in row.fields),
        )
