"""What tests with a database share: work on other connections at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.db import connection

T = TypeVar("T")

WAITING = """
select count(distinct waiting.pid) >= %s
  from pg_locks waiting join pg_locks any_lock using (pid)
  join pg_database d on d.oid = any_lock.database and d.datname = current_database()
  where not waiting.granted
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
        return self.start(work).result(timeout=60)

    def until_waiting(self, work: Future[Any], many: int = 1) -> None:
        """Returns once so many other connections wait for locks of this database."""
        while not work.done():
            with connection.cursor() as cursor:
                # pg_stat_activity would stand still in a transaction.
                cursor.execute(WAITING, [many])
                if cursor.fetchone()[0]:
                    return
        work.result()
        pytest.fail("It did not wait.")


@pytest.fixture
def elsewhere(transactional_db: None) -> Iterator[Elsewhere]:
    with ThreadPoolExecutor(max_workers=8) as pool:
        yield Elsewhere(pool)
