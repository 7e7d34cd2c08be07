"""The smoke's verdict on follow-ups and their reminders: what is wrong is seen, what may be is
not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.simulator.figures import Figures
from apps.simulator.journal import Journal, Shown
from apps.simulator.reminded import (
    LOG,
    Followed,
    Reminder,
    compare_dues,
    compare_mails,
    compare_plans,
    compare_reminders,
    compare_typed,
)

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
LONG_AGO = NOON - timedelta(hours=1)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def written(
    occasion: int = 1, level: int = 1, *, channel: str = LOG, due: float = 0, raised: float = 1
) -> Reminder:
    return Reminder("f", occasion, channel, level, at(due), at(raised))


def shown(
    seconds: float,
    occasion: int = 1,
    level: int = 0,
    *,
    state: str = "open",
    live_since: datetime | None = LONG_AGO,
) -> Shown:
    return Shown(at(seconds), state, occasion, level, live_since=live_since)


def gone(seconds: float) -> Shown:
    return shown(seconds, 0, state="gone")


def judged(*rows: Reminder, **tablets: list[Shown]) -> Followed:
    """What is found where these were written down, and tablets were shown this of the follow-up."""
    found = Followed()
    compare_reminders(found, rows, Journal(shown={"f": tablets}))
    return found


def test_a_reminder_that_came_to_a_tablet_once_is_fine() -> None:
    found = judged(written(), a=[shown(-60), shown(1.5, level=1)])
    assert (found.due, found.delivered, found.delays) == (1, 1, [1500.0])
    assert not found.reminders_lost
    assert not found.reminders_duplicated


def test_two_levels_that_rise_together_are_each_shown_once() -> None:
    found = judged(written(), written(level=2), a=[shown(-60), shown(1.5, level=2)])
    assert (found.due, found.delivered) == (2, 2)
    assert not found.reminders_duplicated


def test_how_late_it_is_counts_from_when_it_could_be_known_and_where_a_socket_was_open() -> None:
    found = judged(
        written(due=-30),
        a=[shown(0), shown(0.25, level=1)],
        b=[shown(20, level=1, live_since=at(19))],
        c=[shown(30, level=1, live_since=None)],
    )
    assert found.delays == [250.0]


def test_one_that_came_to_nobody_is_lost() -> None:
    assert "came to no tablet" in judged(written(), a=[shown(-60)]).reminders_lost[0]
    assert judged(written()).reminders_lost


def test_whoever_was_away_while_its_occasion_passed_has_lost_nothing() -> None:
    away = judged(written(), a=[shown(-60), shown(40, 2, live_since=at(39))])
    assert (away.overtaken, away.reminders_lost) == (1, [])
    pulls = judged(written(), a=[shown(-60), shown(40, state="ended", live_since=None)])
    assert (pulls.overtaken, pulls.reminders_lost) == (1, [])
    at_once = judged(written(), a=[shown(-60), shown(1.2, 2)])
    assert (at_once.overtaken, at_once.reminders_lost) == (1, [])


def test_whoever_listened_all_the_while_had_to_hear_it() -> None:
    assert judged(written(), a=[shown(-60), shown(40, 2)]).reminders_lost
    other = judged(written(), a=[shown(-60), gone(-30), shown(40, 2)])
    assert (other.overtaken, other.reminders_lost) == (1, [])


def test_a_reminder_that_is_written_down_twice_is_seen() -> None:
    found = judged(written(), written(raised=2), a=[shown(1.5, level=1)])
    assert "written down 2 times" in found.reminders_duplicated[0]
    mail = judged(written(channel="email"), written(channel="email"))
    assert (mail.due, len(mail.reminders_duplicated)) == (0, 1)


@pytest.mark.parametrize(
    ("versions", "times"),
    [
        ([shown(1, level=1), shown(2, level=0), shown(3, level=1)], 2),
        ([shown(1, level=1), gone(2), shown(3, level=1)], 1),
        ([shown(1, level=1), shown(2, level=1), shown(3, level=2)], 1),
        ([shown(1, level=1), shown(2, 2), shown(3, 2, level=1)], 1),
    ],
)
def test_a_reminder_that_a_tablet_is_shown_anew_is_seen(versions: list[Shown], times: int) -> None:
    found = judged(written(), a=versions)
    assert [f"reminded {times} times" in line for line in found.reminders_duplicated] == (
        [True] if times > 1 else []
    )


def follow_up(level: int, *, state: str = "open", rings: float = -60) -> dict[str, Any]:
    times = [{"level": 1, "at": at(rings).isoformat()}]
    return {
        "id": "f",
        "state": state,
        "level": level,
        "rings": times,
        "encounter_id": "e",
        "outcome": None,
        "created_by": None,
    }


def test_what_is_long_due_and_has_not_risen_is_lost() -> None:
    found = Followed()
    compare_dues(found, [follow_up(1), follow_up(0, rings=-3), follow_up(0, state="paused")], NOON)
    assert not found.reminders_lost
    compare_dues(found, [follow_up(0)], NOON)
    assert "nobody was reminded" in found.reminders_lost[0]


def test_a_mail_that_was_handed_over_comes_and_may_come_again() -> None:
    found = Followed()
    compare_mails(found, {"m"}, {"m@carefield": "supervisor1"})
    assert (found.mailed, found.reminders_lost) == (1, [])
    compare_mails(found, {"m", "n"}, {"m@carefield": "supervisor1"})
    assert "mail n" in found.reminders_lost[0]


def test_what_was_typed_and_is_nowhere_is_lost() -> None:
    found = Followed()
    typed: dict[str, tuple[str, dict[str, Any]]] = {
        "1": ("facts", {"event": "attempted"}),
        "2": ("follow_ups", {}),
    }
    compare_typed(found, Journal(typed=typed), {"1", "2"})
    assert not found.follow_ups_lost
    compare_typed(found, Journal(typed=typed), {"2"})
    assert "(attempted)" in found.follow_ups_lost[0]


def test_whoever_agreed_is_followed_up_by_the_plan_once_the_call_is_over() -> None:
    figures = Figures()
    figures.taps["t"] = "CARE21 A", {"event": "cleared", "assignment_id": "a"}
    said = {"basis": "agreed", "assignment_id": "a", "encounter_id": "e"}
    figures.follow_ups.typed["s"] = "facts", said
    by_plan = follow_up(0)

    def missing(*there: dict[str, Any], over: str = "a") -> list[str]:
        found = Followed()
        compare_plans(found, figures, there, {over})
        return found.follow_ups_lost

    assert missing(by_plan) == []
    assert missing(over="another") == []
    assert "encounter e" in missing()[0]
    by_hand = {**by_plan, "created_by": "Responder 01"}
    assert missing(by_hand)
    assert not missing({**by_hand, "outcome": "declined"})
    said["basis"] = "refused"
    assert missing() == []
