"""pytest plugin: one throwaway pair of servers for the whole run, before the settings load.

The process that pytest was started in brings PostgreSQL and Valkey up and sets the environment; the
workers of a parallel run inherit it and start nothing. Each worker has a database of its own (see
`databases`) and a prefix of its own in Valkey. `DATABASE_URL` and `REDIS_URL` set from outside
win: the tests then make their databases there, as `DATABASE_OWNER_URL` (or `DATABASE_URL`), which
needs the right CREATEDB.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Generator, Iterator

import psycopg
import pytest

from apps.core import engines
from apps.core.engine_servers import OWNER_ROLE
from tests.databases import PREFIX, drop_all

# `tests.kept` puts rows back without their triggers.
_FOR_KEPT_ROWS = f"grant set on parameter session_replication_role to {OWNER_ROLE}"


# Under which a run finds its servers, and by which its databases' names begin.
VARIABLES = (
    *("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"),
    *("TEST_APP_DATABASE_URL", PREFIX),
)


@contextlib.contextmanager
def provided() -> Iterator[dict[str, str]]:
    """The values of `VARIABLES`. What was set for a run already, whoever is started by it takes as
    it is, and leaves to it."""
    with contextlib.ExitStack() as stack:
        servers = stack.enter_context(engines.provide(durable=False))
        # Tests make and migrate their database, so they connect as its owner. What they start
        # beside themselves (a server, a worker) connects as the application's role.
        app_url = os.environ.get("TEST_APP_DATABASE_URL", servers.database_url)
        found = servers.environment() | {
            "DATABASE_URL": servers.database_owner_url,
            "TEST_APP_DATABASE_URL": app_url,
            PREFIX: os.environ.get(PREFIX, f"test_{secrets.token_hex(4)}"),
        }
        if servers.postgres is not None:
            superuser = servers.postgres._url("postgres", "postgres")
            with psycopg.connect(superuser, autocommit=True) as connection:
                connection.execute(_FOR_KEPT_ROWS)
        elif PREFIX not in os.environ:
            stack.callback(drop_all, servers.database_owner_url, found[PREFIX])
        yield found


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """A wrapper, because pytest-django loads the settings in the same hook."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        stack = contextlib.ExitStack()
        early_config.add_cleanup(stack.close)
        os.environ |= stack.enter_context(provided())
        os.environ["CAREFIELD_ENV"] = "test"
        # Tests live on a day of their own (`factories.NOON`), and sign-ins of that day still hold.
        os.environ.setdefault("SIGN_IN_HOURS", "1000000")
        # A machine that is busy with the other workers is no reason to turn anybody away.
        os.environ.setdefault("DATABASE_LOCK_TIMEOUT_SECONDS", "60")
        os.environ.setdefault("DATABASE_POOL_TIMEOUT_SECONDS", "60")
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        os.environ["CAREFIELD_REDIS_PREFIX"] = f"test-{worker}-{os.getpid()}"
    return (yield)
