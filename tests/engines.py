"""pytest plugin: one throwaway pair of servers for the whole run, before the settings load.

The process that pytest was started in brings PostgreSQL and Valkey up and sets the environment; the
workers of a parallel run inherit it and start nothing. Each worker has a database of its own (by
pytest-django) and a prefix of its own in Valkey. `DATABASE_URL` and `REDIS_URL` set from outside
win: the tests then make their databases there, as `DATABASE_OWNER_URL` (or `DATABASE_URL`), which
needs the right CREATEDB.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator

import pytest

from apps.core import engines


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """A wrapper, because pytest-django loads the settings in the same hook."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        stack = contextlib.ExitStack()
        early_config.add_cleanup(stack.close)
        servers = stack.enter_context(engines.provide(durable=False))
        os.environ |= servers.environment()
        # Tests make and migrate their database, so they connect as its owner. What they start
        # beside themselves (a server, a worker) connects as the application's role.
        os.environ.setdefault("TEST_APP_DATABASE_URL", servers.database_url)
        os.environ["DATABASE_URL"] = servers.database_owner_url
        os.environ["CAREFIELD_ENV"] = "test"
        # Tests live on a day of their own (`factories.NOON`), and sign-ins of that day still hold.
        os.environ.setdefault("SIGN_IN_HOURS", "1000000")
        # A machine that is busy with the other workers is no reason to turn anybody away.
        os.environ.setdefault("DATABASE_LOCK_TIMEOUT_SECONDS", "60")
        os.environ.setdefault("DATABASE_POOL_TIMEOUT_SECONDS", "60")
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        os.environ["CAREFIELD_REDIS_PREFIX"] = f"test-{worker}-{os.getpid()}"
    return (yield)
