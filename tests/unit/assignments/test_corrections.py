"""Undoing, correcting, correcting corrections: whatever arrives first."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from apps.assignments.timeline import Fact, Limits, Timeline, derive
from tests.unit.assignments.facts import BOB, TABLET_A, TABLET_B, Story, at

TEN_SECONDS = 10 / 60


def correct(story: Story, fact: Fact, minute: float, **data: Any) -> Fact:
    device = data.pop("device", TABLET_A)
    return story.tap("corrected", minute, device=device, corrects=str(fact.id), **data)


def driving() -> tuple[Story, Fact]:
    story = Story()
    story.cad("assigned", 0)
    story.tap("acknowledged", 1)
    return story, story.tap("en_route", 2)


def standing(timeline: Timeline, fact: Fact) -> Any:
    return next(entry for entry in timeline.history if entry.fact.id == fact.id)


def test_a_mis_tap_is_undone_and_stays_in_the_history() -> None:
    story, en_route = driving()
    undo = story.undo(en_route, 2 + TEN_SECONDS)
    timeline = derive(story.facts)
    assert timeline.state == "acknowledged"
    assert "en_route" not in timeline.times
    entry = standing(timeline, en_route)
    assert entry.counts is False
    [correction] = entry.corrections
    assert (correction.fact, correction.author_id) == (undo.id, undo.author_id)
    assert (correction.reason, correction.takes_back) == ("mis_tap", True)
    assert correction.at == at(2 + TEN_SECONDS)
    assert timeline.flags == ()


def test_a_mis_tap_undone_later_is_taken_and_flagged() -> None:
    story, en_route = driving()
    undo = story.undo(en_route, 3)
    timeline = derive(story.facts)
    assert timeline.state == "acknowledged"
    assert timeline.flags_of(undo.id) == ("late_undo",)
    assert derive(story.facts, limits=Limits(undo=timedelta(minutes=1))).flags == ()


def test_the_ten_seconds_are_the_devices_own_whatever_its_clock_says() -> None:
    story = Story()
    wrong = {"device": TABLET_A, "clock_offset_ms": None, "received_at": at(900)}
    tap = story.add("en_route", 0, counter=1, **wrong)
    data = {"corrects": str(tap.id), "reason": "mis_tap"}
    undo = story.add("corrected", TEN_SECONDS, counter=2, data=data, **wrong)
    assert "late_undo" not in derive(story.facts).flags_of(undo.id)


def test_the_ten_seconds_do_not_hang_on_what_was_measured_in_between() -> None:
    story = Story()
    tap = story.add("en_route", 180, device=TABLET_A, counter=1, clock_offset_ms=None)
    undo = story.add(
        "corrected",
        180 + TEN_SECONDS,
        device=TABLET_A,
        counter=2,
        clock_offset_ms=3 * 3_600_000,
        data={"corrects": str(tap.id), "reason": "mis_tap"},
    )
    assert "late_undo" not in derive(story.facts).flags_of(undo.id)


def test_an_undo_that_cannot_be_timed_is_flagged() -> None:
    story, en_route = driving()
    undo = story.add("corrected", None, data={"corrects": str(en_route.id), "reason": "mis_tap"})
    assert "late_undo" in derive(story.facts).flags_of(undo.id)


def test_a_correction_gives_a_new_time_and_the_first_one_is_kept() -> None:
    story, en_route = driving()
    fix = correct(story, en_route, 30, reason="wrong_time", time="2024-05-01T19:01:30Z")
    timeline = derive(story.facts)
    moment = timeline.times["en_route"]
    assert moment.at == at(1.5)
    assert moment.chosen.device_time == at(2)
    assert moment.chosen.corrected_by == (fix.id,)
    assert moment.chosen.flags == ("time_stated",)


def test_a_correction_gives_another_event() -> None:
    story, en_route = driving()
    correct(story, en_route, 3, reason="wrong_event", event="staged")
    timeline = derive(story.facts)
    assert timeline.state == "staged"
    assert standing(timeline, en_route).fact.event == "en_route"


def test_a_correction_changes_details_key_by_key() -> None:
    story, _ = driving()
    cleared = story.tap("cleared", 9, disposition="18", note="gave water")
    correct(story, cleared, 20, reason="wrong_detail", data={"disposition": "16"})
    timeline = derive(story.facts)
    assert timeline.closing is not None
    assert timeline.closing.disposition == "16"
    assert standing(timeline, cleared).data == {"disposition": "16", "note": "gave water"}
    assert standing(timeline, cleared).fact.data["disposition"] == "18"


def test_a_later_correction_without_a_reason_is_taken_and_flagged() -> None:
    story, en_route = driving()
    fix = correct(story, en_route, 30, time="2024-05-01T19:01:30Z")
    timeline = derive(story.facts)
    assert timeline.times["en_route"].at == at(1.5)
    assert timeline.flags_of(fix.id) == ("bad_field",)


def test_an_unreadable_correction_does_not_take_its_fact_back() -> None:
    story, en_route = driving()
    correct(story, en_route, 30, reason="wrong_time", time="half past twelve")
    timeline = derive(story.facts)
    assert timeline.state == "en_route"
    assert timeline.times["en_route"].at == at(2)


def test_a_stated_time_in_the_future_is_not_used() -> None:
    story, en_route = driving()
    correct(story, en_route, 30, reason="wrong_time", time="2024-05-02T19:00:00Z")
    timeline = derive(story.facts)
    assert timeline.state == "en_route"
    assert timeline.times["en_route"].at is None


def test_taking_an_undo_back_restores_the_fact() -> None:
    story, en_route = driving()
    undo = story.undo(en_route, 2.1)
    again = story.undo(undo, 2.2)
    timeline = derive(story.facts)
    assert timeline.state == "en_route"
    assert standing(timeline, undo).counts is False
    assert standing(timeline, en_route).corrections[0].in_force is False
    story.undo(again, 2.3)
    assert derive(story.facts).state == "acknowledged"


def test_a_correction_of_a_correction_changes_what_it_gives() -> None:
    story, en_route = driving()
    first = correct(story, en_route, 30, reason="wrong_time", time="2024-05-01T19:01:30Z")
    correct(story, first, 31, reason="wrong_time", time="2024-05-01T19:01:45Z")
    assert derive(story.facts).times["en_route"].at == at(1.75)


def test_taking_a_correction_back_restores_the_one_before() -> None:
    story, en_route = driving()
    correct(story, en_route, 30, reason="wrong_time", time="2024-05-01T19:01:30Z")
    second = correct(story, en_route, 31, reason="wrong_time", time="2024-05-01T19:01:45Z")
    correct(story, second, 32, reason="did_not_happen")
    assert derive(story.facts).times["en_route"].at == at(1.5)


def test_of_concurrent_corrections_the_last_one_taken_wins() -> None:
    story, en_route = driving()
    correct(story, en_route, 30, reason="wrong_time", time="2024-05-01T19:01:30Z")
    correct(story, en_route, 29, device=TABLET_B, reason="wrong_time", time="2024-05-01T19:01:45Z")
    assert derive(story.facts).times["en_route"].at == at(1.75)


def test_concurrent_corrections_of_different_things_both_hold() -> None:
    story, _ = driving()
    cleared = story.tap("cleared", 9, disposition="18")
    correct(story, cleared, 30, reason="wrong_time", time="2024-05-01T19:08:00Z")
    correct(story, cleared, 31, device=TABLET_B, reason="wrong_detail", data={"disposition": "16"})
    timeline = derive(story.facts)
    assert timeline.times["closed"].at == at(8)
    assert timeline.closing is not None
    assert timeline.closing.disposition == "16"


def test_corrections_of_one_device_count_in_its_order_whichever_arrives_first() -> None:
    story, en_route = driving()
    data = {"corrects": str(en_route.id), "reason": "wrong_time"}
    fields = {"device": TABLET_A, "clock_offset_ms": 0, "author_id": BOB}
    for counter, time in ((9, "2024-05-01T19:01:45Z"), (8, "2024-05-01T19:01:30Z")):
        story.add("corrected", 30, counter=counter, data={**data, "time": time}, **fields)
    assert derive(story.facts).times["en_route"].at == at(1.75)


def test_a_fact_taken_back_counts_again_when_it_is_corrected_later() -> None:
    story, en_route = driving()
    story.undo(en_route, 2.1)
    correct(story, en_route, 5, reason="wrong_time", time="2024-05-01T19:03:00Z")
    timeline = derive(story.facts)
    assert (timeline.state, timeline.times["en_route"].at) == ("en_route", at(3))


def test_taking_a_fact_back_takes_its_corrections_along() -> None:
    story, en_route = driving()
    correct(story, en_route, 5, reason="wrong_time", time="2024-05-01T19:03:00Z")
    correct(story, en_route, 6, reason="did_not_happen")
    correct(story, en_route, 7, reason="wrong_event", event="staged")
    timeline = derive(story.facts)
    assert (timeline.state, timeline.times["staged"].at) == ("staged", at(2))


def test_corrections_of_different_details_both_hold() -> None:
    story, _ = driving()
    cleared = story.tap("cleared", 9, disposition="18")
    correct(story, cleared, 20, reason="wrong_detail", data={"disposition": "16"})
    correct(story, cleared, 21, reason="wrong_detail", data={"note": "gave water"})
    current = standing(derive(story.facts), cleared).data
    assert current == {"disposition": "16", "note": "gave water"}


def test_a_correction_waits_for_its_fact() -> None:
    story, en_route = driving()
    undo = story.undo(en_route, 2.1)
    without = [fact for fact in story.facts if fact is not en_route]
    waiting = derive(without)
    assert waiting.flags_of(undo.id) == ("target_missing",)
    assert standing(waiting, undo).counts is False
    for order in permutations(story.facts):
        assert derive(order).state == "acknowledged"


def test_corrections_in_a_circle_have_no_effect() -> None:
    story, en_route = driving()
    one = story.undo(en_route, 2.1)
    two = story.undo(one, 2.2)
    round_about = story.add(
        "corrected", 2, id=one.id, order=one.order, data={"corrects": str(two.id)}
    )
    facts = [fact for fact in story.facts if fact.id != one.id] + [round_about]
    timeline = derive(facts)
    assert timeline.state == "en_route"
    assert "correction_cycle" in timeline.flags_of(one.id)
    assert "correction_cycle" in timeline.flags_of(two.id)


def test_a_correction_of_itself_has_no_effect() -> None:
    story, _ = driving()
    fact = story.add("corrected", 3, data={})
    itself = story.add("corrected", 3, id=fact.id, order=0, data={"corrects": str(fact.id)})
    timeline = derive([itself, *story.facts])
    assert timeline.state == "en_route"
    assert "correction_cycle" in timeline.flags_of(fact.id)


def test_a_chain_longer_than_the_stack_is_followed() -> None:
    story, fact = driving()
    for _ in range(3001):
        fact = story.undo(fact, 2.1)
    assert derive(story.facts).state == "acknowledged"
    story.undo(fact, 2.1)
    assert derive(story.facts).state == "en_route"


@pytest.mark.parametrize("event", ["corrected", "beamed_up", 7])
def test_a_correction_cannot_make_a_fact_what_it_cannot_be(event: object) -> None:
    story, en_route = driving()
    correct(story, en_route, 3, reason="wrong_event", event=event)
    assert derive(story.facts).state == "en_route"
