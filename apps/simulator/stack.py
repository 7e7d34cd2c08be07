"""The whole product as processes of this machine: engines, web server, Celery workers and beat.

One web process: on two cores it shares them with PostgreSQL, the worker and the simulator itself,
and one process holds a few thousand sockets. The bell still crosses processes, because alarms are
raised in the worker.

Every process is in a session of its own, so that Ctrl-C reaches this one alone, which then ends the
others in order; a leash ends them when this one cannot.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from apps.core import engines
from apps.simulator.leash import Leash, end
from apps.simulator.radio import certificates

PROJECT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
START_SECONDS = 60.0
# What ends a program. SIGHUP: its terminal was closed.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


class StackError(Exception):
    """Something did not start, or died; the text says what and where its log is."""


@dataclass
class Stack:
    """The running product. `folder` holds the logs, `environ` what every process was given."""

    base_url: str
    folder: Path
    environ: dict[str, str]
    engines: engines.Engines
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def check(self) -> None:
        """Raises StackError when a process has died."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise StackError(f"{name} ended by itself.\n{self.log_tail(name)}")

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def log_tail(self, name: str, lines: int = 12) -> str:
        """The end of a process's log, and where the rest is."""
        text = self.log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([*text[-lines:], f"(all of it: {self.log(name)})"])

    def readiness(self) -> Mapping[str, bool]:
        """What `/readyz` says of database, Redis and worker; empty while nothing answers."""
        try:
            answer = httpx2.get(
                f"{self.base_url}/readyz", verify=certificates(), timeout=5, trust_env=False
            )
        except httpx2.TransportError:
            return {}
        checks: dict[str, bool] = answer.json()["checks"]
        return checks

    def wait_until(self, *names: str) -> None:
        """Wait until these of the readiness checks are fine; all of them without names.

        Raises StackError after a minute, or when a process has died.
        """
        deadline = time.monotonic() + START_SECONDS
        while True:
            checks = self.readiness()
            if checks and all(checks[name] for name in names or checks):
                return
            self.check()
            if time.monotonic() > deadline:
                missing = [name for name, fine in checks.items() if not fine]
                # The workers are called as what they are missed by.
                log = self.log_tail(next((one for one in missing if one in self.processes), "web"))
                what = f"missing: {missing or 'an answer'}"
                raise StackError(f"Not ready after {START_SECONDS:.0f} s, {what}.\n{log}")
            time.sleep(0.1)


@contextlib.contextmanager
def running(
    *, folder: Path, keep: str, port: int, settings: Mapping[str, str], say: Say
) -> Iterator[Stack]:
    """Start everything, prepare the database, and end everything on leaving.

    `keep` names data of earlier runs to take up ("": none, and none is left). A `port` that is
    taken is avoided. `settings` are variables for the processes beside the caller's own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    leash = Leash()
    try:
        say("Starting PostgreSQL and Valkey" if _ours() else "Using the servers that were given")
        with engines.provide(keep=keep) as servers:
            for old in folder.glob("*.log"):  # not before: a run of the same data may write them
                old.unlink()
            for engine in (servers.postgres, servers.valkey):
                if engine is not None and engine.pid is not None:
                    leash.hold(engine.pid)
            base_url = f"http://{HOST}:{_port(port)}"
            environ = {
                **os.environ,
                "CAREFIELD_ENV": "development",
                "PYTHONUNBUFFERED": "1",
                "PUBLIC_URL": base_url,
                **servers.environment(),
                **settings,
            }
            stack = Stack(base_url, folder, environ, servers)
            try:
                say("Preparing the database")
                _prepare(stack)
                say("Starting the web server, the workers and the beat")
                for name, command in _commands(stack).items():
                    stack.processes[name] = _start(stack, name, command)
                    leash.hold(stack.processes[name].pid)
                stack.wait_until("database", "redis")
                yield stack
            finally:
                with _undisturbed():
                    try:
                        say("Stopping")
                    finally:  # to whom, when the terminal was closed?
                        _end(stack.processes.values())
    finally:
        leash.release()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ending takes seconds, and who sees nothing happen presses Ctrl-C again: it must not leave
    half of the processes behind."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(processes: Collection[subprocess.Popen[bytes]]) -> None:
    end(
        [process.pid for process in processes],
        reap=lambda: [process.poll() for process in processes],
    )


def _ours() -> bool:
    return not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))


def _port(wanted: int) -> int:
    """The wanted port; another one where it is taken, any free one for 0."""
    if not wanted:
        return engines.free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            return engines.free_port()
    return wanted


def _prepare(stack: Stack) -> None:
    """Migrate, give rights, load reference data, make the demo team: one process does it all."""
    command = [sys.executable, "-m", "apps.simulator.seed", str(stack.folder)]
    process = _start(stack, "prepare", command)
    try:
        code = process.wait()
    finally:
        _end([process])
    if code != 0:
        raise StackError(f"The database cannot be prepared.\n{stack.log_tail('prepare')}")


def _commands(stack: Stack) -> dict[str, list[str]]:
    port = stack.base_url.rpartition(":")[2]
    celery = [sys.executable, "-m", "celery", "--app", "config", "--quiet"]
    return {
        "web": [
            *(sys.executable, "-m", "uvicorn", "config.asgi:application"),
            *("--host", HOST, "--port", port, "--ws", "websockets-sansio"),
            *("--ws-per-message-deflate", "false", "--ws-max-size", "262144"),
            *("--log-level", "warning"),
            *("--lifespan", "off", "--timeout-graceful-shutdown", "3"),
        ],
        "worker": [*celery, "worker", "--concurrency", "1", "--loglevel", "warning"],
        "webhooks": [
            *celery,
            *("worker", "--queues", "webhooks", "--hostname", "webhooks@%h"),
            *("--concurrency", "1", "--loglevel", "warning"),
        ],
        "notify": [
            *celery,
            *("worker", "--queues", "notify", "--hostname", "notify@%h"),
            *("--concurrency", "1", "--loglevel", "warning"),
        ],
        "beat": [
            *celery,
            "beat",
            "--schedule",
            str(stack.folder / "beat"),
            "--loglevel",
            "warning",
        ],
    }


def _start(stack: Stack, name: str, command: list[str]) -> subprocess.Popen[bytes]:
    with stack.log(name).open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=PROJECT,
            env=stack.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
