"""One bad day after the other, for as long as is wanted: `make soak`.

`SOAK_SECONDS` (600) says how long, `SEED` where to begin: a day that failed is played again by the
seed that was printed. Two servers; what each process of theirs has in memory at a fifth of the time
and at the end is printed, and may not grow. So is which faults were played, and how often: whoever
soaks for the full time, or longer, has met each of them. What chance has left out after half of it
is due, and has as much time again.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.oracle import faults
from tests.oracle.play import SETTINGS, play_field, play_pages
from tests.processes import Processes

FULL_SECONDS = 600.0
SECONDS = float(os.environ.get("SOAK_SECONDS") or FULL_SECONDS)
GROWTH = 1.15
CROWD = 200


@pytest.mark.django_db(transaction=True)
def test_soak(
    processes: Processes,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.WARNING, "httpx2")
    servers = [processes.server(**SETTINGS, MEDIA_FOLDER=str(tmp_path)) for _ in range(2)]
    first = int(os.environ.get("SEED") or random.SystemRandom().randrange(2**32))

    def say(text: str) -> None:
        with capsys.disabled():
            print(text, flush=True)  # noqa: T201  (a person waits)

    say(f"\nSEED={first}, {SECONDS:.0f} s")
    early, began, days = 0, time.monotonic(), 0
    happened: Counter[str] = Counter()

    def lacking() -> list[str]:
        return faults.missing(happened) if SECONDS >= FULL_SECONDS else []

    while (gone := time.monotonic() - began) < SECONDS * (2 if lacking() else 1) or not days:
        if not early and gone > SECONDS / 5:
            early = memory([server.pid for server in servers], say)
        try:
            seed = first + days
            # Days with pages and days in the field alternate, and a seed is always the same sort.
            play = play_field if seed % 2 else play_pages
            urls = [server.url for server in servers]
            due = frozenset(lacking() if gone > SECONDS / 2 else ())
            play(urls, seed=seed, crowd=CROWD, happened=happened, due=due)
        except BaseException:
            say(f"bad day: make soak SEED={first + days} SOAK_SECONDS=1")
            raise
        days += 1
    late = memory([server.pid for server in servers], say)
    say(f"{days} days without a mistake, SEED={first} to {first + days - 1}. What was played:")
    faults.said(happened, say)
    if early:
        say(f"memory at the end / at a fifth of the time: {late / early:.3f}")
        assert late <= early * GROWTH
    assert not lacking(), "never happened"


def memory(pids: list[int], say: Callable[[str], None]) -> int:
    """Bytes in memory (RSS) of these processes and their children."""
    sizes = [
        sum(p.memory_info().rss for p in (process, *process.children(recursive=True)))
        for process in map(psutil.Process, pids)
    ]
    say("memory of the servers: " + ", ".join(f"{size / 2**20:.1f} MiB" for size in sizes))
    return sum(sizes)
