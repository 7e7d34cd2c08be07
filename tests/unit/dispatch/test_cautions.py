"""Of which call a caution was told, when two became one and are parted again."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from apps.dispatch.calls import Caution
from apps.dispatch.cautions import OWN, Cautions, carried, gathered, origins, parted, shown
from tests.factories import NOON

KNIFE = Caution(kind="weapon", severity="high", text="KNIFE")
DOG = Caution(kind="premise", severity="low", text="DOG")
STEPS = Caution(severity="normal", text="STEEP STEPS")
BEFORE, LINKED, AFTER = (NOON + timedelta(minutes=minute) for minute in range(3))


def told(cautions: Cautions, *new: Caution, at: timedelta | None = None) -> Cautions:
    """What CAD tells under the number of an incident, before the link unless it is said."""
    return gathered(cautions, new, now=NOON + (at or timedelta(0)))[0]


def linked(begun: Cautions, event: Cautions) -> Cautions:
    return gathered(event, carried(begun, of="begun"))[0]


def taken_back(begun: Cautions, event: Cautions) -> tuple[list[str], list[str]]:
    """The texts that each has afterwards, those with a doubt marked."""
    found = parted(begun, event, of="begun", into="event", number="77", since=LINKED)
    return tuple(  # type: ignore[return-value]
        [one.text + ("?" if one.taken_back else "") for one in cautions] for cautions in found
    )


def test_each_has_what_was_told_of_it() -> None:
    begun, event = told((), DOG), told((), KNIFE)
    assert [one.text for one in linked(begun, event)] == ["KNIFE", "DOG"]
    assert taken_back(begun, linked(begun, event)) == (["DOG"], ["KNIFE"])


def test_what_both_were_told_stays_with_both() -> None:
    begun, event = told((), KNIFE), told((), replace(KNIFE, text="knife!", severity="low"))
    both = linked(begun, event)
    assert [one.severity for one in both] == ["high"]
    assert taken_back(begun, both) == (["KNIFE"], ["knife!"])


def test_what_was_told_under_the_number_meanwhile_stays_with_both_and_says_so() -> None:
    event = told(linked((), told((), KNIFE)), DOG, KNIFE, at=AFTER - NOON)
    assert taken_back((), event) == (["DOG?"], ["KNIFE", "DOG?"])


def test_so_does_what_the_event_had_from_the_call_and_was_told_itself_meanwhile() -> None:
    begun = told((), KNIFE)
    event = told(linked(begun, ()), KNIFE, at=AFTER - NOON)
    assert origins(event[0]) == {OWN, "begun"}
    mine, stay = parted(begun, event, of="begun", into="event", number="77", since=LINKED)
    assert origins(mine[0]) == {OWN, "event"}
    assert (stay[0].taken_back, origins(stay[0])) == ("77", {OWN})


def test_what_came_from_another_number_is_the_events() -> None:
    merged = carried(told((), DOG), of="third")
    event = told(gathered(linked((), ()), merged)[0], DOG, at=AFTER - NOON)
    assert taken_back((), event) == ([], ["DOG"])


def test_linked_again_and_taken_back_again_loses_nothing() -> None:
    event = told((), DOG, at=AFTER - NOON)
    mine, stay = parted((), event, of="begun", into="event", number="77", since=LINKED)
    again = linked(mine, stay)
    later = parted(mine, again, of="begun", into="event", number="77", since=AFTER + (AFTER - NOON))
    assert later == (mine, stay)


def test_what_is_told_again_changes_nothing() -> None:
    first = told((), KNIFE)
    assert told(first, KNIFE, at=AFTER - NOON) == first
    event = linked(first, first)
    assert gathered(event, carried(first, of="begun")) == (event, ())


def test_it_is_said_in_words() -> None:
    event = told(linked(told((), STEPS), told((), KNIFE)), DOG, at=AFTER - NOON)

    def words(cautions: Cautions, number: str | None) -> dict[str, str]:
        stored = [asdict(one) for one in cautions]
        return {one["text"]: one["origin"] for one in shown(stored, cad_number=number)}

    assert words(event, "77") == {
        "KNIFE": "",
        "STEEP STEPS": "told of a call that was merged into this one",
        "DOG": "",
    }
    mine, stay = parted(told((), STEPS), event, of="begun", into="event", number="77", since=LINKED)
    assert words(mine, None) == {"STEEP STEPS": "", "DOG": "from CAD number 77, taken back"}
    assert words(stay, "77") == {
        "KNIFE": "",
        "DOG": "told while another call had this CAD number by mistake, may be about that one",
    }
    # It stays said under the right number, until CAD tells it of that one.
    right = gathered((), carried(mine, of="begun"))[0]
    assert words(right, "88")["DOG"] == "from CAD number 77, taken back"
    assert words(told(right, DOG), "88")["DOG"] == ""


def test_what_an_older_version_stored_is_of_its_own_incident() -> None:
    (one,) = shown([{"severity": "low", "kind": "other", "text": "x"}], cad_number="1")
    assert one["origin"] == ""
    assert taken_back((KNIFE,), (KNIFE, DOG)) == (["KNIFE"], ["KNIFE", "DOG"])


CAUTIONS = st.lists(st.sampled_from([KNIFE, DOG, STEPS]), max_size=4)


@given(before=CAUTIONS, begun=CAUTIONS, meanwhile=CAUTIONS)
def test_none_is_lost_and_none_comes_to_a_call_that_nobody_told_it_of(
    before: list[Caution], begun: list[Caution], meanwhile: list[Caution]
) -> None:
    of_call = told((), *begun)
    event = told(linked(of_call, told((), *before)), *meanwhile, at=AFTER - NOON)
    mine, stay = parted(of_call, event, of="begun", into="event", number="77", since=LINKED)
    assert {one.text for one in stay} == {one.text for one in (*before, *meanwhile)}
    shared = {one.text for one in meanwhile} - {one.text for one in before}
    assert {one.text for one in mine} == {one.text for one in begun} | shared
