"""The history of documents that people change together, for those who look into one."""

from __future__ import annotations

import contextlib
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.audit.admin import RecordAdmin
from apps.core.admin import Values, moment, pretty
from apps.sync.admin.pages import document_link
from apps.sync.models import Version

_FATES = {
    "new": "began the document",
    "applied": "holds as it was sent",
    "merged": "put together with what others wrote",
    "same": "said what held already",
    "kept": "kept, never held",
    "restored": "put back from the history",
    "deleted": "withdrawn",
}


@admin.register(Version)
class VersionAdmin(RecordAdmin[Version]):
    """Every save of a document that whoever looks may see now. Its words are on its page alone."""

    VIEW = frozenset({"supervisor"})
    list_display = (
        *("short_name", moment("at", "came"), "collection", "document", "rev", "became"),
        *("author", "tablet"),
    )
    list_filter = (("collection", Values), ("fate", Values))
    list_select_related = ("author", "tablet")
    search_fields = ("collection",)
    search_help_text = "The whole id of a document, or the name of a collection"
    ordering = ("-id",)
    fields = (
        *(moment("at", "came"), "collection", "document", "rev", "became", "author", "tablet"),
        *("sent", "held", "editor", "edit_no", "instance"),
    )
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Version], search_term: str
    ) -> tuple[QuerySet[Version], bool]:
        """An id finds a document's whole history."""
        with contextlib.suppress(ValueError):
            return queryset.filter(doc_id=UUID(search_term.strip())), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="version")
    def short_name(self, row: Version) -> str:
        return str(row)

    @admin.display(description="document", ordering="doc_id")
    def document(self, row: Version) -> SafeString:
        return document_link(row.collection, row.doc_id)

    @admin.display(description="what became of it", ordering="fate")
    def became(self, row: Version) -> str:
        return _FATES.get(row.fate, row.fate)

    @admin.display(description="as it was sent")
    def sent(self, row: Version) -> SafeString:
        return pretty(row.content)

    @admin.display(description="what held then, where that is something else")
    def held(self, row: Version) -> SafeString:
        return pretty(row.result)
