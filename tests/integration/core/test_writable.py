"""A database that answers, and keeps nothing of what it is told, is said to be ill."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg.errors import DiskFull

from apps.core import clock, health
from apps.core.models import Heartbeat
from apps.core.writable import _LOCK, can_write
from tests.integration.conftest import Elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
EVERY = timedelta(seconds=settings.WRITE_PROBE_SECONDS)


def last_write() -> Heartbeat:
    return Heartbeat.objects.get(name="writes")


def written(*, ago: timedelta) -> None:
    Heartbeat.objects.beat("writes", now=clock.now() - ago)


@contextmanager
def read_only() -> Iterator[None]:
    """The database takes no writes from whoever connects from now on, as after a failover whose
    other side is a standby, or as its operator has set it."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"alter database {name} set default_transaction_read_only = on")
        connection.close()
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("set default_transaction_read_only = off")
            cursor.execute(f"alter database {name} reset default_transaction_read_only")
        connection.close()


def test_what_is_written_is_committed(elsewhere: Elsewhere) -> None:
    assert can_write()
    assert elsewhere.do(last_write).at <= clock.now()


def test_a_database_that_takes_no_writes_is_not_ready_however_young_the_last_one_is() -> None:
    written(ago=timedelta(0))
    with read_only():
        found = health.checks()
    assert (found["database"], found["writes"]) == (True, False)
    assert health.checks()["writes"]


def test_nobody_writes_again_within_a_moment() -> None:
    written(ago=EVERY / 2)
    before = last_write().at
    assert can_write()
    assert last_write().at == before
    written(ago=2 * EVERY)
    before = last_write().at
    assert can_write()
    assert last_write().at > before


def test_one_writes_at_a_time_and_one_that_comes_to_no_end_is_noticed(
    elsewhere: Elsewhere,
) -> None:
    held, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        """Somebody's commit does not come back."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s, 0)", [_LOCK])
            held.set()
            assert go_on.wait(60)

    hanging = elsewhere.start(hang)
    assert held.wait(60)
    written(ago=2 * EVERY)
    before = last_write().at
    assert can_write()
    assert last_write().at == before
    written(ago=4 * EVERY)
    assert not can_write()
    go_on.set()
    hanging.result(60)
    assert can_write()


def test_a_full_disk_is_noticed_though_a_row_would_fit() -> None:
    """Every write into a temporary file of this connection meets /dev/full, which is to PostgreSQL
    what a disk without room is: the kernel says that nothing is left."""
    written(ago=2 * EVERY)
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        (pid,) = cursor.fetchone()
    try:
        data = Path(psutil.Process(pid).cwd())
    except psutil.Error:
        pytest.skip("PostgreSQL runs where its files cannot be reached")
    if not (data / "PG_VERSION").exists():
        pytest.skip("PostgreSQL runs where its files cannot be reached")
    folder = data / "base" / "pgsql_tmp"
    if not folder.exists():
        folder.mkdir(mode=0o700)
        os.chown(folder, data.stat().st_uid, data.stat().st_gid)
    full = [folder / f"pgsql_tmp{pid}.{number}" for number in range(4)]
    for path in full:
        path.symlink_to("/dev/full")
    try:
        with pytest.raises(OperationalError) as failed:
            can_write()
        assert isinstance(failed.value.__cause__, DiskFull)
        found = health.checks()
        assert (found["database"], found["writes"]) == (True, False)
    finally:
        for path in full:
            path.unlink(missing_ok=True)
    assert can_write()
