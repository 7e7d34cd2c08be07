"""Days are played from a seed, so that a bad one can be played again."""

from __future__ import annotations

from collections.abc import Sequence

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.oracle.machine import Day

STEPS = 40


def play(urls: Sequence[str], *, seed: int, steps: int = STEPS) -> None:
    """One day of so many steps, the same for the same seed but for what the radio and the threads
    make of it. Fails with its steps, and with what is wrong in the evening."""

    class Played(Day):
        pass

    Played.urls = list(urls)
    run_state_machine_as_test(
        hypothesis.seed(seed)(Played),
        settings=settings(
            max_examples=2,  # the first is the idle day
            stateful_step_count=steps,
            deadline=None,
            database=None,
            # A bad day is told as it was: to shorten it would play hundreds of days.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
