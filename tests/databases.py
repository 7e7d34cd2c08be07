"""The database of each worker: a copy of one that is migrated once for the whole run.

Migrating takes some seconds of a processor, a copy a tenth of that. Whoever comes first migrates,
the others wait for it. All databases of a run begin with the name in `CAREFIELD_TEST_DATABASES`, so
that two runs on the same given server are not in each other's way.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.signals import connection_created
from psycopg import _preparing, pq, sql

from tests import reset

PREFIX = "CAREFIELD_TEST_DATABASES"


def connect() -> None:
    """Makes this process's database, and connects to it from now on."""
    prefix = os.environ[PREFIX]
    name = f"{prefix}_{os.getpid()}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as owner:
        owner.execute("select pg_advisory_lock(hashtext(%s))", [prefix])  # until it is closed
        known = owner.execute("select from pg_database where datname = %s", [prefix])
        if known.fetchone() is None:
            _make_first(owner, prefix)
        _execute(owner, "create database {} template {}", name, prefix)
    _use(name)


class _Lasting(_preparing.PrepareManager):
    """The prepared statements of a connection, kept through a rollback.

    psycopg forgets all of them with each, as it might take back a table that they read: every test
    would have every statement parsed and planned anew, a quarter of its time. They do go once a
    statement has changed a table, and with the end of that transaction.
    """

    prepared_max = 1000  # so many are prepared at a time; none of a test's is given up for another
    _changes = re.compile(rb"(CREATE|DROP|ALTER|DISCARD ALL|DEALLOCATE ALL)\b")
    _changed = False

    def clear(self) -> bool:
        changed, self._changed = self._changed, False
        return changed and super().clear()

    def _should_discard(
        self, prep: _preparing.Prepare, results: Sequence[pq.abc.PGresult], *_: Any
    ) -> bool:
        if any(self._changes.match(result.command_status or b"") for result in results):
            super().clear()
            self._changed = True
            return True
        return False


def _prepare_lastingly(*, connection: Any, **_: Any) -> None:
    lasting = _Lasting()
    lasting.prepare_threshold = connection.connection.prepare_threshold
    connection.connection._prepared = lasting


connection_created.connect(_prepare_lastingly)


def application_role() -> str:
    """The role that the product's processes connect as."""
    return urlsplit(os.environ["TEST_APP_DATABASE_URL"]).username or ""


def drop(owner_url: str, name: str) -> None:
    """Drops a database, if there is one of this name."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        _drop(owner, name)


def drop_all(owner_url: str, prefix: str) -> None:
    """Drops the databases whose names begin so, on a server that others use too."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        ours = owner.execute(
            "select datname from pg_database where starts_with(datname, %s)", [prefix]
        )
        for (name,) in ours.fetchall():
            _drop(owner, name)


def _make_first(owner: psycopg.Connection, prefix: str) -> None:
    """Migrated, with the application's rights and what `reset` needs. It has its name once it is
    complete."""
    half = f"{prefix}_half"
    _drop(owner, half)  # of one that failed at it
    _execute(owner, "create database {}", half)
    try:
        _use(half)
        call_command("migrate", verbosity=0, interactive=False)
        if application_role() != connection.settings_dict["USER"]:
            call_command("grant_privileges", role=application_role(), verbosity=0)
        reset.remember_pristine()
    finally:
        connection.close()
    _execute(owner, "alter database {} rename to {}", half, prefix)


def _use(name: str) -> None:
    connection.close()
    settings.DATABASES[connection.alias]["NAME"] = name
    connection.settings_dict["NAME"] = name


def _drop(owner: psycopg.Connection, name: str) -> None:
    """Whoever of ours is in it is sent away. A vacuum that PostgreSQL has begun there is its
    superuser's: `with (force)` would fail for it, and without that PostgreSQL ends it by itself."""
    owner.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = %s and pg_has_role(usesysid, 'usage')",
        [name],
    )
    _execute(owner, "drop database if exists {}", name)


def _execute(owner: psycopg.Connection, statement: str, *names: str) -> None:
    owner.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
