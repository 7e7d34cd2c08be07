"""Lists are paged by an opaque cursor: stable while rows arrive, cheap at any depth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor
from rest_framework.pagination import CursorPagination as _CursorPagination
from rest_framework.request import Request


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at


class CursorPagination(_CursorPagination):
    """Newest first; keys are time-ordered, so the primary key is the order. `read` takes what a
    cursor holds, a value of the first column of `ordering`: ValueError for what is none."""

    ordering: str | tuple[str, ...] = "-id"
    page_size_query_param = "limit"
    max_page_size = 1000
    read: Callable[[str], object] = UUID

    def decode_cursor(self, request: Request) -> Cursor | None:
        """NotFound for what is no cursor of ours; DRF looks at its wrapping alone."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            try:
                self.read(str(cursor.position))
            except ValueError:
                raise NotFound(self.invalid_cursor_message) from None
        return cursor


class TimePagination(CursorPagination):
    """By a time, and then by key: for rows whose keys are older than what the list is about. A
    subclass names the columns."""

    read = staticmethod(_instant)
