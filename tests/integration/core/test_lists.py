"""The lists of the admin, all that there are: each page is read by an index and counts nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import pytest
from django.contrib import admin
from django.db import connection, models
from django.db.models import QuerySet
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role, User
from apps.audit.admin import RoleAdmin
from apps.audit.models import Entry
from apps.audit.services import SYSTEM, record
from apps.core.admin.endless import Values, behind, values_of
from apps.core.ids import uuid7
from tests.factories import NOON, person

PAGES: Final[dict[str, Any]] = {
    model._meta.label_lower: page
    for model, page in admin.site._registry.items()
    if isinstance(page, RoleAdmin)
}
ENDLESS: Final = sorted(name for name, page in PAGES.items() if page.ENDLESS)
# A value of a kind, to begin behind.
SOME: Final[dict[type[models.Field[Any, Any]], Any]] = {
    models.DateTimeField: NOON,
    models.UUIDField: UUID(int=7),
    models.OneToOneField: UUID(int=7),  # a key that is another row's
    models.IntegerField: 7,
}


def reader_of(page: Any) -> User:
    """Somebody who may open a page; a supervisor, if one may."""
    roles = page.VIEW | page.CHANGE
    return person(Role.SUPERVISOR if Role.SUPERVISOR in roles else Role(min(roles)))


def listed(page: Any, user: User, **query: str) -> Any:
    request = RequestFactory().get("/", query)
    request.user = user
    return page.get_changelist_instance(request)


def some(field: Any) -> Any:
    return next(value for kind, value in SOME.items() if isinstance(field, kind))


def sorts(rows: QuerySet[Any]) -> bool:
    """Whether PostgreSQL has to sort all that it finds, with the indexes that there are."""
    with connection.cursor() as cursor:
        for way in ("seqscan", "sort", "bitmapscan", "hashjoin", "mergejoin"):
            cursor.execute(f"set local enable_{way} = off")
    (plan,) = json.loads(rows.explain(format="json"))
    return "Sort" in steps(plan["Plan"])


def steps(plan: dict[str, Any]) -> Iterator[str]:
    """What is done for the rows themselves; a subquery of one row may sort the few that it has."""
    if plan.get("Parent Relationship") not in {"SubPlan", "InitPlan"}:
        yield plan["Node Type"]
        for part in plan.get("Plans", ()):
            yield from steps(part)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ENDLESS)
def test_every_page_of_an_endless_list_comes_from_an_index_in_its_order(name: str) -> None:
    page = PAGES[name]
    found = listed(page, reader_of(page))
    key = found.queryset.query.order_by[0]
    field = (
        page.model._meta.pk if key.endswith("pk") else page.model._meta.get_field(key.strip("-"))
    )
    further = behind(
        field, some(field), some(page.model._meta.pk), ascending=not key.startswith("-")
    )
    assert not sorts(found.queryset[:51])
    assert not sorts(found.queryset.filter(further)[:51])


@pytest.mark.django_db
@pytest.mark.parametrize("name", ENDLESS)
def test_what_a_page_asks_of_its_rows_it_asks_of_no_others(name: str) -> None:
    """PostgreSQL would make a table first of all rows of which it is true."""
    page = PAGES[name]
    found = listed(page, reader_of(page)).queryset
    assert "hashed SubPlan" not in found[:51].explain()


@pytest.mark.django_db
def test_what_an_endless_list_offers_to_be_narrowed_by_is_read_from_an_index() -> None:
    """A column without a list of choices says what stands in it."""
    people = {role: person(role) for role in Role}
    for name in ENDLESS:
        page = PAGES[name]
        reader = next(user for role, user in people.items() if role in page.VIEW | page.CHANGE)
        for offered in listed(page, reader).filter_specs:
            assert type(offered) is not admin.AllValuesFieldListFilter, f"{name} {offered.title}"
            if isinstance(offered, Values):
                assert offered.lookup_kwarg in indexed(page.model), f"{name} {offered.title}"


@pytest.mark.django_db
def test_a_column_says_what_stands_in_it_each_value_once() -> None:
    column = Entry._meta.get_field("action")
    assert values_of(column) == []
    for action in ("read", "export", "read", "create"):
        record(actor=SYSTEM, action=action, subject_type="thing", subject_ids=[uuid7()], now=NOON)
    assert values_of(column) == ["create", "export", "read"]


def indexed(model: type[models.Model]) -> set[str]:
    """The columns with which an index of all rows begins."""
    whole = [index for index in model._meta.indexes if index.fields and index.condition is None]
    return {index.fields[0].removeprefix("-") for index in whole} | {
        field.name for field in model._meta.fields if field.db_index
    }


def test_no_list_of_records_is_counted() -> None:
    """Django's own row of dates above a list looks at every row, and so do counts."""
    for name, page in PAGES.items():
        assert page.date_hierarchy is None, name
        assert not page.show_full_result_count, name


