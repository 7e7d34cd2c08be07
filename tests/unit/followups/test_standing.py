"""How a follow-up stands, by what was told."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.followups import standing as rules
from apps.followups.standing import Around, Begun, Case, Standing, stand, stand_all
from apps.followups.tellings import Told, in_precedence
from tests.factories import NOON

HOUR = timedelta(hours=1)
DAY = 24 * HOUR
# Made now; to be looked for tomorrow from noon on, for ten hours.
BEGUN = Begun(made_at=NOON, first_from=NOON + DAY, first_until=NOON + DAY + 10 * HOUR)
ADA, BO = UUID(int=1), UUID(int=2)
_orders = itertools.count(1)


def told(event: str, at: timedelta, *, author: UUID | None = ADA, **content: Any) -> Told:
    """An event, so long after the follow-up was made."""
    return Told(
        id=uuid7(), event=event, at=NOON + at, author=author, order=next(_orders), content=content
    )


def tried(at: timedelta, result: str = "not_reached", **content: Any) -> Told:
    return told("attempted", at, result=result, **content)


def standing(*events: Told, after: timedelta = 3 * DAY, around: Around | None = None) -> Standing:
    return stand(BEGUN, events, around or Around(), now=NOON + after)


def window(found: Standing) -> tuple[timedelta, timedelta]:
    return found.due_from - NOON, found.due_until - NOON


def when(at: timedelta) -> str | None:
    return iso(NOON + at)


def test_of_nothing_it_is_open_in_its_first_window() -> None:
    found = standing()

    assert (found.state, found.occasion, found.tries, found.owner) == ("open", 1, 0, None)
    assert window(found) == (DAY, DAY + 10 * HOUR)
    assert found.rings


@pytest.mark.parametrize("result", ["reached", "declined", "deceased"])
def test_it_ends_with_contact_decline_or_death(result: str) -> None:
    found = standing(tried(DAY, result))

    assert (found.state, found.outcome, found.ended_at) == ("ended", result, NOON + DAY)


@pytest.mark.parametrize("result", ["not_reached", "left_word", "wrong_place", "of_2031"])
def test_a_try_that_reaches_nobody_begins_the_next_occasion(result: str) -> None:
    found = standing(tried(DAY + HOUR, result))

    assert (found.state, found.tries, found.occasion) == ("open", 1, 2)
    assert window(found) == (2 * DAY + HOUR, 2 * DAY + 11 * HOUR)


def test_the_next_window_is_as_whoever_tried_says() -> None:
    found = standing(tried(DAY, next_from=when(5 * DAY), next_until=when(5 * DAY + HOUR)))

    assert window(found) == (5 * DAY, 5 * DAY + HOUR)


@pytest.mark.parametrize(
    ("start", "until", "expected"),
    [
        ("9999-01-01T00:00:00Z", None, (2 * DAY, 2 * DAY + 10 * HOUR)),
        ("0001-01-01T00:00:00Z", None, (2 * DAY, 2 * DAY + 10 * HOUR)),
        (7, None, (2 * DAY, 2 * DAY + 10 * HOUR)),
        (when(5 * DAY), when(4 * DAY), (5 * DAY, 5 * DAY + 10 * HOUR)),
        (when(5 * DAY), "9999-12-31T23:59:59-23:00", (5 * DAY, 5 * DAY + 10 * HOUR)),
    ],
)
def test_a_next_window_that_nobody_can_mean_is_none(
    start: object, until: object, expected: tuple[timedelta, timedelta]
) -> None:
    assert window(standing(tried(DAY, next_from=start, next_until=until))) == expected


def test_after_its_last_try_it_is_over() -> None:
    found = standing(tried(DAY), tried(2 * DAY), tried(3 * DAY))

    assert (found.state, found.outcome, found.tries) == ("ended", "not_reached", 3)


def test_what_is_told_after_the_end_is_late_and_changes_nothing() -> None:
    reached, again, taken = tried(DAY, "reached"), tried(DAY + HOUR), told("taken", DAY + HOUR)

    found = standing(reached, again, taken)

    assert found == replace(standing(reached), late=frozenset({again.id, taken.id}))


def test_what_was_told_by_mistake_was_never_told() -> None:
    mistaken = tried(DAY, "deceased")
    taken_back = told("withdrawn", DAY + HOUR, event_id=str(mistaken.id))

    assert standing(mistaken, taken_back) == standing()


def test_only_who_told_it_or_a_supervisor_takes_it_back() -> None:
    mistaken = tried(DAY, "reached")
    strangers = told("withdrawn", DAY + HOUR, author=BO, event_id=str(mistaken.id))

    assert standing(mistaken, strangers).outcome == "reached"
    assert standing(mistaken, replace(strangers, supervises=True)).outcome is None


def test_a_withdrawal_can_be_withdrawn() -> None:
    right = tried(DAY, "reached")
    wrong = told("withdrawn", DAY + HOUR, event_id=str(right.id))
    back = told("withdrawn", DAY + 2 * HOUR, event_id=str(wrong.id))

    assert standing(right, wrong, back).outcome == "reached"


def test_a_snooze_postpones_and_no_further_than_a_day_beyond_the_window() -> None:
    within = standing(told("snoozed", DAY, until=when(DAY + 3 * HOUR)))
    assert window(within) == (DAY + 3 * HOUR, DAY + 10 * HOUR)
    assert within.occasion == 2

    beyond = standing(told("snoozed", DAY, until=when(30 * DAY)))
    assert window(beyond) == (2 * DAY + 10 * HOUR,) * 2

    often = [told("snoozed", DAY + n * HOUR, until=when(30 * DAY)) for n in range(9)]
    assert window(standing(*often)) == window(beyond)


@pytest.mark.parametrize("until", [None, when(-DAY), "tomorrow"])
def test_a_snooze_until_no_time_is_none(until: object) -> None:
    assert standing(told("snoozed", DAY, until=until)) == standing()


def test_who_acknowledges_what_nobody_has_has_it_from_then_on() -> None:
    found = standing(told("acknowledged", DAY))

    assert (found.owner, found.acknowledged_by, found.acknowledged_at) == (ADA, ADA, NOON + DAY)
    assert standing(told("taken", HOUR, author=BO), told("acknowledged", DAY)).owner == BO


def test_an_acknowledgement_belongs_to_its_occasion() -> None:
    first, next_one = told("acknowledged", DAY), tried(DAY + HOUR)

    assert standing(first, next_one).acknowledged_at is None
    # Tapped before the try, and told after it.
    late = replace(first, order=next_one.order + 1)
    assert standing(next_one, late).acknowledged_at is None


def test_it_is_taken_given_to_another_and_given_back() -> None:
    assert standing(told("taken", HOUR)).owner == ADA
    taken, given = told("taken", HOUR), told("taken", 2 * HOUR, to=str(BO))
    assert standing(taken, given).owner == BO
    assert standing(given, told("released", 3 * HOUR)).owner is None
    of_another = told("released", 3 * HOUR, author=None, to=str(ADA))
    assert standing(given, of_another).owner == BO


@pytest.mark.parametrize(("result", "reason"), [("in_jail", "jail"), ("in_hospital", "hospital")])
def test_jail_and_hospital_pause_it_and_are_no_try(result: str, reason: str) -> None:
    found = standing(tried(DAY + HOUR, result))

    assert (found.state, found.paused_for, found.paused_at) == ("paused", reason, NOON + 25 * HOUR)
    assert (found.tries, found.rings) == (0, False)


def test_the_window_goes_on_where_the_pause_began() -> None:
    paused = told("paused", DAY + HOUR, reason="jail")
    found = standing(paused, told("resumed", 9 * DAY + HOUR), after=9 * DAY + HOUR)

    assert (found.state, found.occasion) == ("open", 2)
    assert window(found) == (9 * DAY, 9 * DAY + 10 * HOUR)


def test_a_pause_ends_by_itself_at_its_last_instant() -> None:
    paused = told("paused", HOUR, reason="hospital", until=when(2 * DAY + HOUR))

    assert standing(paused, after=2 * DAY).state == "paused"
    found = standing(paused, after=2 * DAY + HOUR)
    assert (found.state, found.occasion) == ("open", 2)
    assert window(found) == (3 * DAY, 3 * DAY + 10 * HOUR)


def test_a_day_that_was_named_during_a_pause_stays() -> None:
    paused, moved = told("paused", HOUR), told("moved", DAY, due_from=when(9 * DAY))
    found = standing(paused, moved, told("resumed", 8 * DAY), after=8 * DAY)

    assert found.due_from == NOON + 9 * DAY


def test_it_moves_to_another_time() -> None:
    found = standing(told("moved", HOUR, due_from=when(4 * DAY), due_until=when(5 * DAY)))

    assert (window(found), found.occasion) == ((4 * DAY, 5 * DAY), 2)


@pytest.mark.parametrize(
    ("outcome", "expected"), [(None, "withdrawn"), ("met", "met"), ("merged", "withdrawn")]
)
def test_it_is_ended_by_hand(outcome: str | None, expected: str) -> None:
    assert standing(told("ended", HOUR, outcome=outcome)).outcome == expected


class TestOfThePerson:
    @pytest.mark.parametrize("result", ["declined", "deceased"])
    def test_a_decline_and_a_death_end_all_their_follow_ups(self, result: str) -> None:
        found = standing(around=Around(told=[tried(HOUR, result)]))

        assert (found.outcome, found.ended_at) == (result, NOON + HOUR)

    def test_jail_pauses_all_and_release_goes_on_with_all(self) -> None:
        jailed, free = tried(HOUR, "in_jail"), told("resumed", 2 * DAY + HOUR)

        assert standing(around=Around(told=[jailed])).state == "paused"
        found = standing(around=Around(told=[jailed, free]))
        assert window(found) == (3 * DAY, 3 * DAY + 10 * HOUR)

    def test_other_tries_of_theirs_are_nothing_to_it(self) -> None:
        others = [tried(HOUR), told("taken", HOUR), told("moved", HOUR, due_from=when(9 * DAY))]

        assert standing(around=Around(told=others)) == standing()

    def test_one_that_was_made_in_jail_waits_from_the_beginning(self) -> None:
        jailed = tried(-9 * DAY, "in_jail")
        found = standing(around=Around(told=[jailed, told("resumed", 2 * DAY)]))

        assert window(found) == (3 * DAY, 3 * DAY + 10 * HOUR)
        before = Around(told=[jailed, told("resumed", -DAY)])
        assert standing(around=before) == standing()

    def test_an_earlier_decline_counts_until_they_agree_again(self) -> None:
        declined = tried(-DAY, "declined")

        assert standing(around=Around(told=[declined])).outcome == "declined"
        agreed = Around(told=[declined], held_since=NOON - HOUR)
        assert standing(around=agreed).outcome is None
        # Whoever has declined after it was made is not asked again by it.
        declined_since = Around(told=[tried(HOUR, "declined")], held_since=NOON + 2 * HOUR)
        assert standing(around=declined_since).outcome == "declined"

    def test_met_on_another_call_ends_what_was_wanted_by_then(self) -> None:
        assert standing(around=Around(met=[NOON + DAY])).outcome == "met"
        assert standing(around=Around(met=[NOON + DAY - HOUR])).outcome is None
        after_a_try = standing(tried(DAY + HOUR), around=Around(met=[NOON + DAY + 2 * HOUR]))
        assert after_a_try.outcome == "met"
        assert standing(around=Around(met=[NOON + DAY]), after=HOUR).outcome is None

    def test_without_a_word_of_theirs_it_does_not_ring(self) -> None:
        found = standing(around=Around(basis="none"))

        assert (found.state, found.rings) == ("open", False)

    def test_what_it_rests_on_is_over_and_comes_back(self) -> None:
        over = Around(basis="over", over_at=NOON + HOUR)

        found = standing(around=over)
        assert (found.outcome, found.ended_at) == ("no_basis", NOON + HOUR)
        assert standing(around=replace(over, basis="holds")) == standing()


class TestPutTogether:
    """Two follow-ups of what turned out to be one person."""

    ELDER = Case(id=UUID(int=11), person=ADA, purpose="check_in", begun=BEGUN)
    YOUNGER = replace(ELDER, id=UUID(int=12), person=BO, begun=replace(BEGUN, made_at=NOON + HOUR))
    MERGED = NOON + 2 * HOUR

    def found(self, *cases: Case, merged: datetime | None = MERGED) -> dict[int, Any]:
        joined = {BO: merged} if merged else {}
        standings = stand_all(cases, joined=joined, now=NOON + 3 * DAY)
        return {id.int: one.outcome for id, one in standings.items()}

    def test_the_younger_ends(self) -> None:
        assert self.found(self.ELDER, self.YOUNGER) == {11: None, 12: "merged"}
        assert self.found(self.YOUNGER, self.ELDER) == {11: None, 12: "merged"}

    def test_it_goes_on_when_they_are_taken_apart(self) -> None:
        assert self.found(self.ELDER, self.YOUNGER, merged=None) == {11: None, 12: None}

    def test_each_purpose_and_each_time_is_its_own(self) -> None:
        other = replace(self.YOUNGER, purpose="referral")
        later = replace(BEGUN, first_from=NOON + 9 * DAY, first_until=NOON + 10 * DAY)

        assert self.found(self.ELDER, other) == {11: None, 12: None}
        assert self.found(self.ELDER, replace(self.YOUNGER, begun=later)) == {11: None, 12: None}

    def test_of_one_record_both_go_on(self) -> None:
        same = replace(self.YOUNGER, person=ADA)

        assert self.found(self.ELDER, same) == {11: None, 12: None}

    def test_one_that_had_ended_before_ends_nothing(self) -> None:
        ended = replace(self.ELDER, told=(told("ended", HOUR),))

        assert self.found(ended, self.YOUNGER) == {11: "withdrawn", 12: None}

    def test_the_younger_stays_ended_when_the_elder_is_done(self) -> None:
        done = replace(self.ELDER, told=(tried(DAY, "reached"),))

        assert self.found(done, self.YOUNGER) == {11: "reached", 12: "merged"}


def test_what_was_told_of_a_person_is_put_in_order_once_for_all_of_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def counted(events: Iterable[Told]) -> list[Told]:
        every = list(events)
        asked.append(len(every))
        return in_precedence(every)

    monkeypatch.setattr(rules, "in_precedence", counted)
    cases = [
        Case(id=UUID(int=n), person=None, purpose="other", begun=BEGUN, told=(told("taken", HOUR),))
        for n in range(1, 6)
    ]
    stand_all(cases, now=NOON)
    assert len(asked) == 1
