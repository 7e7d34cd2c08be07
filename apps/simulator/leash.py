"""Ends the processes of a run whose parent is gone, even by SIGKILL.

The parent starts this with a pipe as standard input and writes one process group a line. The pipe
closes when the parent dies; if its last line was not "done", the groups are ended here.

    python -m apps.simulator.leash
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable

PATIENCE_SECONDS = 10.0
DONE = "done"


class Leash:
    """The parent's end. `hold` a process group, `release` all of them when they have been ended."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "apps.simulator.leash"],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def hold(self, group: int) -> None:
        self._write(str(group))

    def release(self) -> None:
        self._write(DONE)
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()


def alive(group: int) -> bool:
    """Whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end(
    groups: Iterable[int],
    *,
    patience: float = PATIENCE_SECONDS,
    reap: Callable[[], object] = lambda: None,
) -> None:
    """End process groups: in good order, and by force after so many seconds.

    `reap` is called while waiting: a parent collects its children there, or they count as alive.
    """
    left = [group for group in groups if alive(group)]
    for how in (signal.SIGTERM, signal.SIGKILL):
        for group in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, how)
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            reap()
            left = [group for group in left if alive(group)]


def main() -> None:
    """Wait for the parent's end; see the module's docstring."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups = []
    for line in sys.stdin:
        if line.strip() == DONE:
            return
        groups.append(int(line))
    end(groups)


if __name__ == "__main__":
    main()
