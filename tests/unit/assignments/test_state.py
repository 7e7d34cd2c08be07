"""Where an assignment stands."""

from __future__ import annotations

from itertools import permutations

import pytest

from apps.assignments.timeline import derive
from tests.unit.assignments.facts import TABLET_A, TABLET_B, Story, at


def dispatched() -> Story:
    story = Story()
    story.cad("assigned", 0)
    return story


def in_contact() -> Story:
    story = dispatched()
    for minute, event in enumerate(("acknowledged", "en_route", "on_scene", "contact_made"), 1):
        story.tap(event, minute)
    return story


def codes_of(story: Story) -> set[str]:
    return {flag.code for flag in derive(story.facts).flags}


def test_without_facts_it_is_assigned_and_unacknowledged() -> None:
    timeline = derive([])
    assert (timeline.state, timeline.needs_ack, timeline.times) == ("assigned", True, {})
    assert all(duration.length is None for duration in timeline.durations.values())


def test_the_whole_way() -> None:
    story = dispatched()
    states = []
    for minute, event in enumerate(
        (
            "received",
            "acknowledged",
            "en_route",
            "staged",
            "on_scene",
            "contact_made",
            "transporting",
            "arrived_destination",
        ),
        1,
    ):
        story.tap(event, minute)
        states.append(derive(story.facts).state)
    story.tap("cleared", 20, disposition="16")
    timeline = derive(story.facts)
    assert states == [
        "received",
        "acknowledged",
        "en_route",
        "staged",
        "on_scene",
        "contact",
        "transporting",
        "at_destination",
    ]
    assert timeline.state == "closed"
    assert timeline.closing is not None
    assert (timeline.closing.kind, timeline.closing.disposition) == ("cleared", "16")
    assert timeline.flags == ()


def test_a_partners_late_tap_does_not_move_the_unit_back() -> None:
    story = dispatched()
    story.tap("on_scene", 5)
    story.tap("en_route", 2, device=TABLET_B)
    assert derive(story.facts).state == "on_scene"
    assert codes_of(story) == set()


def test_a_second_acknowledgement_does_not_move_the_unit_back() -> None:
    story = in_contact()
    story.tap("acknowledged", 6, call_revision=2)
    assert derive(story.facts).state == "contact"
    assert codes_of(story) == set()


def test_who_withdraws_after_arriving_is_staged() -> None:
    story = in_contact()
    story.tap("scene_unsafe", 6)
    story.tap("staged", 7)
    assert derive(story.facts).state == "staged"
    assert codes_of(story) == set()
    story.tap("on_scene", 12)
    timeline = derive(story.facts)
    assert timeline.state == "on_scene"
    assert timeline.times["on_scene"].at == at(3)
    assert "staged" not in timeline.times


def test_a_partner_who_never_arrived_withdraws_nobody() -> None:
    story = in_contact()
    story.tap("staged", 2.5, device=TABLET_B)
    assert derive(story.facts).state == "contact"


def test_a_person_is_taken_further() -> None:
    story = in_contact()
    story.tap("transporting", 5)
    story.tap("arrived_destination", 9)
    story.tap("transporting", 11)
    assert derive(story.facts).state == "transporting"
    assert codes_of(story) == set()


def test_an_impossible_order_on_one_device_is_taken_and_flagged() -> None:
    story = dispatched()
    story.tap("on_scene", 5)
    odd = story.tap("en_route", 6)
    timeline = derive(story.facts)
    assert timeline.state == "on_scene"
    assert "impossible_sequence" in timeline.flags_of(odd.id)


@pytest.mark.parametrize(
    "events",
    [
        ("en_route", "contact_made"),
        ("on_scene", "transporting"),
        ("contact_made", "on_scene", "arrived_destination"),
    ],
)
def test_skipped_steps_are_flagged(events: tuple[str, ...]) -> None:
    story = dispatched()
    for minute, event in enumerate(events, 1):
        story.tap(event, minute)
    assert "impossible_sequence" in codes_of(story)


