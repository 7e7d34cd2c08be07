"""Fixtures that many tests share. What belongs to one room of the product is in its own folder."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import redis
from django.conf import settings
from django.db import connection, transaction
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from tests import databases, kept, pushing, reset
from tests.integration.assignments.conftest import World, build
from tests.integration.referrals.conftest import Case, met
from tests.processes import Process, Processes, Server

# Where a shell has started the suite in the background, Ctrl-C is ignored, by all processes that
# the tests start too: those that try it would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples each time, and none that fails because the machine has much else to do. Others
# are found with `--hypothesis-profile=default`.
hypothesis.settings.register_profile(
    "suite",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")

OWN_SERVERS = {urlsplit(os.environ[name]).hostname for name in ("DATABASE_URL", "REDIS_URL")}


def _refuse_outside(host: object) -> None:
    if host in {None, "", "localhost", *OWN_SERVERS}:
        return
    try:
        inside = ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        inside = False
    if not inside:
        pytest.fail(f"A test reached for the network outside: {host}")


def _guarded(name: str, host_of: Callable[..., object]) -> None:
    owner: Any = socket if hasattr(socket, name) else socket.socket
    original = getattr(owner, name)

    def guarded(*arguments: Any, **options: Any) -> Any:
        _refuse_outside(host_of(*arguments))
        return original(*arguments, **options)

    setattr(owner, name, guarded)


def _host_of_address(sock: socket.socket, *arguments: Any) -> object:
    address = arguments[-1]
    return address[0] if sock.family in {socket.AF_INET, socket.AF_INET6} else None


for _name in ("connect", "connect_ex", "sendto"):
    _guarded(_name, _host_of_address)
_guarded("getaddrinfo", lambda host, *_: host)


def pytest_collection_finish() -> None:
    """What was collected stays to the end. To look for garbage in it again and again would take an
    eighth of the tests' time; to look often in what tests leave, some hundredths more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """In place of pytest-django's, which migrates a database for each worker."""
    with django_db_blocker.unblock():
        databases.connect()
    yield
    with django_db_blocker.unblock():
        connection.close()


@pytest.fixture(scope="session")
def kept_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> dict[str, Any] | None:
    """The members of a `World` whose rows are kept for all tests; None where that cannot be. It is
    made before the transaction of the test that asks first."""
    with django_db_blocker.unblock():
        if not kept.possible():
            return None
        made = build(lambda: None)
        kept.keep("world")
    return _members(made, but={"commit", "numbers"})


@pytest.fixture(scope="session")
def kept_case(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """As `kept_world`, of a world in which Dana was met: its members, and those of the `Case`."""
    with django_db_blocker.unblock():
        if not kept.possible():
            return None
        made = met(build(lambda: None))
        kept.keep("case")
    return _members(made.world, but={"commit", "numbers"}), _members(made, but={"world"})


def _members(made: World | Case, *, but: set[str]) -> dict[str, Any]:
    return {one.name: getattr(made, one.name) for one in fields(made) if one.name not in but}


def _reset_between_tests(self: TransactionTestCase) -> None:
    reset.reset_database()


# pytest-django's tests that commit are TransactionTestCases: this is where those flush.
TransactionTestCase._fixture_teardown = _reset_between_tests
# And they would connect anew each time: PostgreSQL works for a tenth of a second until a new
# connection knows and has planned again what the one before did.
TransactionTestCase._should_reload_connections = lambda self: False


@pytest.fixture(scope="session")
def _valkey() -> Iterator[redis.Redis]:
    """One connection for all tests of a process: to make one takes longer than to look."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    yield client
    client.close()


@pytest.fixture(autouse=True)
def _empty_redis(request: pytest.FixtureRequest, _valkey: redis.Redis) -> Iterator[None]:
    """No message, lock or cached value outlives a test that uses the database."""
    yield
    if "_django_db_helper" not in request.fixturenames:
        return
    if keys := list(_valkey.scan_iter(f"*{settings.REDIS_PREFIX}*", count=1000)):
        _valkey.delete(*keys)


@pytest.fixture
def commit_now(db: None) -> Callable[[], None]:
    """A function that runs the deferred triggers and checks, as COMMIT would.

    A test's own transaction never commits, so without this nothing that happens at COMMIT (the
    feed's numbering, foreign keys) happens in it.
    """
    return pushing.commit_now


@pytest.fixture
def application_role(db: None) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """`with application_role():` runs what is inside with the rights of the application's role.

    What fails inside is rolled back to where it began. Skips where one role does everything.
    """
    role = databases.application_role()
    if role == connection.settings_dict["USER"]:
        pytest.skip("DATABASE_OWNER_URL names no role beside the one of DATABASE_URL")

    @contextlib.contextmanager
    def as_application() -> Iterator[None]:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"set local role {connection.ops.quote_name(role)}")
            yield
            cursor.execute("reset role")

    return as_application


@pytest.fixture
def processes(transactional_db: None, tmp_path: Path) -> Iterator[Processes]:
    """Starts servers, workers and beats on this test's database, each with settings of its own."""
    processes = Processes(tmp_path)
    yield processes
    processes.end()


@pytest.fixture
def server(processes: Processes) -> Server:
    """A running server: `server.url`, `server.ws_url`, `server.kill()`, `server.start()`."""
    return processes.server()


@pytest.fixture(scope="module")
def standing_server(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A running server for all tests of a module: a start takes two seconds of a processor."""
    processes = Processes(tmp_path_factory.mktemp("standing"))
    yield processes.server()
    processes.end()


@pytest.fixture
def celery_worker(processes: Processes) -> Process:
    """A running Celery worker, ready for tasks."""
    return processes.celery_worker()


@pytest.fixture
def celery_beat(processes: Processes) -> Process:
    """A running Celery beat."""
    return processes.celery_beat()