class TestPaging:
    @pytest.fixture
    def entries(self, db: None) -> list[Entry]:
        """120 entries, two at each instant, the newest first."""
        for number in range(120):
            record(
                actor=SYSTEM,
                action="read",
                subject_type="thing",
                subject_ids=[uuid7()],
                now=NOON + timedelta(seconds=number // 2),
            )
        return list(Entry.objects.order_by("-at", "-pk"))

    @pytest.fixture
    def desk(self, client: Client, entries: list[Entry]) -> Client:
        client.force_login(person(Role.SUPERVISOR))
        return client

    def page(self, desk: Client, query: str | None) -> Any:
        answer: Any = desk.get(f"/admin/audit/entry/{query or ''}")
        return answer.context_data["cl"]

    def test_there_and_back_shows_each_row_once(self, desk: Client, entries: list[Entry]) -> None:
        pages = [self.page(desk, "?subject_type=thing")]
        while pages[-1].older:
            pages.append(self.page(desk, pages[-1].older))
        assert [row.pk for page in pages for row in page.result_list] == [e.pk for e in entries]
        back = [pages[-1]]
        while back[-1].newer:
            back.append(self.page(desk, back[-1].newer))
        shown = [row.pk for page in reversed(back) for row in page.result_list]
        assert shown == [e.pk for e in entries]
        assert pages[0].newer is None

    def test_what_was_chosen_stays_chosen(self, desk: Client) -> None:
        first = self.page(desk, "?subject_type=thing")
        second = self.page(desk, first.older)
        assert "subject_type=thing" in second.older
        assert "subject_type=thing" in second.newer
        assert second.newest == "?subject_type=thing"

    def test_is_planned_for_the_values_that_it_is_narrowed_by(self, desk: Client) -> None:
        for _ in range(3):
            self.page(desk, "?subject_type=thing")
        with connection.cursor() as cursor:
            cursor.execute("select statement from pg_prepared_statements")
            kept = [statement for (statement,) in cursor]
        assert any('FROM "django_session"' in one for one in kept), "what is asked often is kept"
        in_order = 'ORDER BY "audit_entry"."at" DESC, "audit_entry"."id" DESC LIMIT'
        assert [one for one in kept if in_order in one] == []

    @pytest.mark.parametrize("mark", ["older=nobody", f"newer={UUID(int=1)}", "older="])
    def test_a_mark_that_is_none_begins_at_the_first(
        self, desk: Client, entries: list[Entry], mark: str
    ) -> None:
        assert self.page(desk, f"?{mark}").result_list

    def test_nothing_is_counted_and_nothing_skipped(self, desk: Client) -> None:
        older = self.page(desk, "").older
        with CaptureQueriesContext(connection) as asked:
            self.page(desk, older)
        assert not [q["sql"] for q in asked if re.search(r"\bCOUNT\(|\bOFFSET\b", q["sql"])]

    @pytest.mark.parametrize("descends", [False, True])
    def test_rows_without_the_instant_are_above_all_others(self, db: None, descends: bool) -> None:
        for second in (None, 1, None, 2, 2):
            at = second and NOON + timedelta(seconds=second)
            User.objects.filter(pk=person().pk).update(last_login=at)
        sign = "-" if descends else ""
        rows = User.objects.order_by(f"{sign}last_login", f"{sign}pk")
        field = User._meta.get_field("last_login")
        for one, following in pairwise(rows):
            next_ones = rows.filter(behind(field, one.last_login, one.pk, ascending=not descends))
            assert next_ones[0] == following
        last = rows.reverse()[0]
        assert not rows.filter(behind(field, last.last_login, last.pk, ascending=not descends))
