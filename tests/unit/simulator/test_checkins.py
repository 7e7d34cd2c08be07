"""A tablet asks its crew whether all is well by what it holds, silently, also offline."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.simulator.tablet.checkins import asks
from apps.simulator.tablet.device import stamp
from tests.factories import NOON

SILENT = {"sound": False, "bright": False, "haptic": True}


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def call(id: str = "a1", *, due: float = 20, **owed: Any) -> dict[str, Any]:
    said = {"every_s": 1200, "due_at": stamp(at(due)), "level": 0, "prompt": SILENT, **owed}
    return {"id": id, "check_in": said}


def tap(event: str, minute: float, of: str = "a1") -> tuple[dict[str, Any], datetime]:
    return {"assignment_id": of, "event": event}, at(minute)


def due(*calls: dict[str, Any], minute: float, told: Any = ()) -> list[str]:
    return [ask.id for ask in asks(calls, now=at(minute), told=told)]


def test_not_before_it_is_due() -> None:
    assert due(call(), minute=19.99) == []
    assert due(call(), minute=20) == ["a1"]


def test_the_longest_awaited_first() -> None:
    assert due(call("a2", due=12), call("a1"), minute=30) == ["a2", "a1"]


@pytest.mark.parametrize("document", [{"id": "a1"}, {"id": "a1", "check_in": None}])
def test_nothing_where_nothing_is_owed(document: dict[str, Any]) -> None:
    assert due(document, minute=500) == []


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        (tap("check_in", 15), False),
        (tap("scene_secured", 15), False),
        (tap("check_in", 3), True),  # longer ago than an interval
        (tap("check_in", 15, of="a2"), True),
        (tap("received", 15), True),
        (tap("emergency", 15), True),
    ],
)
def test_what_was_tapped_here_counts_before_it_is_sent(told: Any, asked: bool) -> None:
    assert due(call(), minute=24, told=[told]) == (["a1"] if asked else [])


@pytest.mark.parametrize(
    ("prompt", "how"),
    [
        (SILENT, (False, False, True)),
        (None, (False, False, True)),  # what is not said gives nobody away
        ({"sound": True, "bright": True, "haptic": False}, (True, True, False)),
    ],
)
def test_it_asks_as_the_document_says(prompt: Any, how: tuple[bool, bool, bool]) -> None:
    (ask,) = asks([call(prompt=prompt)], now=at(30))
    assert (ask.sounds, ask.bright, ask.vibrates) == how
