"""Lists are paged by an opaque cursor: stable while rows arrive, cheap at any depth."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination as _CursorPagination


class CursorPagination(_CursorPagination):
    """Newest first; keys are time-ordered, so the primary key is the order."""

    ordering = "-id"
    page_size_query_param = "limit"
    max_page_size = 1000
