"""Days are played from a seed, so that a bad one can be played again."""

from __future__ import annotations

from collections.abc import Sequence

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.oracle.day import BadDay
from tests.oracle.herd import Herd
from tests.probe import rooms

STEPS = 40
# Of the servers. Whoever hears of nothing but heartbeats does not have to wait long.
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.probe.settings", "HEARTBEAT_SECONDS": "0.5"}


def play(urls: Sequence[str], *, seed: int, steps: int = STEPS, crowd: int = 0) -> None:
    """One day of so many steps, the same for the same seed but for what the radio and the threads
    make of it; `crowd`: so many sockets may be killed at once. Fails with its steps, and with what
    is wrong in the evening."""

    class Played(Herd):
        pass

    Played.urls, Played.crowd = list(urls), crowd
    rooms.install()  # what supervisors do with pages, they do here
    try:
        run_state_machine_as_test(hypothesis.seed(seed)(Played), settings=_settings(steps))
    except BadDay as bad:
        raise bad.__cause__ or bad from None
    finally:
        rooms.remove()


def _settings(steps: int) -> settings:
    return settings(
        max_examples=2,  # the first is the idle day
        stateful_step_count=steps,
        deadline=None,
        database=None,
        # A bad day is told as it was: to shorten it would play hundreds of days.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
