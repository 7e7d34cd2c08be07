"""Lists are paged by an opaque cursor: stable while rows arrive, cheap at any depth."""

from __future__ import annotations

from uuid import UUID

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor
from rest_framework.pagination import CursorPagination as _CursorPagination
from rest_framework.request import Request


class CursorPagination(_CursorPagination):
    """Newest first; keys are time-ordered, so the primary key is the order."""

    ordering = "-id"
    page_size_query_param = "limit"
    max_page_size = 1000

    def decode_cursor(self, request: Request) -> Cursor | None:
        """NotFound for what is no cursor of ours; DRF looks at its wrapping alone."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            try:
                UUID(str(cursor.position))
            except ValueError:
                raise NotFound(self.invalid_cursor_message) from None
        return cursor
