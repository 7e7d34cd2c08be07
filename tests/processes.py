"""The product's processes, really started beside the tests, on the test's own database.

Each is what `python -m` would make of it, born in a `nursery` where Django and its like are loaded
already. The demo's and the smoke run's own starts are tried as they are, from a command line."""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

# They end what hangs; what is only slow, on a machine with much else to do, has the time.
READY_SECONDS = 120.0
STOP_SECONDS = 60.0
_POLL_SECONDS = 0.05
_STOP_POLL_SECONDS = 0.005
# Below the ports of the engines and of outgoing connections.
_PORTS = range(10_000, 19_000)


class Nursery:
    """`tests.nursery`, which this process starts its processes in. One for all of its tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        atexit.register(self._end)

    def start(self, command: list[str], *, environ: dict[str, str], log: Path) -> int:
        """`python -m` with this command; its process id."""
        pid: int = self._ask(start=command, environ=environ, log=str(log))
        return pid

    def exit_code(self, pid: int) -> int | None:
        """Of a process that was started here; None as long as it runs."""
        code: int | None = self._ask(poll=pid)
        return code

    def _ask(self, **request: Any) -> Any:
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        with self._lock:
            asked.write(f"{json.dumps(request)}\n")
            asked.flush()
            return json.loads(answered.readline())

    def _end(self) -> None:
        self._process.communicate()


@functools.cache
def nursery() -> Nursery:
    return Nursery()


class Process:
    """A process of the product; `log` holds its output. Started already."""

    def __init__(
        self, command: list[str], *, log: Path, ready: Callable[[Process], bool], **settings: str
    ) -> None:
        self.log = log
        self._command = command
        self._ready = ready
        self._environ = os.environ | _environ() | settings
        self._start_of_log = 0
        self._pid: int | None = None
        self.start()

    def start(self) -> None:
        """Start and wait until it is ready; fails with its output when it is not."""
        self.log.touch()
        self._start_of_log = self.log.stat().st_size
        self._pid = nursery().start(self._command, environ=self._environ, log=self.log)
        try:
            self.wait_until(lambda: self._ready(self))
        except BaseException:
            self.kill()
            raise

    def wait_until(
        self, condition: Callable[[], object], *, seconds: float = READY_SECONDS
    ) -> None:
        """Wait until something holds that the process brings about; fails with its output."""
        deadline = time.monotonic() + seconds
        while not condition():
            ended = self._pid is None or nursery().exit_code(self._pid) is not None
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"{self._command} did not come to it:\n{self.said()}")
            time.sleep(_POLL_SECONDS)

    def said(self) -> str:
        """Its output since the last start."""
        return self.log.read_bytes()[self._start_of_log :].decode(errors="replace")

    @property
    def pid(self) -> int:
        """Of the process that was started; it may have children."""
        assert self._pid is not None, "it does not run"
        return self._pid

    def stop(self) -> int | None:
        """SIGTERM, as in a deployment; its exit code. By force after a minute."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int | None:
        """SIGKILL to it and its children."""
        return self._end(signal.SIGKILL)

    def revive(self) -> None:
        """Start it again where it has ended by itself, as a service manager does."""
        if self._pid is not None and nursery().exit_code(self._pid) is not None:
            self.kill()
            self.start()

    def restart(self) -> None:
        """Stop and start with the same address and settings."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> int | None:
        if self._pid is None:
            return None
        pid, self._pid = self._pid, None
        if how == signal.SIGTERM:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while nursery().exit_code(pid) is None and time.monotonic() < deadline:
                time.sleep(_STOP_POLL_SECONDS)
        if nursery().exit_code(pid) is None:
            os.kill(pid, signal.SIGKILL)  # it may not lead its group yet
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        while (code := nursery().exit_code(pid)) is None:
            time.sleep(_STOP_POLL_SECONDS)
        return code


AnyProcess = TypeVar("AnyProcess", bound=Process)


class Server(Process):
    """uvicorn with the whole application, as in production but for TLS."""

    def __init__(self, *, log: Path, **settings: str) -> None:
        self.port = next(_own_ports)
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}"
        command = [
            *("uvicorn", "config.asgi:application", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--ws", "websockets-sansio"),
            *("--ws-per-message-deflate", "false", "--ws-max-size", "262144"),
            *("--lifespan", "off", "--no-access-log"),
        ]
        super().__init__(command, log=log, ready=Server._live, **settings)

    def _live(self) -> bool:
        """This one, and nobody else who may have the port: it says that it has it."""
        if "Uvicorn running on" not in self.said():
            return False
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=READY_SECONDS) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class Processes:
    """Starts any number of processes, and ends them all with the test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Process] = []

    def server(self, **settings: str) -> Server:
        """One more server, on a free port. `settings` are environment variables."""
        return self._add(Server(log=self._log("server"), **settings))

    def celery_worker(self, *, queues: str = "celery", **settings: str) -> Process:
        """One more worker, with one child process. Events to partners have a queue of their own."""
        log = self._log("worker")
        command = [
            *("celery", "--app", "config.celery", "worker", "--concurrency", "1"),
            *("--queues", queues),
            *("--hostname", f"{log.stem}@%h", "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]
        ready = _says(" ready.")
        return self._add(Process(command, log=log, ready=ready, **settings))

    def celery_beat(self, **settings: str) -> Process:
        """One more beat, with its schedule in memory."""
        command = [
            *("celery", "--app", "config.celery", "beat", "--loglevel", "INFO"),
            *("--scheduler", "celery.beat:Scheduler", "--pidfile", ""),
        ]
        ready = _says("beat: Starting...")
        return self._add(Process(command, log=self._log("beat"), ready=ready, **settings))

    def end(self) -> None:
        """Kill what still runs, the newest first."""
        for process in reversed(self._started):
            process.kill()

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}{len(self._started)}.log"

    def _add(self, process: AnyProcess) -> AnyProcess:
        self._started.append(process)
        return process


def _ports() -> Iterator[int]:
    """Free ports, each of them once, and none that another worker of the run has: a server keeps
    its port while it is down, and is slow to take it. Another run on this machine begins elsewhere,
    far off also where it was started together with this one.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ours = _PORTS[worker :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    first = os.getppid() * 4_001 % len(ours)
    return filter(_is_free, itertools.chain(ours[first:], ours[:first]))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


_own_ports = _ports()


def _says(line: str) -> Callable[[Process], bool]:
    return lambda process: line in process.said()


def _environ() -> dict[str, str]:
    """The application's role on this worker's test database; the rest is the tests' own."""
    address = urlsplit(os.environ["TEST_APP_DATABASE_URL"])
    name = connection.settings_dict["NAME"]
    return {
        "DATABASE_URL": address._replace(path=f"/{name}").geturl(),
        "DATABASE_POOL": "true",
        "REDIS_URL": settings.REDIS_URL,
        "LOG_LEVEL": "INFO",
    }
