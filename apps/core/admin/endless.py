"""Lists of tables that grow for ever: a page costs the same wherever it is, and nothing is counted.

A page begins behind a row (`?older=<id>`, or `?newer=<id>` for the way back), never at a number:
the index that carries the order is entered there. Rows of one instant are told apart by their
primary key, so that none is shown twice or left out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.admin import (
    AllValuesFieldListFilter,
    DateFieldListFilter,
    RelatedFieldListFilter,
)
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Field, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from psycopg import sql

OLDER: Final = "older"
NEWER: Final = "newer"
# From each value the index leads to the next one.
_VALUES: Final = sql.SQL(
    "with recursive seen (value) as (select min({column}) from {table}"
    " union all select (select min({column}) from {table} where {column} > value) from seen"
    " where value is not null) select value from seen where value is not null"
)


class EndlessList(ChangeList):
    """In place of Django's list, which counts all rows for each page and skips those before it."""

    older: str | None = None
    """Where the next page begins, as a query string; None on the last one."""
    newer: str | None = None

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        return {name: said for name, said in found.items() if name not in {OLDER, NEWER}}

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """That of the page alone, which an index carries, and the primary key the same way."""
        key = self._key(request)
        name = key.removeprefix("-")
        primary = f"{key.removesuffix(name)}pk"
        return [key] if name in {"pk", self.lookup_opts.pk.name} else [key, primary]

    def get_results(self, request: HttpRequest) -> None:
        key, back = self._key(request), NEWER in request.GET
        with planned_for_its_values():
            rows = list(self._from(request, key, back=back)[: self.list_per_page + 1])
        more, rows = len(rows) > self.list_per_page, rows[: self.list_per_page]
        if back:
            rows.reverse()
        at = request.GET.get(NEWER) or request.GET.get(OLDER)
        for name in (OLDER, NEWER):
            self.filter_params.pop(name, None)
        if rows and (back or more):
            self.older = self.get_query_string({OLDER: rows[-1].pk})
        if rows and at and (more or not back):
            self.newer = self.get_query_string({NEWER: rows[0].pk})
        self.newest = self.get_query_string() if at else None
        self.descends = key.startswith("-")
        self.result_list = rows
        self.result_count = len(rows)
        self.full_result_count = None
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        self.show_admin_actions = True
        self.paginator = None

    def _key(self, request: HttpRequest) -> str:
        return str(self.model_admin.get_ordering(request)[0])

    def _from(self, request: HttpRequest, key: str, *, back: bool) -> QuerySet[Any]:
        """The rows behind the one that is named; all, if there is none such."""
        rows: QuerySet[Any] = self.queryset.reverse() if back else self.queryset
        name = key.removeprefix("-")
        mark = request.GET.get(NEWER if back else OLDER)
        if not mark:
            return rows
        try:
            known = self.root_queryset.order_by().filter(pk=mark).values_list(name, "pk").first()
        except (ValidationError, ValueError):
            return rows
        if known is None:
            return rows
        field = self.lookup_opts.pk if name == "pk" else self.lookup_opts.get_field(name)
        return rows.filter(behind(field, *known, ascending=key.startswith("-") == back))


@contextlib.contextmanager
def planned_for_its_values() -> Iterator[None]:
    """What is asked inside is planned for the values of this time. What a connection asks often is
    otherwise planned once for any value, and where a list is narrowed to something rare, that plan
    walks through all rows."""
    connection.ensure_connection()
    driver = connection.connection
    before, driver.prepare_threshold = driver.prepare_threshold, None
    try:
        yield
    finally:
        driver.prepare_threshold = before


def behind(field: Any, key: Any, pk: Any, *, ascending: bool) -> Q:
    """The rows that come after one with this key, by (key, primary key). NULL is above all, as in
    PostgreSQL."""
    name, sign = field.name, "gt" if ascending else "lt"
    of_the_same = Q(**{f"pk__{sign}": pk})
    if key is None:
        same = Q(**{f"{name}__isnull": True}) & of_the_same
        return same if ascending else same | Q(**{f"{name}__isnull": False})
    # The first half alone says to the index where to begin.
    found = Q(**{f"{name}__{sign}e": key}) & (Q(**{f"{name}__{sign}": key}) | of_the_same)
    return found | Q(**{f"{name}__isnull": True}) if field.null and ascending else found


class When(DateFieldListFilter):
    """Spans of the city's days. Django's own row of days above a list looks at every row for which
    there are."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        first = today.replace(day=1)
        last = (first - timedelta(days=1)).replace(day=1)
        self.links = (
            ("Any time", {}),
            ("Today", self._span(today, today + timedelta(days=1))),
            ("Yesterday", self._span(today - timedelta(days=1), today)),
            ("Last 7 days", self._span(today - timedelta(days=6), today + timedelta(days=1))),
            ("Last 30 days", self._span(today - timedelta(days=29), today + timedelta(days=1))),
            ("This month", self._span(first, (first + timedelta(days=32)).replace(day=1))),
            ("Last month", self._span(last, first)),
        )

    def _span(self, since: datetime, until: datetime) -> dict[str, Any]:
        return {self.lookup_kwarg_since: since, self.lookup_kwarg_until: until}


class Related(RelatedFieldListFilter):
    """What rows belong to, as far as whoever asks may see it on its own page. To look which of them
    have rows would read every row."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        page = model_admin.admin_site.get_model_admin(field.related_model)
        rows = page.get_queryset(request).order_by(*self.field_admin_ordering(field, request, page))
        return [(row.pk, str(row)) for row in rows]


class Values(AllValuesFieldListFilter):
    """What stands in a column that has no list of choices. Django reads every row for that; an
    index that begins with the column tells it by one look for each value."""

    def __init__(self, field: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(field, *arguments, **options)
        self.lookup_choices = values_of(field)  # type: ignore[assignment]


def values_of(field: Field[Any, Any]) -> list[Any]:
    """The values of a column, each once, in their order; without NULL."""
    names = {
        "table": sql.Identifier(field.model._meta.db_table),
        "column": sql.Identifier(str(field.column)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_VALUES.format(**names))
        return [value for (value,) in cursor]
