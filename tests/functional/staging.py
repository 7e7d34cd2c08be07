"""The product on engines of its own, which a test may kill."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from django.db import DatabaseError, connection

from apps.core import engines
from apps.core.engine_host import claimed_host
from tests.functional.sync.restoring import (
    Programs,
    application_url,
    connected_to,
    fresh_database,
)
from tests.processes import Process, Processes

PATIENCE = 120.0
POLL_SECONDS = 0.05
_GIVEN_UP = "Unrecoverable error"


@dataclass
class Stage:
    """What runs, and hands to kill with. `environ` are the settings of every process."""

    pair: engines.Engines
    processes: Processes
    environ: dict[str, str]
    workers: list[Process]

    def worker(self, queues: str, **settings: str) -> Process:
        """One more worker, with settings of its own."""
        return self.processes.celery_worker(queues=queues, **self.environ, **settings)

    def kill(self, what: str) -> None:
        """Kills a worker, Redis or PostgreSQL, and starts it again."""
        match what:
            case "worker":
                self.workers[0].kill()
                self.workers[0].start()
            case "redis":
                assert self.pair.valkey
                self.pair.valkey.kill()
                self.pair.valkey.start()
            case "postgres":
                assert self.pair.postgres
                self.pair.postgres.kill()
                self.pair.postgres.start()
                connection.close()

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits until something holds in the database, which may be down meanwhile. A worker that
        gives up by itself is started again: Celery's does where one of its processes is ended by
        force in the middle of a word to it. It ends then, or hangs on its way out, until whoever
        watches `/readyz` starts it anew."""

        def holds() -> bool:
            try:
                return condition()
            except (DatabaseError, psycopg.Error):
                connection.close()
                return False

        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"it did not come to it: {self.workers[-1].said()}"
            for worker in self.workers:
                if _GIVEN_UP in worker.said():
                    worker.kill()
                    worker.start()
                worker.revive()
            time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def staged(
    processes: Processes, settings: Mapping[str, str], *, queues: Sequence[str], beats: int
) -> Iterator[Stage]:
    """The schema of the tests' own database on a pair of servers that may be killed, a worker for
    each of the queues, and beats."""
    with claimed_host() as host, engines.provide(environ={"NONE": "GIVEN"}) as pair:
        programs = Programs(host)
        assert pair.postgres
        dump = host.folder / "schema.dump"
        programs.dump(dump)
        with fresh_database(pair.database_owner_url) as url:
            programs.restore(dump, url)
            with connected_to(url):
                environ = {
                    **settings,
                    "DATABASE_URL": application_url(pair.postgres),
                    "REDIS_URL": pair.redis_url,
                }
                workers = [processes.celery_worker(queues=name, **environ) for name in queues]
                for _ in range(beats):
                    processes.celery_beat(**environ)
                try:
                    yield Stage(pair, processes, environ, workers)
                finally:
                    processes.end()


def insist(act: Callable[[], None]) -> None:
    """Until it is committed. It may be twice: whoever is cut off at COMMIT does not know."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            act()
            return
        except (DatabaseError, psycopg.Error):
            connection.close()
            assert time.monotonic() < deadline
