"""The smoke's verdict on referrals and webhooks: what is wrong is seen, what may be is not."""

from __future__ import annotations

from typing import Any

import pytest

from apps.simulator.agency import Heard
from apps.simulator.loops import Loops, compare_events, compare_links, compare_tasks

ASKED, TOLD = "referral.requested", "referral.answered"
TASK: dict[str, Any] = {"partner": "Shelter", "sent_at": "now", "answers": [{"verb": "accept"}]}


def heard(sequence: int, subject: str = "a", *, id: str = "", type: str = ASKED) -> Heard:
    return Heard(id or str(sequence), sequence, type, subject)


def events(*came: Heard, made: int | None = None) -> Loops:
    """What is found where so many events were made, and these came."""
    found = Loops()
    last = max(one.sequence for one in came) if made is None else made
    all_made = [{"id": str(n), "sequence": n, "type": ASKED} for n in range(1, last + 1)]
    compare_events(found, "Shelter", made=all_made, came=came)
    return found


def test_events_that_come_once_and_in_order_are_fine() -> None:
    found = events(heard(1), heard(2), heard(3, "b"))
    assert found == Loops(events=3)


def test_subjects_are_not_ordered_among_each_other_and_repeats_are_allowed() -> None:
    found = events(heard(2, "b"), heard(1), heard(3), heard(1), heard(2, "b"))
    assert (found.lost, found.two_ids, found.out_of_order) == ([], [], [])


def test_what_must_not_wait_may_overtake() -> None:
    found = events(heard(2, type="referral.cancelled"), heard(1))
    assert not found.out_of_order


def test_an_event_that_never_came_is_lost() -> None:
    assert "event 2" in events(heard(1), heard(3), made=3).lost[0]


def test_a_gap_in_what_was_made_is_seen() -> None:
    found = Loops()
    made = [{"id": str(n), "sequence": n, "type": ASKED} for n in (1, 3)]
    compare_events(found, "Shelter", made=made, came=[heard(1), heard(3)])
    assert "gap" in found.lost[0]


def test_one_event_under_two_ids_is_seen() -> None:
    assert "event 1" in events(heard(1), heard(1, id="other")).two_ids[0]


def test_a_later_event_of_a_subject_that_comes_first_is_seen() -> None:
    assert "event 1" in events(heard(2, type=TOLD), heard(1)).out_of_order[0]


@pytest.mark.parametrize(
    ("asked", "answered", "lost"),
    [
        ({"t"}, {"t": ["accept"]}, ""),
        (set(), {}, "never came"),
        ({"t"}, {"t": ["accept", "served"]}, "said served"),
        ({"t", "of an earlier run"}, {"of an earlier run": ["accept"]}, ""),
    ],
)
def test_tasks_and_answers(asked: set[str], answered: dict[str, list[str]], lost: str) -> None:
    found = Loops()
    compare_tasks(found, "Shelter", tasks={"t": TASK}, asked=asked, answered=answered)
    assert [lost in line for line in found.lost] == [True] * bool(lost)


def test_what_a_page_has_thanked_for_stands_in_the_referral() -> None:
    said = [{"verb": "accept", "way": "link"}, {"verb": "served", "way": "api"}]
    tasks = {"t": {**TASK, "answers": said}}
    found = Loops()
    compare_links(found, "Shelter", tasks=tasks, answered={"link": ["accept"]})
    assert not found.lost
    compare_links(found, "Shelter", tasks=tasks, answered={"link": ["accept", "served"]})
    assert "served by a link" in found.lost[0]
