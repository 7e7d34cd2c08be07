"""What tests of the feed share: a database that holds it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

import apps.changes

FEED_SQL = (Path(apps.changes.__file__).parent / "sql" / "feed.sql").read_text(encoding="utf-8")

Connect = Callable[[], psycopg.Connection]


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