@pytest.mark.parametrize("event", ["unable_to_locate", "cancelled", "declined"])
@pytest.mark.parametrize("reached", [0, 1, 2, 3])
def test_two_taps_close_before_contact(event: str, reached: int) -> None:
    story = dispatched()
    for minute, tapped in enumerate(("acknowledged", "en_route", "on_scene")[:reached], 1):
        story.tap(tapped, minute)
    story.tap(event, 9, agency="care", reason="weapon")
    timeline = derive(story.facts)
    assert timeline.state == "closed"
    assert timeline.closing is not None
    assert timeline.closing.kind == event
    assert timeline.closing_refused == ()


@pytest.mark.parametrize("event", ["unable_to_locate", "cancelled", "declined"])
@pytest.mark.parametrize("source", ["tablet", "cad", "desk"])
def test_two_taps_do_not_close_once_contact_was_made(event: str, source: str) -> None:
    story = in_contact()
    refused = story.add(event, 9, source=source, data={"agency": "spd", "reason": "handled"})
    timeline = derive(story.facts)
    assert timeline.state == "contact"
    assert timeline.closing is None
    [refusal] = timeline.closing_refused
    assert (refusal.fact, refusal.event) == (refused.id, event)
    assert "disposition" in refusal.why
    assert "closing_refused" in timeline.flags_of(refused.id)
    story.tap("cleared", 12, disposition="18")
    assert derive(story.facts).state == "closed"


def test_a_transport_is_contact_too() -> None:
    story = dispatched()
    story.tap("transporting", 3)
    story.tap("cancelled", 4)
    assert derive(story.facts).state == "transporting"


def test_contact_that_arrives_after_the_closing_opens_it_again() -> None:
    story = dispatched()
    story.tap("on_scene", 3)
    story.tap("unable_to_locate", 5)
    late = story.tap("contact_made", 6, device=TABLET_B)
    for order in permutations(story.facts):
        timeline = derive(order)
        assert timeline.state == "contact"
        assert len(timeline.closing_refused) == 1
        assert "contact_after_close" in timeline.flags_of(late.id)


def test_contact_undone_lets_the_closing_close() -> None:
    story = dispatched()
    story.tap("on_scene", 3)
    contact = story.tap("contact_made", 4)
    story.tap("unable_to_locate", 5)
    story.undo(contact, 6)
    assert derive(story.facts).state == "closed"


def test_taps_after_the_closing_are_flagged_and_change_nothing() -> None:
    story = in_contact()
    story.tap("cleared", 5, disposition="18")
    drive = story.tap("transporting", 6)
    staged = story.tap("staged", 7)
    timeline = derive(story.facts)
    assert timeline.state == "closed"
    assert "contact_after_close" in timeline.flags_of(drive.id)
    assert "after_close" in timeline.flags_of(staged.id)


def test_a_tap_from_before_the_closing_that_arrives_late_is_not_flagged() -> None:
    story = in_contact()
    story.tap("cleared", 9, disposition="18")
    late = story.tap("on_scene", 3.2, device=TABLET_B)
    assert derive(story.facts).flags_of(late.id) == ()


def test_the_first_closing_closes_and_another_is_flagged() -> None:
    story = dispatched()
    story.tap("unable_to_locate", 5)
    other = story.tap("cancelled", 6, device=TABLET_B)
    confirmed = story.cad("unable_to_locate", 7)
    timeline = derive(story.facts)
    assert timeline.closing is not None
    assert timeline.closing.kind == "unable_to_locate"
    assert timeline.flags_of(other.id) == ("already_closed",)
    assert timeline.flags_of(confirmed.id) == ()


