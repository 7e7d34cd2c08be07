"""The simulator is started as a person starts it: as a command, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from django.conf import settings
from django.db import connection

from apps.simulator.stack import PROJECT

PATIENCE = 180.0  # it ends what hangs: what is only slow has the time
SERVERS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")


class Command:
    """`python -m apps.simulator ...`, running. `family` are all the processes it has started.
    It speaks to `terminal`, a file descriptor, where there is one."""

    def __init__(
        self, *arguments: str, log: Path, environ: dict[str, str], terminal: int | None = None
    ) -> None:
        self._log = log
        self._out = log.with_suffix(".out")
        with log.open("wb") as said, self._out.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "apps.simulator", *arguments],
                cwd=PROJECT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output if terminal is None else terminal,
                stderr=said if terminal is None else terminal,
                start_new_session=True,
            )

    def said(self) -> str:
        """What it has told the person who waits."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def printed(self) -> str:
        """Its output."""
        return self._out.read_text(encoding="utf-8", errors="replace")

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"it ended before {what}:\n{self.said()}"
            assert time.monotonic() < deadline, f"it did not come to {what}:\n{self.said()}"
            time.sleep(0.02)

    def until_it_says(self, text: str) -> None:
        self.until(lambda: text in self.said() + self.printed(), f"saying {text!r}")

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, how: signal.Signals) -> int:
        """Send it a signal; its exit code. As with Ctrl-C in a terminal, its children do not get
        it: they are in sessions of their own."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Starts commands of the simulator with servers of their own, or with `servers` given."""
    started: list[Command] = []

    def start(
        *arguments: str,
        servers: dict[str, str] | None = None,
        folder: Path | None = None,
        terminal: int | None = None,
    ) -> Command:
        environ = {name: value for name, value in os.environ.items() if name not in SERVERS}
        environ |= {
            "CAREFIELD_ENV": "development",
            "DJANGO_SETTINGS_MODULE": "tests.functional.simulator.settings",
            "TERM": "xterm",
            **(servers or {}),
        }
        folder = folder or tmp_path / f"run{len(started)}"
        command = Command(
            *arguments,
            *("--folder", str(folder)),
            log=tmp_path / f"said{len(started)}.txt",
            environ=environ,
            terminal=terminal,
        )
        started.append(command)
        return command

    yield start
    for command in started:
        if command.process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                family = command.family()
                command.process.kill()
                for process in family:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()


@pytest.fixture
def given_servers(transactional_db: None) -> dict[str, str]:
    """This test's own database and Redis, as servers that somebody else has started."""

    def on_this_database(url: str) -> str:
        return urlsplit(url)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()

    return {
        "DATABASE_URL": on_this_database(os.environ["TEST_APP_DATABASE_URL"]),
        "DATABASE_OWNER_URL": on_this_database(os.environ["DATABASE_URL"]),
        "REDIS_URL": settings.REDIS_URL,
    }
