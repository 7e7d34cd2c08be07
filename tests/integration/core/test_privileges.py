"""The application's role does its work, owns nothing, and cannot rewrite what is on record."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import Error, connection, transaction

from apps.accounts.models import Role
from apps.audit.models import Entry
from tests.factories import person, tablet

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_application() -> Iterator[None]:
    """Everything in the test runs as the application's role."""
    call_command("grant_privileges", database="default", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("set role carefield_app")
        yield
        cursor.execute("reset role")


@pytest.mark.usefixtures("as_application")
def test_the_application_can_do_its_work() -> None:
    enrolled = tablet(person(Role.RESPONDER))
    assert Entry.objects.about(enrolled.tablet.pk).exists()
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")


@pytest.mark.usefixtures("as_application")
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
        "insert into feed_member values ('x', gen_random_uuid(), 'agency')",
        "set session_replication_role = replica",
    ],
)
def test_the_application_cannot_rewrite_the_record(statement: str) -> None:
    with (
        pytest.raises(Error, match=r"permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.usefixtures("as_application")
def test_the_application_owns_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_class where relowner = 'carefield_app'::regrole")
        assert cursor.fetchone() == (0,)
