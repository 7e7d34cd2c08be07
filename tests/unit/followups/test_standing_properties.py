"""How a follow-up stands is a function of the set of what was told, whatever that is.

The events are as wild as a radio network, wrong clocks and old tablets make them: any event at any
time, junk in the details, withdrawals of withdrawals, of nothing and of themselves, of the same
follow-up and of another one of the person.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.followups import codes
from apps.followups.standing import (
    BY_HAND,
    Around,
    Begun,
    Case,
    Standing,
    occasion_after,
    stand,
    stand_all,
)
from apps.followups.tellings import Told, withdrawn
from tests.factories import NOON

HOUR = timedelta(hours=1)
BEGUN = Begun(made_at=NOON, first_from=NOON + 24 * HOUR, first_until=NOON + 34 * HOUR)
PEOPLE = [UUID(int=1), UUID(int=2), None]
DEVICES = [UUID(int=21), UUID(int=22), None]
IDS = [UUID(int=100 + number) for number in range(12)]

hours = st.integers(-48, 500).map(lambda number: NOON + number * HOUR)
times = st.one_of(
    hours.map(datetime.isoformat),
    st.sampled_from(["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "soon", "", 7, None, [], {}]),
)
ids = st.sampled_from([*map(str, IDS), *map(str, PEOPLE), "none", 5, None])
contents = st.fixed_dictionaries(
    {},
    optional={
        "result": st.sampled_from([*codes.RESULTS, "vanished", 3, None, ["reached"]]),
        "outcome": st.sampled_from([*codes.OUTCOMES, "eaten", 3, None]),
        "reason": st.sampled_from([*codes.PAUSES, "sea", {}]),
        **dict.fromkeys(("next_from", "next_until", "until", "due_from", "due_until"), times),
        **dict.fromkeys(("to", "event_id"), ids),
    },
)
# Of any kind there is, and those that change most a little more often.
names = st.sampled_from([*codes.EVENTS, "attempted", "withdrawn", "paused", "resumed"])


@st.composite
def histories(draw: st.DrawFn, most: int = len(IDS)) -> list[Told]:
    """What was told, in the server's order; each once."""
    return [
        Told(
            id=id,
            event=draw(names),
            at=draw(hours),
            author=draw(st.sampled_from(PEOPLE)),
            order=order,
            device=draw(st.sampled_from(DEVICES)),
            counter=draw(st.one_of(st.none(), st.integers(0, 5))),
            supervises=draw(st.booleans()),
            content=draw(contents),
        )
        for order, id in enumerate(IDS[: draw(st.integers(0, most))], 1)
    ]


@st.composite
def arounds(draw: st.DrawFn) -> Around:
    told = [replace(one, id=UUID(int=one.id.int + 100)) for one in draw(histories(most=4))]
    return Around(
        told=told,
        met=draw(st.lists(hours, max_size=2)),
        basis=draw(st.sampled_from(["holds", "none", "over"])),
        held_since=draw(st.one_of(st.none(), hours)),
        over_at=draw(st.one_of(st.none(), hours)),
        merged_at=draw(st.one_of(st.none(), hours)),
    )


@given(histories(), arounds(), hours, st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_repeats_change_nothing(
    told: list[Told], around: Around, now: datetime, chance: random.Random
) -> None:
    arrived = [*told, *told[: len(told) // 2]]
    chance.shuffle(arrived)
    others = chance.sample(list(around.told), len(around.told))
    elsewhere = replace(around, told=others, met=around.met[::-1])

    assert stand(BEGUN, arrived, elsewhere, now=now) == stand(BEGUN, told, around, now=now)


@given(histories(), arounds(), hours)
def test_what_was_withdrawn_was_never_told(told: list[Told], around: Around, now: datetime) -> None:
    gone = withdrawn([*told, *around.told])
    left = [one for one in told if one.id not in gone and one.event != "withdrawn"]
    others = [one for one in around.told if one.id not in gone and one.event != "withdrawn"]
    never = stand(BEGUN, left, replace(around, told=others), now=now)

    found = stand(BEGUN, told, around, now=now)

    # By its own counter an event may stand in front of what was withdrawn after it.
    if not any(one.counter is not None for one in (*told, *around.told)):
        assert found == never
    assert not found.late & gone


@settings(max_examples=200)
@given(histories(), arounds())
def test_on_every_way_it_is_something_that_can_be(told: list[Told], around: Around) -> None:
    """Told one after the other, as they come, the clock going on: each step holds."""
    window, occasion, ended = (BEGUN.first_from, BEGUN.first_until), 1, False
    now = NOON
    for known in range(len(told) + 1):
        now = max([now, *(one.at for one in told[:known])])
        found = stand(BEGUN, told[:known], around, now=now)
        check(found)
        after = occasion_after(found, occasion=occasion, window=window, ended=ended)
        assert after >= occasion, "it never falls"
        if (found.due_from, found.due_until) != window:
            assert after > occasion, "another window is another occasion"
        window, occasion = (found.due_from, found.due_until), after
        ended = found.state == "ended"
        # Asked once more it is the same.
        assert occasion == occasion_after(found, occasion=occasion, window=window, ended=ended)


def check(found: Standing) -> None:
    """What the table's constraints ask for, and a little more."""
    assert (found.outcome is not None) == (found.ended_at is not None) == (found.state == "ended")
    assert found.outcome in {*BY_HAND, "merged", "no_basis", None}
    paused = (found.paused_at is not None, found.paused_for is not None)
    assert paused == (found.state == "paused",) * 2
    assert found.paused_until is None or found.state == "paused"
    assert found.paused_for in {None, *codes.PAUSES}
    assert found.due_from <= found.due_until
    assert (found.acknowledged_at is None) == (found.acknowledged_by is None)
    assert not (found.rings and found.state != "open"), "what stands still is never due"
    assert found.occasion >= 1
    assert found.tries <= BEGUN.most_tries
    latest = datetime(2030, 1, 1, tzinfo=UTC)
    assert found.due_until < latest, "nobody waits for the year 9999"


@given(st.lists(histories(most=4), min_size=1, max_size=3), hours, st.randoms())
def test_of_one_person_each_is_judged_alike_in_whatever_order_they_are_named(
    each: list[list[Told]], now: datetime, chance: random.Random
) -> None:
    cases = [
        Case(
            id=UUID(int=number),
            person=UUID(int=1 + number % 2),
            purpose="check_in",
            begun=replace(BEGUN, made_at=NOON + number * HOUR),
            told=tuple(replace(one, id=UUID(int=one.id.int + 100 * number)) for one in told),
        )
        for number, told in enumerate(each, 1)
    ]
    joined = {UUID(int=2): NOON + 6 * HOUR}
    found = stand_all(cases, joined=joined, now=now)

    assert stand_all(chance.sample(cases, len(cases)), joined=joined, now=now) == found
    told = [one for case in cases for one in case.told]
    if any(one.event == "withdrawn" for one in told):
        return
    if any(one.content.get("result") == "deceased" for one in told if one.event == "attempted"):
        assert {found[case.id].state for case in cases} == {"ended"}
