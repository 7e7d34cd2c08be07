"""Times of milestones, where they come from, and the durations between them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.assignments.timeline import derive
from tests.unit.assignments.facts import TABLET_B, Story, at


def test_durations_run_from_milestone_to_milestone() -> None:
    story = Story()
    story.cad("assigned", 0)
    for minute, event in (
        (0.1, "received"),
        (1, "acknowledged"),
        (3, "en_route"),
        (10, "on_scene"),
        (12, "contact_made"),
    ):
        story.tap(event, minute)
    story.tap("cleared", 40, disposition="18")
    lengths = {
        name: duration.length and duration.length.total_seconds() / 60
        for name, duration in derive(story.facts).durations.items()
    }
    assert lengths == pytest.approx(
        {
            "assigned_to_received": 0.1,
            "received_to_acknowledged": 0.9,
            "assigned_to_acknowledged": 1,
            "acknowledged_to_en_route": 2,
            "en_route_to_on_scene": 7,
            "assigned_to_on_scene": 10,
            "on_scene_to_contact": 2,
            "contact_to_closed": 28,
            "on_scene_to_closed": 30,
            "assigned_to_closed": 40,
        }
    )


def test_a_duration_carries_the_uncertainty_of_both_ends() -> None:
    story = Story()
    story.cad("assigned", 0)  # whole seconds
    story.tap("on_scene", 10)  # 50 ms
    assert derive(story.facts).durations["assigned_to_on_scene"].uncertainty_ms == 1050
    story.add("contact_made", 11, device=TABLET_B, counter=1, clock_offset_ms=0)
    assert derive(story.facts).durations["on_scene_to_contact"].uncertainty_ms is None


def test_response_times_are_right_on_a_tablet_three_hours_off() -> None:
    story = Story()
    story.cad("assigned", 0)
    story.add(
        "on_scene",
        190,
        device=TABLET_B,
        counter=1,
        clock_offset_ms=3 * 3_600_000,
        clock_uncertainty_ms=80,
        received_at=at(11),
    )
    timeline = derive(story.facts)
    assert timeline.times["on_scene"].at == at(10)
    assert timeline.times["on_scene"].chosen.device_time == at(190)
    assert timeline.durations["assigned_to_on_scene"].length == timedelta(minutes=10)
    assert {flag.code for flag in timeline.flags} == {"clock_suspect"}


def test_a_tap_confirms_cad_and_the_earlier_of_both_counts() -> None:
    story = Story()
    cad = story.cad("on_scene", 10)
    tap = story.tap("on_scene", 11)
    moment = derive(story.facts).times["on_scene"]
    assert moment.confirmed
    assert (moment.at, moment.chosen.fact) == (at(10), cad.id)
    assert [claim.fact for claim in moment.claims] == [cad.id, tap.id]


def test_an_earlier_time_that_cannot_be_trusted_does_not_count() -> None:
    story = Story()
    story.add("on_scene", 2, clock_offset_ms=None, received_at=at(12))
    story.tap("on_scene", 11)
    assert derive(story.facts).times["on_scene"].at == at(11)


def test_a_time_that_cannot_be_trusted_is_better_than_none() -> None:
    story = Story()
    story.cad("on_scene", None)
    story.add("on_scene", 11, clock_offset_ms=None, received_at=at(12))
    moment = derive(story.facts).times["on_scene"]
    assert moment.at == at(11)
    assert moment.chosen.flags == ("clock_unmeasured",)


def test_a_missing_time_is_a_milestone_without_a_time() -> None:
    story = Story()
    story.cad("assigned", 0)
    cad = story.cad("on_scene", None)
    timeline = derive(story.facts)
    assert timeline.state == "on_scene"
    assert timeline.times["on_scene"].at is None
    duration = timeline.durations["assigned_to_on_scene"]
    assert (duration.length, duration.why) == (None, "missing_time")
    assert timeline.flags_of(cad.id) == ("missing_time",)


def test_a_time_before_the_one_it_follows_gives_no_duration_and_a_flag() -> None:
    story = Story()
    story.cad("assigned", 5)
    tap = story.tap("on_scene", 3)
    timeline = derive(story.facts)
    duration = timeline.durations["assigned_to_on_scene"]
    assert (duration.length, duration.why) == (None, "out_of_order")
    assert timeline.flags_of(tap.id) == ("out_of_order",)


def test_within_the_clocks_inexactness_there_is_no_contradiction() -> None:
    story = Story()
    story.cad("assigned", 5)
    story.tap("acknowledged", 5 - 1 / 60, call_revision=1)
    timeline = derive(story.facts)
    assert timeline.durations["assigned_to_acknowledged"].length == timedelta(0)
    assert timeline.flags == ()


def test_a_tablet_that_was_away_accuses_nobody() -> None:
    story = Story()
    story.cad("assigned", 0)
    story.cad("en_route", 2)
    story.tap("received", 30)
    assert derive(story.facts).flags == ()


def test_one_wrong_time_is_flagged_once() -> None:
    story = Story()
    story.cad("assigned", 5)
    wrong = story.tap("acknowledged", 1, call_revision=1)
    story.tap("en_route", 6)
    story.tap("on_scene", 9)
    timeline = derive(story.facts)
    assert [(flag.code, flag.fact) for flag in timeline.flags] == [("out_of_order", wrong.id)]
