"""What tests of the feed share: a database that holds it alone, and work on other connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from django.conf import settings
from django.db import connection

import apps.changes

FEED_SQL = (Path(apps.changes.__file__).parent / "sql" / "feed.sql").read_text(encoding="utf-8")

Connect = Callable[[], psycopg.Connection]
T = TypeVar("T")


@pytest.fixture(scope="session")
def feed_database(worker_id: str) -> Iterator[Connect]:
    """Opens connections to an empty database of this test process."""
    server = settings.DATABASES["default"]
    name = f"feed_{worker_id}_{server['NAME']}"[:63]

    def connect(database: str = name) -> psycopg.Connection:
        return psycopg.connect(
            dbname=database,
            user=server["USER"],
            password=server["PASSWORD"],
            host=server["HOST"],
            port=server["PORT"],
            autocommit=True,
        )

    with connect("postgres") as admin:
        admin.execute(f'drop database if exists "{name}" with (force)')
        admin.execute(f'create database "{name}"')
        yield connect
        admin.execute(f'drop database "{name}" with (force)')


@pytest.fixture
def load_feed(feed_database: Connect) -> Callable[[str], psycopg.Connection]:
    """Empties that database, loads the given version of the feed, and opens a connection."""

    def load(sql: str = FEED_SQL) -> psycopg.Connection:
        with feed_database() as db:
            db.execute("set client_min_messages = error")
            db.execute("drop schema public cascade; create schema public")
            db.execute(sql)
        db = feed_database()
        db.execute("set synchronous_commit = off")
        return db

    return load


WAITING = """
select exists (
  select from pg_locks waiting join pg_locks any_lock using (pid)
  join pg_database d on d.oid = any_lock.database and d.datname = current_database()
  where not waiting.granted)
"""


class Elsewhere:
    """Runs work in threads with database connections of their own."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool

    def start(self, work: Callable[[], T]) -> Future[T]:
        def run() -> T:
            try:
                return work()
            finally:
                connection.close()

        return self.pool.submit(run)

    def do(self, work: Callable[[], T]) -> T:
        return self.start(work).result(timeout=30)

    def until_waiting(self, work: Future[Any]) -> None:
        """Returns once another connection waits for a lock of this database."""
        while not work.done():
            with connection.cursor() as cursor:
                cursor.execute(WAITING)  # pg_stat_activity would stand still in a transaction
                if cursor.fetchone()[0]:
                    return
        work.result()
        pytest.fail("It did not wait.")


@pytest.fixture
def elsewhere(transactional_db: None) -> Iterator[Elsewhere]:
    with ThreadPoolExecutor(max_workers=8) as pool:
        yield Elsewhere(pool)
