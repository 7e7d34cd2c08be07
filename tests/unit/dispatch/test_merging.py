"""Messages about one call, in whatever order they come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.dispatch import merging
from apps.dispatch.calls import Call, Caution, ExclusionHint, Location, Note, UnitOnCall, UnitStatus
from apps.dispatch.merging import (
    MAX_FLAGS,
    Known,
    carry,
    heir,
    nothing_yet,
    plausible,
)

merge = partial(merging.merge, far_m=150)
NOON = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)
WORDS = st.sampled_from(["", "A", "B", "C"])
CAUTIONS = st.builds(
    Caution,
    severity=st.sampled_from(["highest", "high", "low"]),
    kind=st.sampled_from(["weapon", "premise"]),
    text=st.sampled_from(["knife", "Knife!", "dog", "stairs"]),
)
NOTES = st.builds(
    Note,
    at=st.integers(0, 3).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    text=st.sampled_from(["one", "two"]),
)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def told(minutes: float | None = 0, **members: Any) -> Call:
    updated = None if minutes is None else at(minutes)
    return Call(cad_number="1", wire="plain", updated_at=updated, **members)


def known(*messages: Call, now: datetime = NOON) -> Known:
    found = nothing_yet(messages[0])
    for message in messages:
        found = merge(found, message, now=now).known
    return found


@st.composite
def messages(draw: st.DrawFn) -> list[Call]:
    return [
        told(
            minutes,
            event=draw(st.sampled_from(["report", "report", "close", "cancel", "reopen"])),
            initial_call_type=draw(WORDS),
            final_call_type=draw(WORDS),
            common_type=draw(WORDS),
            address=draw(WORDS),
            premise=draw(WORDS),
            beat=draw(WORDS),
            priority=draw(st.sampled_from([None, 0, 6])),
            location=draw(st.sampled_from([None, Location(lat=1, lon=2), Location(address="A")])),
            cautions=tuple(draw(st.lists(CAUTIONS, max_size=2))),
            narrative=tuple(draw(st.lists(NOTES, max_size=2))),
            exclusions=tuple(
                draw(
                    st.lists(
                        st.builds(
                            ExclusionHint,
                            name=st.just("weapon"),
                            answer=st.sampled_from(["yes", "no"]),
                        ),
                        max_size=1,
                    )
                )
            ),
        )
        for minutes in range(draw(st.integers(1, 4)))
    ]


def facts(found: Known) -> tuple[Any, ...]:
    """What must not depend on the order: values, status, hazards, notes, times of telling.

    The words of a caution are those of its first telling, and a place takes over from the one
    before what it leaves out.
    """
    call = replace(found.call, cautions=(), narrative=(), flags=(), alternates=(), location=None)
    cautions = {(c.kind, c.text.strip("!").lower(), c.severity) for c in found.call.cautions}
    others = {one.value for one in found.call.alternates}
    return call, found.status, found.told, cautions, set(found.call.narrative), others


@settings(max_examples=150, deadline=None)
@given(messages())
def test_the_order_of_arrival_does_not_matter(sent: list[Call]) -> None:
    expected = facts(known(*sent))
    for order in permutations(sent):
        assert facts(known(*order)) == expected


@settings(max_examples=100, deadline=None)
@given(messages())
def test_telling_it_all_again_changes_nothing(sent: list[Call]) -> None:
    once = known(*sent)
    again = once
    for message in sent:
        outcome = merge(again, message, now=NOON + timedelta(hours=9))
        assert outcome.material == ()
        again = outcome.known
    assert replace(again, call=replace(again.call, flags=())) == replace(
        once, call=replace(once.call, flags=())
    )


@settings(max_examples=100, deadline=None)
@given(messages())
def test_no_hazard_and_no_note_is_ever_lost(sent: list[Call]) -> None:
    found = known(*sent).call
    kept = {(c.kind, c.text.strip("!").lower()) for c in found.cautions}
    for message in sent:
        assert {(c.kind, c.text.strip("!").lower()) for c in message.cautions} <= kept
        assert set(message.narrative) <= set(found.narrative)
    severities = [c.severity for c in found.cautions]
    assert severities == sorted(severities, key=["highest", "high", "low"].index)


def test_a_message_without_its_own_time_counts_as_of_now() -> None:
    first = known(told(None, address="A"), now=at(0))
    second = merge(first, told(None, address="B"), now=at(1)).known
    assert second.call.address == "B"
    assert merge(second, told(None, address="B"), now=at(5)).known == second


def test_a_note_that_is_told_again_under_its_name_is_the_same_whatever_its_time() -> None:
    """Some CADs write the time of the message on everything that it restates."""
    found = known(
        *(
            told(n, narrative=(Note(at=at(n), text="CRYING", ref="n1"),))
            for n in range(3)
        ),
        told(3, narrative=(Note(at=at(3), text="CRYING", ref="n1"),
                           Note(at=at(3), text="CRYING", ref="n2"))),
        told(4, narrative=(Note(at=at(4), text="CALM", ref="n1"),
                           Note(at=at(4), text="CRYING", ref="n2"))),
        told(5, narrative=(Note(at=at(5), text="CALM", ref="n1"),)),
    )  # fmt: skip
    notes = [(note.at, note.text) for note in found.call.narrative]
    assert notes == [(at(0), "CRYING"), (at(3), "CRYING"), (at(4), "CALM")]


def test_the_same_address_in_other_words_is_the_same() -> None:
    first = known(told(0, address="3RD AVE / PIKE ST"))
    outcome = merge(first, told(1, address="3rd Ave/Pike St"), now=NOON)
    assert outcome.known.call.address == "3RD AVE / PIKE ST"
    assert outcome.material == ()


def test_a_place_keeps_what_only_an_earlier_message_knew_of_it() -> None:
    first = known(told(0, location=Location(address="A ST", lat=47.6, lon=-122.3)))
    same = merge(first, told(1, location=Location(address="A ST", place_name="Shelter")), now=NOON)
    assert same.known.call.location is not None
    assert (same.known.call.location.lat, same.known.call.location.place_name) == (47.6, "Shelter")
    other = merge(first, told(1, location=Location(address="B ST")), now=NOON)
    assert other.known.call.location == Location(address="B ST")


class TestAnAddressWithoutCoordinates:
    """Some CADs change the address alone, and geocode it later."""

    FIRST = told(0, address="A ST", location=Location(address="A ST", lat=47.6, lon=-122.3))

    def test_is_not_shown_at_those_of_the_former_one(self) -> None:
        told_it = told(2, address="B ST")
        outcome = merge(known(self.FIRST), told_it, now=NOON)
        assert outcome.known.call.location == Location(address="B ST")
        assert outcome.material == ("address",)
        late = told(1, address="A ST", location=Location(address="A ST", lat=47.61, lon=-122.3))
        for message in (told_it, self.FIRST, late):
            again = merge(outcome.known, message, now=NOON)
            assert again.known.call.location == Location(address="B ST")
            assert again.material == ()

    def test_gets_its_own_later(self) -> None:
        found = known(self.FIRST, told(2, address="B ST"))
        place = Location(address="B ST", lat=47.7, lon=-122.3)
        outcome = merge(found, told(3, address="B ST", location=place), now=NOON)
        assert outcome.known.call.location == place
        assert outcome.material == ()

    @pytest.mark.parametrize("address", ["A ST, APT 4", "a st."])
    def test_that_only_tells_more_keeps_them(self, address: str) -> None:
        found = known(self.FIRST, told(2, address=address))
        assert found.call.location == self.FIRST.location


@pytest.mark.parametrize(
    ("statuses", "moved", "material"),
    [
        (("NewLocation",), True, True),
        (("Active",), True, False),
        (("NewLocation",), False, True),
    ],
)
def test_a_new_location_is_material_when_cad_says_so(
    statuses: tuple[str, ...], moved: bool, material: bool
) -> None:
    first = known(told(0, location=Location(lat=47.6, lon=-122.3)))
    place = Location(lat=47.6001 if moved else 47.6, lon=-122.3)
    outcome = merge(first, told(1, location=place, statuses=statuses), now=NOON)
    assert outcome.material == (("location",) if material else ())
    again = merge(outcome.known, told(2, location=place, statuses=statuses), now=NOON)
    assert again.material == ()


# A thousandth of a degree of latitude is 111 metres.
class TestAPlaceThatMoves:
    @staticmethod
    def place(thousandths: float, **members: Any) -> Location:
        return Location(lat=47.6 + thousandths / 1000, lon=-122.3, **members)

    @pytest.mark.parametrize(("thousandths", "material"), [(0.2, ()), (1, ()), (2, ("location",))])
    def test_far_is_another_place(self, thousandths: float, material: tuple[str, ...]) -> None:
        first = known(told(0, address="A ST", location=self.place(0)))
        moved = told(1, address="A ST", location=self.place(thousandths))
        outcome = merge(first, moved, now=NOON)
        assert outcome.material == material
        assert merge(outcome.known, moved, now=NOON).material == ()

    def test_in_small_steps_is_another_place_once_they_come_to_as_much(self) -> None:
        found = known(told(0, location=self.place(0)))
        asked = []
        for minute in range(1, 7):
            outcome = merge(found, told(minute, location=self.place(minute * 0.5)), now=NOON)
            found = outcome.known
            asked.append(outcome.material)
        assert asked == [(), (), ("location",), (), (), ("location",)]

    def test_to_and_fro_is_the_same(self) -> None:
        found = known(told(0, location=self.place(0)))
        for minute in range(1, 9):
            outcome = merge(found, told(minute, location=self.place(minute % 2)), now=NOON)
            found = outcome.known
            assert outcome.material == ()

    def test_that_nobody_knew_is_one_to_go_to(self) -> None:
        found = known(told(0))
        assert merge(found, told(1, location=self.place(0)), now=NOON).material == ("location",)
        tower = known(told(0, location=self.place(0, kind="TowerLocation")))
        outcome = merge(tower, told(1, location=self.place(0, kind="CurrentIncident")), now=NOON)
        assert outcome.material == ("location",)

    def test_of_a_known_address_is_the_same_place(self) -> None:
        found = known(told(0, address="A ST"))
        outcome = merge(found, told(1, location=self.place(0)), now=NOON)
        assert outcome.material == ()

    def test_of_whoever_carries_the_call_is_no_place_to_go_to(self) -> None:
        found = known(told(0, address="A ST", location=self.place(0)))
        tower = self.place(9, kind="TowerLocation")
        assert merge(found, told(1, location=tower), now=NOON).material == ()


def test_what_a_caller_states_of_a_weapon_is_material_when_it_becomes_yes() -> None:
    first = known(told(0, exclusions=(ExclusionHint(name="weapon", answer="no"),)))
    yes = told(1, exclusions=(ExclusionHint(name="weapon", answer="yes"),))
    assert merge(first, yes, now=NOON).material == ("weapon",)


def test_a_weapon_that_is_stated_stands_among_the_cautions_and_stays() -> None:
    """Nobody has to find it in why a call is not eligible."""
    yes, no = (ExclusionHint(name="weapon", answer=answer) for answer in ("yes", "no"))
    found = known(told(0, exclusions=(yes,)), told(1, exclusions=(yes,)), told(2, exclusions=(no,)))
    stated = [("weapon", "weapon stated by the 911 centre")]
    assert [(c.kind, c.text) for c in found.call.cautions] == stated
    merged, material = carry(told(0), found.call, of="another")
    assert [(c.kind, c.text) for c in merged.cautions] == stated
    assert material == ("weapon",)


def test_flags_do_not_grow_for_ever() -> None:
    flags = tuple(f"doubt {number}" for number in range(2 * MAX_FLAGS))
    assert len(known(told(0, flags=flags)).call.flags) == MAX_FLAGS


def test_an_heir_has_the_hazards_and_not_the_end() -> None:
    source = told(
        0, cautions=(Caution(kind="weapon", text="knife"),), clearance="DONE", statuses=("Closed",)
    )
    found = heir(source, "2", "agency", of="former")
    assert (found.cad_number, found.agency_id) == ("2", "agency")
    assert found.cautions == (replace(source.cautions[0], origins=("former",)),)
    assert (found.clearance, found.statuses, found.updated_at) == ("", (), None)


def test_what_is_carried_over_is_material_where_it_is_grave() -> None:
    source = told(0, cautions=(Caution(kind="weapon", text="knife"), Caution(text="dog")))
    merged, material = carry(told(0), source, of="former")
    assert {c.text for c in merged.cautions} == {"knife", "dog"}
    assert material == ("weapon",)
    assert carry(merged, source, of="former") == (merged, ())


def unit(*statuses: tuple[str, float | None], active: bool = True) -> UnitOnCall:
    return UnitOnCall(
        call_sign="3M21",
        active=active,
        statuses=tuple(
            UnitStatus(status=status, at=None if minutes is None else at(minutes))
            for status, minutes in statuses
        ),
    )


class TestTheFuture:
    def test_times_ahead_of_our_clock_are_not_used(self) -> None:
        ahead = replace(
            told(60, received_at=at(60)), units=(unit(("OnScene", 60), ("EnRoute", 5)),)
        )
        found = plausible(ahead, now=NOON)
        assert (found.updated_at, found.received_at) == (None, None)
        assert found.units == (unit(("OnScene", None), ("EnRoute", 5)),)
        assert len(found.flags) == 3

    def test_a_clock_that_is_a_little_fast_is_believed(self) -> None:
        call = replace(told(10), units=(unit(("OnScene", 10)),))
        assert plausible(call, now=NOON) is call

    def test_one_wrong_time_does_not_shut_later_messages_out(self) -> None:
        wrong = plausible(told(60 * 24 * 365, address="A"), now=at(0))
        first = merge(nothing_yet(wrong), wrong, now=at(0)).known
        assert merge(first, told(1, address="B"), now=at(1)).known.call.address == "B"
