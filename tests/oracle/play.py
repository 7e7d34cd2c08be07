"""Days are played from a seed, so that a bad one can be played again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis
from django.test import override_settings
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.oracle.day import BadDay, Day
from tests.oracle.field.fingers import FieldFingers
from tests.oracle.field.office import FieldOffice
from tests.oracle.herd import Herd
from tests.oracle.pages.fingers import Fingers
from tests.oracle.pages.office import PagesOffice
from tests.probe import rooms

STEPS = 40
# A closed call leaves the tablets as soon as somebody looks.
OURS = {"CLEARED_STAYS_SECONDS": 0}
# Of the servers. Whoever hears of nothing but heartbeats does not have to wait long.
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "tests.probe.settings",
    "HEARTBEAT_SECONDS": "0.5",
    **{name: str(value) for name, value in OURS.items()},
}
Play = Callable[..., None]


class PagesDay(Fingers, PagesOffice, Herd):
    """A day with the rooms of `tests.probe`."""


class FieldDay(FieldFingers, FieldOffice, Herd):
    """A day with the product's own rooms."""


def play_pages(
    urls: Sequence[str], *, seed: int, happened: Counter[str], steps: int = STEPS, **more: Any
) -> None:
    """One day with pages: see `_play`."""
    rooms.install()  # what supervisors do with pages, they do here
    try:
        _play(PagesDay, urls, seed=seed, steps=steps, happened=happened, **more)
    finally:
        rooms.remove()


def play_field(
    urls: Sequence[str], *, seed: int, happened: Counter[str], steps: int = STEPS, **more: Any
) -> None:
    """One day of crews and calls: see `_play`."""
    with override_settings(**OURS):
        _play(FieldDay, urls, seed=seed, steps=steps, happened=happened, **more)


def _play(day: type[Day], urls: Sequence[str], *, seed: int, steps: int, **of: Any) -> None:
    """One day of so many steps, the same for the same seed but for what the radio and the threads
    make of it; `of`: what else is to be set, see `Day`. Fails with its steps, and with what is
    wrong in the evening."""
    played = type(day.__name__, (day,), {"urls": list(urls), **of})
    try:
        run_state_machine_as_test(hypothesis.seed(seed)(played), settings=_settings(steps))
    except BadDay as bad:
        raise bad.__cause__ or bad from None


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
