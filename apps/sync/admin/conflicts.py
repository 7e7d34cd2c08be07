"""Conflicts: two wrote into the same field; somebody says what stays."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import moment, pretty, table
from apps.core.ids import short
from apps.core.problems import ProblemError
from apps.sync.admin.ages import OpenFilter, open_for
from apps.sync.models import Choice, Conflict
from apps.sync.services import versions


@admin.register(Conflict)
class ConflictAdmin(RecordAdmin[Conflict]):
    """What was written is on the page of each alone."""

    VIEW = frozenset({"supervisor"})
    list_display = (
        *("short_name", moment("at", "since"), "open_for", "collection", "document", "in_fields"),
        *("author", "tablet", "settled"),
    )
    list_filter = (OpenFilter, "collection", ("tablet", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("author", "tablet", "settled_by")
    date_hierarchy = "at"
    ordering = ("-at",)
    actions = ("stays", "put_back")
    fields = (
        *(moment("at", "since"), "open_for", "collection", "doc_id", "version", "author"),
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
    def document(self, row: Conflict) -> str:
        return short(row.doc_id)

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
            ((one, pretty(row.won.get(one)), pretty(row.kept.get(one))) for one in row.fields),
        )

    @admin.action(description="What stands in the document stays")
    def stays(self, request: HttpRequest, rows: QuerySet[Conflict]) -> None:
        self._settle(request, rows, Choice.STAYS)

    @admin.action(description="Put back what was kept")
    def put_back(self, request: HttpRequest, rows: QuerySet[Conflict]) -> None:
        self._settle(request, rows, Choice.KEPT)

    def _settle(self, request: HttpRequest, rows: QuerySet[Conflict], choice: str) -> None:
        """Each on its own: what one cannot be is told, and stops no other."""
        assert isinstance(request.user, User)
        done = 0
        for row in rows:
            try:
                versions.settle_conflict(
                    conflict=row, choice=choice, by=request.user, now=clock.now()
                )
            except ProblemError as problem:
                text = problem.text or problem.problem.title
                self.message_user(request, f"{row}: {text}", messages.ERROR)
            else:
                done += 1
        if done:
            self.message_user(request, f"{done} settled.", messages.SUCCESS)
