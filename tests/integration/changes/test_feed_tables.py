"""What the database itself refuses, whoever asks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

import apps.changes
from apps.changes import reading
from apps.changes.models import Binding, Change, Commit, Grant, Holding
from apps.changes.services import EVERYONE, EVERYONE_SCOPE, Document, Event, bind, grant, publish
from apps.core.ids import uuid7
from tests.integration.changes.conftest import FEED_SQL, Connect

NOON = datetime(2026, 3, 4, 20, tzinfo=UTC)
SQL = Path(apps.changes.__file__).parent / "sql"
AsApplication = Callable[[], contextlib.AbstractContextManager[None]]


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def published(transactional_db: None) -> None:
    with transaction.atomic():
        publish(
            documents=[Document("calls", uuid7(), frozenset({"agency"}), {})],
            events=[Event("call.came", uuid7())],
            now=NOON,
        )


@pytest.mark.parametrize(
    "statement",
    [
        "update feed_change set scopes = '{}' where kind = 'doc'",
        "delete from feed_change",
        "update feed_commit set nonce = 1",
        "update feed_commit set seq = null",
        "delete from feed_commit",
    ],
)
def test_the_log_is_append_only_for_its_owner_too(published: None, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"):
        run(statement)


def test_retention_says_so_and_deletes(published: None) -> None:
    allowed = "set local carefield.retention = 'on'; "
    with pytest.raises(DatabaseError, match="append-only"):
        run(allowed + "update feed_change set scopes = '{}' where kind = 'doc'")

    run(allowed + "delete from feed_change; delete from feed_commit")

    assert not Change.objects.exists()
    assert not Commit.objects.exists()
    with transaction.atomic():
        publish(events=[Event("call.came", uuid7())], now=NOON)
    with pytest.raises(DatabaseError, match="append-only"):  # it held for that transaction alone
        run("delete from feed_change")


@pytest.mark.parametrize(
    "values",
    [
        "(kind) values ('doc')",
        "(kind, event, subject) values ('other', 'call.came', gen_random_uuid())",
        "(kind, event) values ('event', 'call.came')",
        "(kind, holder, scope) values ('hold', gen_random_uuid(), 'agency')",
        "(kind, event, subject, scope) values ('event', 'x', gen_random_uuid(), 'agency')",
        "(kind, event, subject, held) values ('event', 'x', gen_random_uuid(), true)",
        "(kind, collection, scopes) values ('doc', 'calls', '{}')",
    ],
)
def test_a_change_is_of_one_kind_and_whole(transactional_db: None, values: str) -> None:
    with pytest.raises(IntegrityError, match="feed_change_kind"):
        run(f"insert into feed_change {values}")


def test_a_commit_row_cannot_be_joined_later(published: None) -> None:
    earlier = Commit.objects.latest("seq").id
    with pytest.raises(IntegrityError, match="feed_commit_pkey"):
        run(
            f"set local carefield.commit = '{earlier}'; "
            "insert into feed_change (kind, event, subject) "
            "values ('event', 'call.came', gen_random_uuid())"
        )


@pytest.mark.parametrize(
    "statement",
    [
        "insert into feed_commit (id) values (1000000)",
        "update feed_commit set seq = 1",
        "insert into feed_item values (gen_random_uuid(), 'calls', gen_random_uuid(), 1, true)",
        "update feed_item set visible = true",
        "delete from feed_item",
        "insert into feed_member values ('agency', 'calls', gen_random_uuid())",
        "delete from feed_member",
        "insert into feed_holding values (gen_random_uuid(), 'agency')",
        "delete from feed_change",
        "update feed_change set scopes = '{}'",
        "insert into feed_epoch default values",
        "select feed_apply_documents(1, 1)",
        "truncate feed_change",
    ],
)
def test_the_application_cannot_write_what_the_feed_derives(
    published: None, application_role: AsApplication, statement: str
) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), application_role():
        run(statement)


def test_the_application_can_publish_grant_and_sign_in(
    transactional_db: None, application_role: AsApplication
) -> None:
    person, tablet = uuid7(), uuid7()
    document = Document("calls", uuid7(), frozenset({"agency"}), {"text": "a call"})
    with application_role():
        grant(principal=person, scopes=["agency"])
        bind(holder=tablet, principal=person)
        publish(documents=[document], now=NOON)
        publish(documents=[document], now=NOON)
        run("set constraints feed_queue, feed_apply immediate")
        rows = reading.page(holder=tablet, collection="calls", seq=0, doc_id=UUID(int=0), limit=10)
        run(f"select feed_forget('{tablet}', 'calls', 1)")
        bind(holder=tablet, principal=None)

    assert [(row.id, row.rev) for row in rows] == [(document.id, 2)]


def test_the_shared_holder_is_the_same_in_sql_and_in_python(transactional_db: None) -> None:
    assert Binding.objects.get(holder=EVERYONE).principal == EVERYONE
    assert Grant.objects.get(principal=EVERYONE).scope == EVERYONE_SCOPE
    assert Holding.objects.get(holder=EVERYONE).scope == EVERYONE_SCOPE


def test_the_migration_can_be_taken_back_whole(
    load_feed: Callable[..., psycopg.Connection], feed_database: Connect
) -> None:
    with load_feed(FEED_SQL + (SQL / "feed_drop.sql").read_text(encoding="utf-8")) as db:
        left = db.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace "
            "union all select proname from pg_proc where pronamespace = 'public'::regnamespace"
        ).fetchall()
    assert left == []
