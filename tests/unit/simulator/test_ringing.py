"""A tablet rings for what is due by what it holds, once for all of it, and never on a call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.simulator.tablet.device import stamp
from apps.simulator.tablet.ringing import Bell, bell, is_on_call, next_ring, opened
from tests.factories import NOON

ME, OTHER = "me", "other"
HOUR = timedelta(hours=1)


def follow_up(id: str = "f1", **fields: Any) -> dict[str, Any]:
    """One that begins at noon and is everybody's a day later."""
    rings = [{"level": 1, "at": stamp(NOON)}, {"level": 2, "at": stamp(NOON + 24 * HOUR)}]
    return {"id": id, "state": "open", "owner_id": ME, "rings": rings, "events": [], **fields}


def event(event: str, id: str = "e1", of: str = "f1", **fields: Any) -> dict[str, Any]:
    return {"id": id, "kind": "follow_up_event", "follow_up_id": of, "event": event, **fields}


def levels(after: timedelta, *found: dict[str, Any], **asked: Any) -> list[tuple[str, int]]:
    rung = bell(found, me=ME, now=NOON + after, **asked).rings
    return [(ring.id, ring.level) for ring in rung]


@pytest.mark.parametrize(
    ("document", "after", "level"),
    [
        pytest.param({}, -timedelta.resolution, None, id="too early"),
        pytest.param({}, 0 * HOUR, 1, id="its time has come"),
        pytest.param({}, 24 * HOUR, 2, id="and has gone by"),
        pytest.param({"owner_id": None}, HOUR, 1, id="nobody has it"),
        pytest.param({"owner_id": OTHER}, HOUR, None, id="another has it"),
        pytest.param({"owner_id": OTHER}, 24 * HOUR, 2, id="another has it, and it is the team's"),
        pytest.param({"rings": []}, 99 * HOUR, None, id="acknowledged"),
        pytest.param({"state": "paused"}, HOUR, None, id="paused"),
        pytest.param({"state": "ended"}, HOUR, None, id="ended"),
        pytest.param({"rings": None}, HOUR, None, id="an older server"),
    ],
)
def test_it_rings_by_what_the_document_says(
    document: dict[str, Any], after: timedelta, level: int | None
) -> None:
    expected = [] if level is None else [("f1", level)]
    assert levels(after, follow_up(**document)) == expected


@pytest.mark.parametrize(
    ("told", "rung"),
    [
        ([event("acknowledged")], False),
        ([event("attempted", result="not_reached")], False),
        ([event("taken")], True),
        ([event("snoozed", until=stamp(NOON + 2 * HOUR))], False),
        ([event("snoozed", until=stamp(NOON + HOUR))], True),
        ([event("acknowledged"), event("snoozed", "e2", until=stamp(NOON + HOUR))], True),
        ([event("snoozed", until=stamp(NOON)), event("acknowledged", "e2")], False),
        ([event("acknowledged", of="f2")], True),
    ],
)
def test_what_was_typed_here_counts_before_it_is_sent(
    told: list[dict[str, Any]], rung: bool
) -> None:
    assert bool(levels(HOUR, follow_up(), told=told)) is rung


def test_what_the_server_has_counted_is_its_to_say() -> None:
    """It was acknowledged, and begins anew: another try is due."""
    anew = follow_up(events=[{"id": "e1"}])

    assert levels(HOUR, anew, told=[event("acknowledged")]) == [("f1", 1)]


def test_a_burst_is_one_list_the_longest_awaited_first() -> None:
    later = [{"level": 1, "at": stamp(NOON + HOUR)}]
    found = [follow_up("f3", rings=later), follow_up("f2"), follow_up("f1")]

    assert levels(HOUR, *found) == [("f1", 1), ("f2", 1), ("f3", 1)]
    assert bell(found, me=ME, now=NOON + HOUR).sounds


def test_on_a_call_it_is_shown_and_does_not_sound() -> None:
    quiet = bell([follow_up()], me=ME, now=NOON, on_call=True)

    assert quiet.rings
    assert not quiet.sounds
    assert bell([], me=ME, now=NOON) == Bell((), sounds=False)


@pytest.mark.parametrize(
    ("state", "taps", "on_call"),
    [
        ("en_route", [], False),
        ("staged", [], False),
        ("on_scene", [], True),
        ("contact", [], True),
        ("transporting", [], True),
        ("at_destination", [], True),
        ("closed", [], False),
        ("en_route", ["on_scene"], True),
        ("contact", ["cleared"], False),
        ("en_route", ["on_scene", "contact_made", "cleared"], False),
        ("contact", ["police_arrived"], True),
    ],
)
def test_silence_is_from_arrival_to_clear_also_by_what_is_not_sent(
    state: str, taps: list[str], on_call: bool
) -> None:
    unsent = [{"assignment_id": "a", "event": tap} for tap in taps]
    assert is_on_call([{"id": "a", "state": state}], unsent) is on_call


def test_the_tablet_knows_when_to_look_again() -> None:
    mine, theirs = follow_up(), follow_up("f2", owner_id=OTHER)

    assert next_ring([mine, theirs], me=ME, now=NOON - HOUR) == NOON
    assert next_ring([mine], me=ME, now=NOON) == NOON + 24 * HOUR
    assert next_ring([theirs], me=ME, now=NOON - HOUR) == NOON + 24 * HOUR
    assert next_ring([follow_up(state="paused")], me=ME, now=NOON - HOUR) is None
    assert next_ring([mine], me=ME, now=NOON + 24 * HOUR) is None


@pytest.mark.parametrize(
    ("document", "told", "text", "done"),
    [
        (follow_up(), [], "DUE", False),
        (follow_up(state="ended", outcome="met"), [], "DONE: MET", True),
        (None, [], "NOT YOURS ANY MORE", True),
        (
            follow_up(),
            [event("attempted", result="reached")],
            "DONE HERE, NOT SENT YET: REACHED",
            True,
        ),
        (follow_up(), [event("attempted", result="not_reached")], "DUE", False),
        (follow_up(), [event("ended")], "DONE HERE, NOT SENT YET: WITHDRAWN", True),
        (follow_up(state="paused", paused_for="jail"), [], "PAUSED: JAIL", False),
    ],
)
def test_whoever_opens_one_that_rang_reads_whether_it_is_done(
    document: dict[str, Any] | None, told: list[dict[str, Any]], text: str, done: bool
) -> None:
    shown = opened(document, told=told)
    assert (shown.text, shown.done) == (text, done)
