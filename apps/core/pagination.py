"""Lists are paged by an opaque cursor: stable while rows arrive, cheap at any depth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
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


class Interleaved:
    """Rows of several tables as one list, for a cursor: of each no more is read than a page. Every
    QuerySet has the columns by which the list is ordered, by annotation where they have other
    names, and says by an index of its own which are the next ones."""

    def __init__(self, *querysets: QuerySet[Any], ordering: tuple[str, ...] = ()) -> None:
        self._querysets = querysets
        self._ordering = ordering

    def order_by(self, *ordering: str) -> Interleaved:
        return Interleaved(
            *(rows.order_by(*ordering) for rows in self._querysets), ordering=ordering
        )

    def filter(self, *asked: Any, **columns: Any) -> Interleaved:
        rows = (rows.filter(*asked, **columns) for rows in self._querysets)
        return Interleaved(*rows, ordering=self._ordering)

    def __getitem__(self, part: slice) -> list[Any]:
        found = [row for rows in self._querysets for row in rows[: part.stop]]
        for name in reversed(self._ordering):
            found.sort(key=attrgetter(name.removeprefix("-")), reverse=name.startswith("-"))
        return found[part]
