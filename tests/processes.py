"""The product's processes, really started beside the tests, on the test's own database."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

# They end what hangs; what is only slow, on a machine with much else to do, has the time.
READY_SECONDS = 120.0
STOP_SECONDS = 60.0
_POLL_SECONDS = 0.05
# Below the ports of the engines and of outgoing connections.
_PORTS = range(10_000, 19_000)


class Process:
    """A process of the product; `log` holds its output. Started already."""

    def __init__(
        self, command: list[str], *, log: Path, ready: Callable[[Process], bool], **settings: str
    ) -> None:
        self.log = log
        self._command = [sys.executable, "-m", *command]
        self._ready = ready
        self._environ = os.environ | _environ() | settings
        self._start_of_log = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start and wait until it is ready; fails with its output when it is not."""
        with self.log.open("ab") as output:
            self._start_of_log = output.tell()
            self._process = subprocess.Popen(
                self._command,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
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
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"{self._command} did not come to it:\n{self.said()}")
            time.sleep(_POLL_SECONDS)

    def said(self) -> str:
        """Its output since the last start."""
        return self.log.read_bytes()[self._start_of_log :].decode(errors="replace")

    @property
    def pid(self) -> int:
        """Of the process that was started; it may have children."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    def stop(self) -> int | None:
        """SIGTERM, as in a deployment; its exit code. By force after a minute."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int | None:
        """SIGKILL to it and its children."""
        return self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start with the same address and settings."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> int | None:
        if self._process is None:
            return None
        process, self._process = self._process, None
        if how == signal.SIGTERM:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


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
            *("--ws-per-message-deflate", "false", "--lifespan", "off", "--no-access-log"),
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
    its port while it is down, and is slow to take it. Another run on this machine begins elsewhere.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ours = _PORTS[worker :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    first = os.getppid() % len(ours)
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