@pytest.mark.parametrize(
    ("before", "event", "disposition"),
    [
        ((), "unable_to_locate", "14"),
        ((), "cancelled", "32"),
        (("en_route",), "cancelled", "21"),
        (("on_scene",), "cancelled", "10"),
        (("on_scene",), "declined", "35"),
        (("en_route",), "declined", "21"),
        ((), "cleared", None),
    ],
)
def test_a_short_closing_carries_its_usual_disposition(
    before: tuple[str, ...], event: str, disposition: str | None
) -> None:
    story = dispatched()
    for tapped in before:
        story.tap(tapped, 2)
    story.tap(event, 5)
    closing = derive(story.facts).closing
    assert closing is not None
    assert closing.disposition == disposition


def test_a_named_disposition_stands() -> None:
    story = dispatched()
    story.tap("cancelled", 5, disposition="22")
    closing = derive(story.facts).closing
    assert closing is not None
    assert closing.disposition == "22"


def test_either_tablet_acknowledges() -> None:
    story = dispatched()
    assert derive(story.facts).needs_ack
    story.tap("acknowledged", 1, device=TABLET_B, call_revision=1)
    timeline = derive(story.facts)
    assert (timeline.needs_ack, timeline.acknowledged_revision) == (False, 1)


def test_a_material_update_asks_again_and_an_old_tap_does_not_answer_it() -> None:
    story = dispatched()
    story.tap("acknowledged", 1, call_revision=1)
    story.tap("en_route", 2, call_revision=2)
    assert derive(story.facts, call_revision=2).needs_ack
    story.tap("acknowledged", 3, device=TABLET_B, call_revision=1)
    assert derive(story.facts, call_revision=2).needs_ack
    story.tap("acknowledged", 4, call_revision=2)
    timeline = derive(story.facts, call_revision=2)
    assert (timeline.needs_ack, timeline.state) == (False, "en_route")


def test_an_acknowledgement_taken_back_is_none() -> None:
    story = dispatched()
    tap = story.tap("acknowledged", 1, call_revision=1)
    story.undo(tap, 1.1)
    assert derive(story.facts).needs_ack


def test_a_radio_acknowledgement_is_one_of_the_call_as_given() -> None:
    story = dispatched()
    story.cad("acknowledged", 1)
    assert not derive(story.facts).needs_ack
    assert derive(story.facts, call_revision=2).needs_ack


def test_a_tablets_acknowledgement_without_a_revision_is_flagged() -> None:
    story = dispatched()
    tap = story.tap("acknowledged", 1, call_revision=None)
    timeline = derive(story.facts)
    assert not timeline.needs_ack
    assert timeline.flags_of(tap.id) == ("revision_unknown",)


def test_who_drives_has_read_the_call_as_given() -> None:
    story = dispatched()
    story.tap("en_route", 1)
    assert derive(story.facts).needs_ack
    story.tap("on_scene", 2, call_revision=1)
    assert not derive(story.facts).needs_ack
    assert derive(story.facts, call_revision=2).needs_ack


def test_what_cad_tells_of_the_unit_is_no_sign_that_a_tablet_was_read() -> None:
    story = dispatched()
    story.cad("en_route", 1, call_revision=1)
    assert derive(story.facts).needs_ack


def test_what_is_closed_needs_no_acknowledgement() -> None:
    story = dispatched()
    story.cad("cancelled", 1)
    assert not derive(story.facts, call_revision=7).needs_ack


def test_receiving_acknowledges_nothing() -> None:
    story = dispatched()
    story.tap("received", 1, call_revision=1)
    assert derive(story.facts).needs_ack


def test_who_starts_an_assignment_has_no_call_to_acknowledge() -> None:
    story = Story()
    story.tap("opened", 0, entry="on_view")
    story.tap("contact_made", 1)
    timeline = derive(story.facts)
    assert (timeline.state, timeline.needs_ack) == ("contact", False)
    assert timeline.times["assigned"].at == at(0)
    assert "acknowledged" not in timeline.times
    assert timeline.flags == ()


