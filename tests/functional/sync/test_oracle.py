"""Random days of several tablets, against a running server: nothing that was typed is lost, nothing
that was revoked is left, and in the evening all agree. The long form is `make soak`."""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.oracle import faults
from tests.oracle.play import SETTINGS, play_field, play_pages
from tests.processes import Processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ENOUGH_SECONDS = 25.0  # on a busy machine they are fewer


def _days(
    processes: Processes, folder: Path, play: Callable[..., None], days: int, steps: int
) -> None:
    """The same days each time; `make soak` finds others."""
    server = processes.server(**SETTINGS, MEDIA_FOLDER=str(folder))
    first = int(os.environ.get("SEED") or 1)
    began = time.monotonic()
    for seed in range(first, first + days):
        if time.monotonic() - began > ENOUGH_SECONDS:
            return
        happened: Counter[str] = Counter()
        try:
            play([server.url], seed=seed, steps=steps, happened=happened)
        except Exception as error:
            error.add_note(f"SEED={seed}")
            raise
        assert not faults.missing(happened, faults.CERTAIN), seed


def test_what_was_typed_is_kept_and_all_agree(
    processes: Processes, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.WARNING, "httpx2")
    _days(processes, tmp_path, play_pages, days=2, steps=24)


def test_what_was_written_of_people_is_kept_and_seen_by_whom_a_call_leads_there(
    processes: Processes, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.WARNING, "httpx2")
    _days(processes, tmp_path, play_field, days=2, steps=24)
