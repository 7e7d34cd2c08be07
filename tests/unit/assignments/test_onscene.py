"""What check-ins go by: a stay at the scene, and when the crew was last heard of."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import UUID

import pytest

from apps.assignments.timeline import OnScene, derive, on_scene
from tests.unit.assignments.facts import TABLET_B, Story, at

EVERY = timedelta(minutes=20)


@pytest.fixture
def story() -> Story:
    """A crew that is on scene since ten minutes past noon."""
    begun = Story()
    begun.cad("assigned", 0)
    begun.tap("acknowledged", 1)
    begun.tap("on_scene", 10)
    return begun


def stay(story: Story) -> OnScene:
    found = on_scene(derive(story.facts))
    assert found is not None
    return found


class TestTheStay:
    def test_begins_when_the_first_of_them_is_there(self, story: Story) -> None:
        story.tap("on_scene", 14, device=TABLET_B)
        assert stay(story).since == at(10)

    @pytest.mark.parametrize("event", ["on_scene", "contact_made"])
    def test_begins_by_cads_word_too(self, event: str) -> None:
        told = Story()
        told.cad("assigned", 0)
        told.cad(event, 7)
        assert stay(told).heard_at == at(7)

    def test_that_names_no_time_begins_when_it_was_told(self) -> None:
        told = Story()
        told.cad("assigned", 0)
        fact = told.cad("on_scene", None)
        assert stay(told).since == fact.received_at

    @pytest.mark.parametrize(
        ("event", "data"),
        [
            ("transporting", {}),
            ("cleared", {"disposition": "18"}),
            ("unable_to_locate", {}),
            ("declined", {"agency": "care", "reason": "weapon"}),
            ("cancelled", {"by": "dispatch"}),
            ("staged", {}),  # withdrawn, by the tablet that was on scene
        ],
    )
    def test_ends_when_they_leave(self, story: Story, event: str, data: dict[str, str]) -> None:
        story.tap(event, 20, **data)
        assert on_scene(derive(story.facts)) is None

    def test_ends_with_another_unit(self, story: Story) -> None:
        story.add("reassigned", 20, source="desk", unit="CARE22", data={"from_unit": "CARE21"})
        assert on_scene(derive(story.facts)) is None

    @pytest.mark.parametrize("event", ["assigned", "en_route", "staged"])
    def test_has_not_begun_before(self, event: str) -> None:
        told = Story()
        told.tap(event, 5)
        assert on_scene(derive(told.facts)) is None

    def test_is_over_for_a_mis_tap(self, story: Story) -> None:
        story.undo(story.facts[-1], 10.1)
        assert on_scene(derive(story.facts)) is None


class TestContact:
    @pytest.mark.parametrize(
        ("event", "source", "counts"),
        [
            ("check_in", "tablet", True),
            ("check_in", "desk", True),
            ("scene_secured", "tablet", True),
            ("police_released", "tablet", True),
            ("contact_made", "tablet", True),
            ("received", "tablet", False),  # by itself
            ("emergency", "tablet", False),  # not well
            ("assist", "tablet", False),
            ("scene_unsafe", "tablet", False),
            ("contact_made", "desk", False),  # the desk's own doing, for all that is known
            ("contact_made", "cad", False),
        ],
    )
    def test_is_what_one_of_the_crew_did_themselves(
        self, story: Story, event: str, source: str, counts: bool
    ) -> None:
        device = {"device": TABLET_B, "counter": 1} if source == "tablet" else {}
        clock = {"clock_offset_ms": 0, "clock_uncertainty_ms": 50} if source == "tablet" else {}
        story.add(event, 25, source=source, **device, **clock)
        assert stay(story).heard_at == at(25 if counts else 10)

    def test_of_another_unit_is_none(self, story: Story) -> None:
        story.add("check_in", 25, source="tablet", unit="CARE22", device=TABLET_B, counter=1)
        assert stay(story).heard_at == at(10)

    def test_of_a_supervisor_who_is_no_crew_is_none_but_for_their_word(self, story: Story) -> None:
        told = {"source": "tablet", "unit": None, "device": TABLET_B}
        story.add("scene_secured", 25, counter=1, **told)
        assert stay(story).heard_at == at(10)
        story.add("check_in", 26, counter=2, **told)
        assert stay(story).heard_at == at(26)

    def test_is_when_it_was_made_not_when_it_came(self, story: Story) -> None:
        story.tap("check_in", 24)
        late = story.facts.pop()
        story.add(
            "check_in", 24, device=late.device, counter=9, clock_offset_ms=0, received_at=at(50)
        )
        assert stay(story).heard_at == at(24)

    def test_by_a_clock_that_was_measured_to_be_off(self, story: Story) -> None:
        hours = timedelta(hours=3)
        story.add(
            "check_in",
            25 - 180,
            device=TABLET_B,
            counter=1,
            clock_offset_ms=-int(hours.total_seconds() * 1000),
            clock_uncertainty_ms=100,
            received_at=at(25),
        )
        assert stay(story).heard_at == at(25)

    @pytest.mark.parametrize("minute", [None, 90])
    def test_without_a_time_that_can_be_used_is_none(
        self, story: Story, minute: float | None
    ) -> None:
        story.add("check_in", minute, device=TABLET_B, counter=1, received_at=at(25))
        assert stay(story).heard_at == at(10)

    def test_by_a_clock_a_little_ahead_counts_from_when_it_came(self, story: Story) -> None:
        story.add("check_in", 26, device=TABLET_B, counter=1, received_at=at(25))
        assert stay(story).heard_at == at(25)

    def test_that_was_taken_back_leaves_the_taking_back(self, story: Story) -> None:
        story.undo(story.tap("check_in", 25), 25.1)
        assert stay(story).heard_at == at(25.1)


class TestDue:
    def test_is_an_interval_after_the_last_contact(self, story: Story) -> None:
        story.tap("check_in", 25)
        assert stay(story).due_at(EVERY) == at(45)

    def test_is_an_interval_after_somebody_took_it_in_hand(self, story: Story) -> None:
        assert stay(story).due_at(EVERY, looked_after=at(34)) == at(54)
        assert stay(story).due_at(EVERY, looked_after=at(3)) == at(30)

    def test_is_not_before_it_was_known_that_they_are_there(self) -> None:
        told = Story()
        told.cad("assigned", 0)
        told.add("on_scene", 10, device=TABLET_B, counter=1, received_at=at(90))
        assert stay(told).due_at(EVERY) == at(90)


@pytest.mark.parametrize("seed", range(20))
def test_the_order_in_which_facts_are_given_never_matters(story: Story, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(8):
        minute = dice.uniform(11, 60)
        event = dice.choice(["check_in", "scene_secured", "received", "emergency", "contact_made"])
        device = dice.choice([UUID(int=0xA), TABLET_B])
        story.tap(event, minute, device=device)
    expected = on_scene(derive(story.facts))
    assert expected is not None
    for _ in range(5):
        assert on_scene(derive(dice.sample(story.facts, len(story.facts)))) == expected