def test_reopening_begins_anew_and_keeps_what_was() -> None:
    story = in_contact()
    story.tap("cleared", 5, disposition="18")
    reopened = story.cad("reopened", 30)
    timeline = derive(story.facts)
    assert (timeline.state, timeline.needs_ack, timeline.closing) == ("assigned", True, None)
    assert timeline.times["assigned"].at == at(30)
    assert timeline.current.began_by == reopened.id
    [earlier] = timeline.earlier
    assert earlier.closing is not None
    assert earlier.times["contact"].at == at(4)
    story.tap("acknowledged", 31, call_revision=1)
    story.tap("unable_to_locate", 40)
    assert derive(story.facts).state == "closed"


def test_a_call_given_at_a_later_revision_is_acknowledged_as_such() -> None:
    story = in_contact()
    story.tap("cleared", 5, disposition="18")
    story.cad("reopened", 30, call_revision=3)
    story.tap("on_scene", 4.5, device=TABLET_B, call_revision=1)  # from before, surfacing now
    assert derive(story.facts, call_revision=3).needs_ack
    story.cad("acknowledged", 31)
    assert not derive(story.facts, call_revision=3).needs_ack


def test_reopening_what_is_open_is_flagged_and_changes_nothing() -> None:
    story = in_contact()
    odd = story.desk("reopened", 9)
    timeline = derive(story.facts)
    assert (timeline.state, timeline.earlier) == ("contact", ())
    assert timeline.flags_of(odd.id) == ("not_closed",)


def test_another_unit_starts_from_the_beginning() -> None:
    story = in_contact()
    story.add("reassigned", 9, source="desk", unit="CARE22", data={"from_unit": "CARE21"})
    timeline = derive(story.facts)
    assert (timeline.state, timeline.unit, timeline.needs_ack) == ("assigned", "CARE22", True)
    assert timeline.times["assigned"].at == at(9)


def test_the_old_units_late_taps_stay_with_the_old_unit() -> None:
    story = in_contact()
    story.add("reassigned", 9, source="desk", unit="CARE22")
    late = story.tap("staged", 2.5, device=TABLET_B)
    story.add("en_route", 11, source="tablet", unit="CARE22", device=TABLET_A, counter=99)
    timeline = derive(story.facts)
    assert timeline.state == "en_route"
    assert timeline.earlier[0].times["staged"].chosen.fact == late.id


def test_a_tap_by_a_third_unit_counts_and_is_flagged() -> None:
    story = dispatched()
    tap = story.add("on_scene", 5, unit="CARE29", clock_offset_ms=0)
    timeline = derive(story.facts)
    assert timeline.state == "on_scene"
    assert timeline.flags_of(tap.id) == ("other_unit",)


def test_giving_a_call_to_the_unit_that_has_it_changes_nothing() -> None:
    story = in_contact()
    odd = story.desk("reassigned", 9)
    timeline = derive(story.facts)
    assert timeline.state == "contact"
    assert timeline.flags_of(odd.id) == ("already_assigned",)


def test_the_first_unit_may_be_known_from_the_reassignment_alone() -> None:
    story = Story()
    story.add("reassigned", 9, source="desk", unit="CARE22", data={"from_unit": "care21"})
    assert derive(story.facts).earlier[0].unit == "CARE21"


def test_facts_about_others_do_not_move_the_unit() -> None:
    story = dispatched()
    story.tap("en_route", 1, device=TABLET_A)
    story.police("2K3", "cleared", 2)
    story.tap("police_arrived", 3)
    story.tap("scene_secured", 4, agency="spd", unit="2K3")
    story.tap("assist", 5)
    story.tap("emergency", 6)
    assert derive(story.facts).state == "en_route"


def test_an_unknown_event_is_kept_and_flagged() -> None:
    story = dispatched()
    odd = story.tap("beamed_up", 1)
    timeline = derive(story.facts)
    assert timeline.flags_of(odd.id) == ("unknown_event",)
    assert timeline.history[-1].fact == odd
    assert timeline.history[-1].counts is False
