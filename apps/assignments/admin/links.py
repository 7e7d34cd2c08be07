"""Links to an assignment, by the call and the unit: whoever reads a list knows no ids."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

from django.contrib import admin
from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.assignments.models import Assignment
from apps.audit.admin import RecordAdmin
from apps.core.admin import NOTHING
from apps.core.ids import short

M = TypeVar("M", bound=models.Model)


class OfCallAdmin(RecordAdmin[M]):
    """Records that belong to an assignment, with the column `assignment`: a link by its call and
    unit, asked for together with the rows that are shown."""

    # Where a record names its assignment.
    OF: ClassVar[str] = "assignment_id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        rows = super().get_queryset(request)
        named = rows.annotate(call_id=models.F(self.OF), call_name=called(self.OF))
        return cast(QuerySet[M], named)

    @admin.display(description="call")
    def assignment(self, row: Any) -> SafeString:
        return _link(row.call_id, row.call_name)


def called(of: str) -> Subquery:
    """The call's number and the unit of the assignment that a column names; NULL where it is not
    here yet. One look by its key for each row that is shown."""
    return Subquery(_names(Assignment.objects.filter(pk=OuterRef(of)))[:1])


def assignment_link(id: UUID | None, name: str | None = None) -> SafeString:
    """A link to an assignment's page, if it is here. Whether it opens, that page decides. `name`:
    what `called` has said; without it, it is looked up."""
    known = name or (_names(Assignment.objects.filter(pk=id)).first() if id else None)
    return _link(id, known)


def _link(id: UUID | None, name: str | None) -> SafeString:
    if id is None or name is None:
        return format_html("{}", f"{short(id)} (not here yet)" if id else NOTHING)
    address = reverse("admin:assignments_assignment_change", args=[id])
    return format_html('<a href="{}">{}</a>', address, name)


def _names(rows: QuerySet[Assignment]) -> QuerySet[Assignment, str]:
    number = Coalesce("incident__cad_number", Value("no CAD number"))
    name = Concat(number, Value(", "), "unit__call_sign")
    return rows.order_by().annotate(name=name).values_list("name", flat=True)
