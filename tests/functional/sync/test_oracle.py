"""Random days of several tablets, against a running server: nothing that was typed is lost, nothing
that was revoked is left, and in the evening all agree. The long form is `make soak`."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import pytest

from tests.oracle.play import SETTINGS, play
from tests.processes import Processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

DAYS, STEPS = 2, 24
ENOUGH_SECONDS = 25.0  # on a busy machine they are fewer


def test_what_was_typed_is_kept_and_all_agree(
    processes: Processes, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.WARNING, "httpx2")
    server = processes.server(**SETTINGS, MEDIA_FOLDER=str(tmp_path))
    first = int(os.environ.get("SEED") or 1)  # the same days each time; `make soak` finds others
    began = time.monotonic()
    for seed in range(first, first + DAYS):
        if time.monotonic() - began > ENOUGH_SECONDS:
            return
        try:
            play([server.url], seed=seed, steps=STEPS)
        except Exception as error:
            error.add_note(f"SEED={seed}")
            raise
