"""The application's role does its work, owns nothing, and cannot rewrite what is on record."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.db import Error, connection

from apps.audit.models import Entry
from tests.factories import person, tablet

pytestmark = pytest.mark.django_db


Role = Callable[[], AbstractContextManager[None]]


def test_the_application_can_do_its_work(application_role: Role) -> None:
    with application_role(), connection.cursor() as cursor:
        enrolled = tablet(person())
        assert Entry.objects.about(enrolled.tablet.pk).exists()
        cursor.execute("set constraints all immediate")


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entry set action = 'x'",
        "delete from audit_entry",
        "truncate audit_entry",
        "update assignments_fact set event = 'x'",
        "delete from assignments_fact",
        "truncate assignments_fact",
        "alter table audit_entry disable trigger append_only",
        "drop trigger append_only on audit_entry",
        "drop table audit_entry",
        "create table mine (id int)",
        "update feed_change set kind = 'event'",
        "delete from feed_change",
        "truncate feed_change",
        "insert into feed_holding (holder, scope) values (gen_random_uuid(), 'agency')",
        "update feed_commit set seq = 1",
        "insert into feed_member (collection, doc_id, scope) select 'x', gen_random_uuid(), 'y'",
        "set session_replication_role = replica",
    ],
)
def test_the_application_cannot_rewrite_the_record(application_role: Role, statement: str) -> None:
    with (
        pytest.raises(Error, match=r"permission denied|must be owner"),
        application_role(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_the_application_owns_nothing(application_role: Role) -> None:
    with application_role(), connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_class where relowner = 'carefield_app'::regrole")
        assert cursor.fetchone() == (0,)
