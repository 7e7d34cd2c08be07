"""What is measured, as processes of this machine: engines, databases, web servers, the floors.

The engines are durable (fsync on), as in production: without it there would be no floor to speak
of. Every measurement has databases of its own, copies of one that was migrated once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from apps.core import engines
from apps.core.engines import free_port

HOST = "127.0.0.1"
_PROJECT = Path(__file__).resolve().parents[1]
_TEMPLATE = "bench_template"
_START_SECONDS = 60.0
_WEB = (
    *("--ws", "websockets-sansio", "--ws-per-message-deflate", "false"),
    *("--loop", "uvloop", "--http", "httptools", "--lifespan", "off"),
    *("--no-access-log", "--log-level", "warning"),
)
Result = TypeVar("Result")


def raise_file_limit() -> None:
    """Thousands of sockets need as many file descriptors; children inherit the limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@dataclass(frozen=True)
class Process:
    """A running process of the bench. `url` is where it listens."""

    popen: subprocess.Popen[bytes]
    url: str = ""

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1)

    def end(self) -> None:
        self.popen.terminate()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


@dataclass(frozen=True)
class Usage:
    """What a process took: memory at its peak, and seconds, of them the processor's."""

    peak_mb: float
    seconds: float
    processor: float


class Stack:
    """Starts processes on the engines, and ends them all."""

    def __init__(self, servers: engines.Engines, log: Path) -> None:
        self.servers = servers
        self.redis_url = servers.redis_url
        self.log = log
        self._processes: list[Process] = []

    # --- databases ---

    def database(self, name: str) -> str:
        """Makes a migrated, empty database; its name."""
        if not self._exists(_TEMPLATE):
            self._create(_TEMPLATE, template="template1")
            self.prepare(_TEMPLATE, "migrate")
        self._create(name, template=_TEMPLATE)
        return name

    def url(self, database: str, *, owner: bool = False) -> str:
        """The address of a database, as the application's role or as the owner."""
        address = self.servers.database_owner_url if owner else self.servers.database_url
        return urlsplit(address)._replace(path=f"/{database}").geturl()

    def prepare(self, database: str, step: str, **arguments: object) -> Any:
        """Runs a step of `bench.prepare` on a database; what it answers."""
        done = subprocess.run(
            [sys.executable, "-m", "bench.prepare", step, json.dumps(arguments)],
            cwd=_PROJECT,
            env=self._environ(database),
            stdout=subprocess.PIPE,
            check=True,
        )
        return json.loads(done.stdout)

    def measured(self, database: str, arguments: list[str]) -> Usage:
        """Runs a Python program on a database to its end; what it took."""
        began = time.monotonic()
        popen = self._start(arguments, database).popen
        _, status, used = os.wait4(popen.pid, 0)
        popen.returncode = os.waitstatus_to_exitcode(status)
        if popen.returncode:
            raise RuntimeError(f"{arguments[1]} failed. See {self.log}")
        return Usage(used.ru_maxrss / 1024, time.monotonic() - began, used.ru_utime + used.ru_stime)

    def _exists(self, name: str) -> bool:
        with psycopg.connect(self.servers.database_owner_url) as connection:
            query = "select exists (select from pg_database where datname = %s)"
            row = connection.execute(query, [name]).fetchone()
        return bool(row and row[0])

    def _create(self, name: str, *, template: str) -> None:
        statement = sql.SQL("create database {} template {}").format(
            sql.Identifier(name), sql.Identifier(template)
        )
        drop = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        with psycopg.connect(self.servers.database_owner_url, autocommit=True) as connection:
            connection.execute(drop)
            connection.execute(statement)

    # --- processes ---

    def web(self, database: str) -> Process:
        """The product's web server, as in production."""
        return self._uvicorn("config.asgi:application", database)

    def stock(self, database: str) -> Process:
        """The same under Django's own handler: see `bench.stock`."""
        return self._uvicorn("bench.stock:application", database)

    def bare_rows(self, database: str) -> Process:
        """The floor of pushed rows: see `bench.rowfloor`."""
        return self._uvicorn("bench.rowfloor:application", database)

    def _uvicorn(self, application: str, database: str) -> Process:
        port = free_port()
        command = ["-m", "uvicorn", application, "--host", HOST, "--port", str(port)]
        process = self._start([*command, *_WEB], database, url=f"http://{HOST}:{port}")
        self._wait(lambda: _answers(f"{process.url}/healthz"), process)
        return process

    def worker(self, database: str) -> Process:
        """A Celery worker with one process, of the queue that alarms and reminders have."""
        command = ["worker", "--concurrency", "1", "--without-gossip", "--without-mingle"]
        return self._celery([*command, "--loglevel", "WARNING"], database)

    def beat(self, database: str) -> Process:
        """Celery's beat, with its schedule in memory."""
        command = ["beat", "--scheduler", "celery.beat:Scheduler", "--pidfile", ""]
        return self._celery([*command, "--loglevel", "WARNING"], database)

    def _celery(self, arguments: list[str], database: str) -> Process:
        return self._start(["-m", "celery", "--app", "config.celery", *arguments], database)

    def bare_sockets(self) -> Process:
        """The floor of sockets: see `bench.floor`."""
        port = free_port()
        process = self._start(
            ["-m", "bench.floor", str(port)], "postgres", url=f"http://{HOST}:{port}"
        )
        self._wait(lambda: _answers(f"{process.url}/healthz"), process)
        return process

    def receiver(self) -> Process:
        """A partner that receives webhooks: see `bench.receiver`."""
        port = free_port()
        command = ["-m", "bench.receiver", str(port)]
        process = self._start(command, "postgres", url=f"http://{HOST}:{port}")
        self._wait(lambda: _answers(process.url), process)
        return process

    def crowd(self, sockets: list[dict[str, Any]]) -> Process:
        """A process that holds idle sockets open; returns when all of them are connected."""
        process = self._start(
            ["-m", "bench.crowd"], "postgres", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        popen = process.popen
        assert popen.stdin is not None
        assert popen.stdout is not None
        popen.stdin.write(json.dumps(sockets).encode() + b"\n")
        popen.stdin.flush()
        if popen.stdout.readline().strip() != b"connected":
            raise RuntimeError(f"The idle sockets could not be opened. See {self.log}")
        return process

    def end(self) -> None:
        """Ends what was started, the newest first."""
        while self._processes:
            self._processes.pop().end()

    def _start(
        self, arguments: list[str], database: str, *, url: str = "", **streams: Any
    ) -> Process:
        with self.log.open("ab") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, **streams}
            popen = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=_PROJECT,
                env=self._environ(database),
                stderr=log,
                start_new_session=True,
                **streams,
            )
        process = Process(popen, url)
        self._processes.append(process)
        return process

    def _wait(self, ready: Callable[[], bool], process: Process) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if process.popen.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"A server does not start. See {self.log}")
            time.sleep(0.05)

    def _environ(self, database: str) -> dict[str, str]:
        return {
            **os.environ,
            "CAREFIELD_ENV": "development",
            # With the room that the tests have, too: `pages` are changed together, and nothing of
            # any other room is in what is measured.
            "DJANGO_SETTINGS_MODULE": "tests.probe.settings",
            "CAREFIELD_REDIS_PREFIX": database,
            "DATABASE_URL": self.url(database),
            "DATABASE_OWNER_URL": self.url(database, owner=True),
            "REDIS_URL": self.redis_url,
            "LOG_LEVEL": "WARNING",
        }


@contextlib.contextmanager
def running(log: Path) -> Iterator[Stack]:
    """Engines of our own, whatever is running elsewhere: the bench fills them and throws them away.

    Nothing but `log` is left behind.
    """
    with engines.provide(environ={}) as servers:
        stack = Stack(servers, log)
        try:
            yield stack
        finally:
            stack.end()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


async def in_thread(function: Callable[..., Result], *arguments: Any) -> Result:
    """Blocking work beside a running event loop."""
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)
