"""The handoff between police, fire and CARE."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.assignments.timeline import Handoff, PairedUnit, ledger
from tests.unit.assignments.facts import TABLET_B, Story, at

OTHER_ASSIGNMENT = UUID(int=2)


def on_scene() -> Story:
    story = Story()
    story.cad("assigned", 0)
    story.tap("acknowledged", 1)
    story.tap("on_scene", 10)
    return story


def minutes(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds() / 60


def test_time_given_back_runs_from_release_to_cleared() -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    story.tap("contact_made", 12)
    story.tap("police_released", 20, unit="2K3", decided_by="together", care_agreed=True)
    running = ledger(story.facts).police
    assert (running.given_back, running.complete) == (None, False)
    story.tap("cleared", 50, disposition="18")
    handoff = ledger(story.facts)
    police = handoff.police
    assert handoff.care_cleared_at == at(50)
    assert (minutes(police.given_back), police.complete) == (30, True)
    assert police.arrived is not None
    assert (police.arrived.at, police.released_at) == (at(5), at(20))
    [unit] = police.units
    assert (unit.call_sign, unit.flags) == ("2K3", ())
    [stay] = unit.stays
    assert (stay.decided_by, stay.care_agreed) == ("together", True)


def test_the_sum_runs_over_the_units_of_each_agency() -> None:
    story = on_scene()
    for unit, agency, released in (("2K3", "spd", 20), ("2K4", "spd", 35), ("E10", "sfd", 15)):
        story.police(unit, "arrived", 5, agency)
        story.police(unit, "cleared", released, agency)
    story.tap("cleared", 50, disposition="18")
    handoff = ledger(story.facts)
    assert minutes(handoff.police.given_back) == 30 + 15
    assert minutes(handoff.fire.given_back) == 35
    assert [unit.call_sign for unit in handoff.police.units] == ["2K3", "2K4"]


def test_a_unit_that_leaves_after_care_gave_nothing_and_costs_nothing() -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    story.police("2K3", "cleared", 60)
    story.tap("cleared", 50, disposition="18")
    assert minutes(ledger(story.facts).police.given_back) == 0


def test_a_unit_that_was_never_released_gave_nothing() -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    story.tap("cleared", 50, disposition="18")
    police = ledger(story.facts).police
    assert (minutes(police.given_back), police.released_at) == (0, None)
    assert police.units[0].flags == ("not_released",)


def test_only_the_last_release_of_a_unit_that_came_back_counts() -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    story.police("2K3", "cleared", 15)
    story.tap("scene_unsafe", 20)
    story.police("2K3", "arrived", 25)
    story.police("2K3", "cleared", 40)
    story.tap("cleared", 50, disposition="18")
    [unit] = ledger(story.facts).police.units
    assert minutes(unit.given_back) == 10
    assert len(unit.stays) == 2


def test_a_unit_that_came_back_and_stayed_gave_nothing() -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    story.police("2K3", "cleared", 15)
    story.police("2K3", "arrived", 25)
    story.tap("cleared", 50, disposition="18")
    assert minutes(ledger(story.facts).police.given_back) == 0


def test_another_unit_that_comes_later_takes_nothing_back_from_the_first() -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    story.tap("police_released", 15)
    story.tap("scene_unsafe", 20)
    story.police("2K7", "arrived", 25)
    story.tap("police_released", 40)
    story.tap("cleared", 50, disposition="18")
    by_unit = {
        unit.call_sign: minutes(unit.given_back) for unit in ledger(story.facts).police.units
    }
    assert by_unit == {"2K3": 35, "2K7": 10}


def test_cad_and_a_tap_tell_of_one_release_and_the_earlier_counts() -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    story.tap("police_arrived", 6, unit="2k3")
    story.tap("police_released", 20, unit="2K3", decided_by="spd", care_agreed=False)
    story.police("2K3", "cleared", 24)
    story.tap("cleared", 50, disposition="18")
    [unit] = ledger(story.facts).police.units
    [stay] = unit.stays
    assert minutes(unit.given_back) == 30
    assert stay.arrived is not None
    assert stay.released is not None
    assert stay.released.confirmed
    assert [claim.at for claim in stay.released.claims] == [at(20), at(24)]
    assert (stay.decided_by, stay.care_agreed) == ("spd", False)


def test_an_arrival_that_reaches_the_server_late_is_no_second_arrival() -> None:
    story = on_scene()
    story.tap("police_released", 20, unit="2K3")
    story.police("2K3", "arrived", 5)
    story.tap("cleared", 50, disposition="18")
    assert minutes(ledger(story.facts).police.given_back) == 30


def test_arrival_and_release_in_one_second_is_one_stay() -> None:
    story = on_scene()
    story.police("2K3", "cleared", 15)
    story.police("2K3", "arrived", 15)
    story.tap("cleared", 50, disposition="18")
    assert minutes(ledger(story.facts).police.given_back) == 35


def test_a_release_that_names_no_unit_is_that_of_the_only_one() -> None:
    story = on_scene()
    story.tap("police_released", 20)
    story.tap("cleared", 50, disposition="18")
    [unit] = ledger(story.facts, [PairedUnit("2k3", "spd")]).police.units
    assert (unit.call_sign, minutes(unit.given_back)) == ("2K3", 30)
    assert unit.flags == ("arrival_missing",)


def test_a_release_that_names_no_unit_is_that_of_all_that_arrived() -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    story.police("2K4", "arrived", 8)
    story.police("2K5", "en_route", 8)
    story.tap("police_released", 20)
    story.tap("cleared", 50, disposition="18")
    by_unit = {
        unit.call_sign: minutes(unit.given_back) for unit in ledger(story.facts).police.units
    }
    assert by_unit == {"2K3": 30, "2K4": 30, "2K5": 0}


def test_where_no_unit_is_known_to_have_come_one_is_counted() -> None:
    story = on_scene()
    story.tap("police_arrived", 5)
    story.tap("police_released", 20)
    story.tap("police_released", 20.1, device=TABLET_B)
    story.tap("cleared", 50, disposition="18")
    for units in ([], [PairedUnit("2K3", "spd"), PairedUnit("2K4", "spd")]):
        police = ledger(story.facts, units).police
        assert minutes(police.given_back) == 30
        assert police.units[-1].call_sign is None


def test_an_arrival_nobody_named_is_seen_but_not_counted_beside_the_named() -> None:
    story = on_scene()
    story.tap("police_arrived", 4)
    story.police("2K3", "arrived", 5)
    story.police("2K4", "arrived", 6)
    story.tap("cleared", 50, disposition="18")
    police = ledger(story.facts).police
    assert police.arrived is not None
    assert police.arrived.at == at(4)
    assert [unit.call_sign for unit in police.units] == ["2K3", "2K4"]


def test_a_unit_taken_off_the_call_was_not_released() -> None:
    story = on_scene()
    story.police("2K3", "dispatched", 1)
    story.police("2K3", "cancelled", 5)
    story.tap("cleared", 50, disposition="18")
    [unit] = ledger(story.facts).police.units
    assert (minutes(unit.given_back), unit.stays) == (0, ())


def test_a_release_before_care_was_there_is_flagged() -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    story.police("2K3", "cleared", 8)
    story.tap("cleared", 50, disposition="18")
    [unit] = ledger(story.facts).police.units
    assert (minutes(unit.given_back), unit.flags) == (42, ("released_before_care",))


def test_a_release_without_a_time_leaves_the_sum_incomplete() -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    story.police("2K3", "cleared", None)
    story.police("2K4", "arrived", 5)
    story.police("2K4", "cleared", 20)
    story.tap("cleared", 50, disposition="18")
    police = ledger(story.facts).police
    assert (minutes(police.given_back), police.complete) == (30, False)
    assert police.units[0].flags == ("missing_time",)


@pytest.mark.parametrize(
    ("closing", "given_back"), [("unable_to_locate", 20), ("cancelled", 0), ("declined", 0)]
)
def test_care_gives_time_back_only_where_it_took_over(closing: str, given_back: float) -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    story.police("2K3", "cleared", 20)
    story.tap(closing, 40, agency="spd", reason="handled")
    assert minutes(ledger(story.facts).police.given_back) == given_back


def test_a_reopened_assignment_is_not_cleared() -> None:
    story = on_scene()
    story.police("2K3", "cleared", 20)
    story.tap("cleared", 50, disposition="18")
    story.cad("reopened", 55)
    handoff = ledger(story.facts)
    assert (handoff.care_cleared_at, handoff.police.given_back) == (None, None)


def test_of_several_care_units_the_last_one_to_clear_counts_and_police_once() -> None:
    story = on_scene()
    other: dict[str, Any] = {"assignment_id": OTHER_ASSIGNMENT, "unit": "CARE22", "source": "cad"}
    story.add("assigned", 0, **other)
    story.police("2K3", "cleared", 20)
    status = {"agency": "spd", "unit": "2K3", "status": "cleared"}
    story.add("cad_status", 20, **other, data=status)
    story.tap("cleared", 50, disposition="18")
    assert ledger(story.facts).care_cleared_at is None
    story.add("cleared", 55, **other, data={"disposition": "18"})
    handoff = ledger(story.facts)
    assert handoff.care_cleared_at == at(55)
    assert minutes(handoff.police.given_back) == 35


def test_a_correction_changes_the_ledger() -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    release = story.tap("police_released", 20, unit="2K3")
    story.tap("cleared", 50, disposition="18")
    story.tap(
        "corrected",
        60,
        corrects=str(release.id),
        reason="wrong_time",
        time="2024-05-01T19:30:00Z",
    )
    assert minutes(ledger(story.facts).police.given_back) == 20


def test_scene_secured_says_by_whom() -> None:
    story = on_scene()
    assert ledger(story.facts).scene == "not_stated"
    story.tap("scene_secured", 11, agency="spd", unit="2K3")
    handoff = ledger(story.facts)
    assert handoff.scene == "secured"
    assert handoff.secured is not None
    assert (handoff.secured.at, handoff.secured.agency, handoff.secured.unit) == (
        at(11),
        "spd",
        "2K3",
    )


def test_no_longer_safe_holds_until_the_scene_is_secured_again() -> None:
    story = on_scene()
    story.tap("scene_secured", 11, agency="spd", unit="2K3")
    story.tap("scene_unsafe", 20, device=TABLET_B)
    assert (ledger(story.facts).scene, ledger(story.facts).secured) == ("unsafe", None)
    story.tap("scene_secured", 25, agency="spd", unit="2K7")
    handoff = ledger(story.facts)
    assert handoff.secured is not None
    assert (handoff.scene, handoff.secured.unit) == ("secured", "2K7")
    assert [change.kind for change in handoff.scene_changes] == ["secured", "unsafe", "secured"]


def test_an_old_secured_that_arrives_late_does_not_make_the_scene_safe() -> None:
    story = on_scene()
    story.tap("scene_unsafe", 20)
    story.tap("scene_secured", 11, device=TABLET_B, agency="spd")
    assert ledger(story.facts).scene == "unsafe"


def test_a_clock_alone_does_not_make_the_scene_safe() -> None:
    story = on_scene()
    story.tap("scene_secured", 25, device=TABLET_B, agency="spd")
    story.tap("scene_unsafe", 20)
    assert ledger(story.facts).scene == "unsafe"


def test_no_longer_safe_taken_back_leaves_the_scene_secured() -> None:
    story = on_scene()
    story.tap("scene_secured", 11, agency="spd")
    warning = story.tap("scene_unsafe", 20)
    story.undo(warning, 20.1)
    assert ledger(story.facts).scene == "secured"


def test_one_device_secures_what_it_had_called_unsafe_whatever_its_clock() -> None:
    story = on_scene()
    story.tap("scene_unsafe", None)
    story.tap("scene_secured", None, agency="spd")
    assert ledger(story.facts).scene == "secured"


def test_declined_lists_units_and_reasons_once() -> None:
    story = on_scene()
    story.tap("declined", 11, agency="spd", unit="2K3", reason="handled", officer="Jane Doe")
    story.tap("declined", 12, device=TABLET_B, agency="spd", unit="2k3", reason="handled")
    story.tap("declined", 13, agency="care", unit="CARE21", reason="weapon")
    declined = ledger(story.facts).declined
    assert [(one.agency, one.unit, one.reason, one.safety) for one in declined] == [
        ("spd", "2K3", "handled", False),
        ("care", "CARE21", "weapon", True),
    ]
    assert declined[0].told.at == at(11)
    assert "Jane" not in repr(ledger(story.facts))


def test_requests_are_listed() -> None:
    story = Story()
    story.cad("assigned", 0, entry="request_spd")
    story.add("assigned", 0.1, source="system", data={"entry": "request_spd"})
    story.tap("assist", 20, agency="spd")
    story.tap("assist", 30)
    requests = [(one.kind, one.agency, one.told.at) for one in ledger(story.facts).requests]
    assert requests == [
        ("care_requested", "spd", at(0)),
        ("assist_requested", "spd", at(20)),
        ("assist_requested", None, at(30)),
    ]


def test_an_emergency_without_an_assignment_is_no_open_assignment() -> None:
    story = on_scene()
    story.police("2K3", "cleared", 20)
    story.add("emergency", 30, assignment_id=None)
    story.tap("cleared", 50, disposition="18")
    assert ledger(story.facts).police.complete


def test_statuses_of_other_agencies_make_no_assignment() -> None:
    story = on_scene()
    status = {"agency": "spd", "unit": "2K3", "status": "cleared"}
    story.add("cad_status", 20, source="cad", assignment_id=OTHER_ASSIGNMENT, data=status)
    story.tap("cleared", 50, disposition="18")
    assert minutes(ledger(story.facts).police.given_back) == 30


def test_without_facts_there_is_nothing_to_tell() -> None:
    handoff = ledger([], [PairedUnit("2K3", "spd")])
    assert (handoff.scene, handoff.declined, handoff.police.given_back) == ("not_stated", (), None)


def names_of(value: object) -> set[str]:
    """The names of every field reachable from a dataclass instance."""
    if isinstance(value, tuple):
        return set().union(*(names_of(inner) for inner in value))
    if not is_dataclass(value):
        return set()
    own = {field.name for field in fields(value)}
    return own.union(*(names_of(getattr(value, name)) for name in own))


def test_the_ledger_knows_no_responder() -> None:
    story = on_scene()
    story.police("2K3", "arrived", 5)
    story.tap("scene_secured", 11, agency="spd", unit="2K3")
    release = story.tap("police_released", 20, unit="2K3", note="Jane Doe said so")
    story.tap("corrected", 21, corrects=str(release.id), reason="wrong_detail", data={"note": "x"})
    story.tap("declined", 22, agency="spd", unit="2K3", reason="handled")
    story.tap("assist", 23)
    story.tap("cleared", 50, disposition="18")
    handoff = ledger(story.facts)
    assert isinstance(handoff, Handoff)
    names = names_of(handoff)
    assert {"claims", "stays", "reason"} <= names  # the walk reaches the depths
    assert not [name for name in names if "author" in name or "responder" in name]
    assert "device" not in names
    assert "Jane" not in repr(handoff)
    for person in {str(fact.author_id) for fact in story.facts if fact.author_id}:
        assert person not in repr(handoff)
