"""Timeline and ledger are functions of the set of facts, whatever the facts are.

The facts are as wild as a radio network, wrong clocks and old tablets make them: any event in any
order, counters that jump or repeat, times missing or from another year, junk in the details,
corrections of corrections, of nothing and of themselves.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.assignments import codes
from apps.assignments.timeline import (
    DURATIONS,
    Fact,
    Limits,
    PairedUnit,
    Timeline,
    derive,
    handoff_document,
    history_document,
    in_precedence,
    ledger,
    on_scene,
    timeline_document,
)
from apps.assignments.timeline.episodes import CONTACT, SHORT_CLOSINGS
from tests.unit.assignments.facts import ALICE, ASSIGNMENT, BOB, NOON, TABLET_A, TABLET_B, at

OTHER_ASSIGNMENT = UUID(int=2)
UNITS = [PairedUnit("2K3", "spd"), PairedUnit("E10", "sfd")]
MOST = 12

TAPS = [
    *["assigned", "opened", "received", "acknowledged", "en_route", "staged", "on_scene"],
    *["contact_made", "transporting", "arrived_destination", "cleared", "unable_to_locate"],
    *["cancelled", "declined", "police_arrived", "police_released", "scene_secured"],
    *["scene_unsafe", "cad_status", "reopened", "reassigned", "assist", "emergency", "check_in"],
]
UNIT_DATA: list[Any] = [
    {"unit": unit, "agency": agency, **more}
    for unit in ("2K3", "2k4", "E10", "Jane Doe", None)
    for agency in ("spd", "sfd", "fbi", None)
    for more in (
        {"status": "arrived"},
        {"status": "cleared", "reason": "handled"},
        {"status": "lunch", "reason": "weapon", "decided_by": 5},
        {"status": "cancelled", "decided_by": "together", "care_agreed": True},
    )
]
CORRECTIONS: list[dict[str, Any]] = [
    {"reason": reason, **change}
    for reason in ("mis_tap", "wrong_time", "bored")
    for change in (
        {},
        {"time": "2024-05-01T19:07:00Z"},
        {"time": "2099-01-01T00:00:00Z"},
        {"time": "noon"},
        {"event": "contact_made"},
        {"event": "cancelled", "time": "2024-05-01T19:30:00Z"},
        {"event": "corrected"},
        {"data": {"disposition": "16", "unit": "2K4", "agency": "spd"}},
        {"data": [1]},
    )
]
OTHER_DATA: list[Any] = [
    {},
    {"call_revision": 1, "disposition": "18"},
    {"call_revision": 3, "entry": "request_spd"},
    {"call_revision": True, "disposition": "99", "entry": "on_view"},
    {"from_unit": "CARE21", "entry": ["x"]},
    ["junk"],
]
ABOUT_UNITS = {"cad_status", "police_arrived", "police_released", "scene_secured", "declined"}
# Minute told, offset, uncertainty, minute received.
CLOCKS = [
    (minute, offset, uncertainty, received)
    for minute in (None, -10, 0, 5, 10, 10, 20, 40, 90)
    for offset, uncertainty in ((None, None), (0, 80), (900, 0), (400_000, 80), (0, 500_000))
    for received in (0, 45, 120)
] + [(5, 10**17, 80, 10)]
# Source, device, whether it counts.
TELLERS = [
    *[("tablet", TABLET_A, True), ("tablet", TABLET_B, True)] * 3,
    ("tablet", TABLET_A, False),
    *[("cad", None, False), ("cad", None, False), ("desk", None, False), ("system", None, False)],
]
PLACES = [
    *[(ASSIGNMENT, "CARE21"), (ASSIGNMENT, None), (ASSIGNMENT, "CARE22")],
    *[(OTHER_ASSIGNMENT, "CARE22"), (None, "CARE21")],
]


def fact_id(number: int) -> UUID:
    return UUID(int=1000 + number)


def data_of(event: str) -> st.SearchStrategy[Any]:
    if event == "corrected":
        # Of each other, of themselves, of facts that never come.
        return st.builds(
            lambda target, asked: {"corrects": str(fact_id(target)), **asked},
            st.integers(0, MOST + 1),
            st.sampled_from(CORRECTIONS),
        )
    return st.sampled_from(UNIT_DATA if event in ABOUT_UNITS else OTHER_DATA)


DATA = {event: data_of(event) for event in [*TAPS, "corrected", "beamed_up"]}


@st.composite
def histories(draw: st.DrawFn, events: tuple[str, ...] = ()) -> list[Fact]:
    kinds = events or (*TAPS, "corrected", "corrected", "corrected", "beamed_up")
    told: list[str] = draw(st.lists(st.sampled_from(kinds), max_size=MOST))
    orders = draw(st.permutations(range(1, len(told) + 1)))
    facts = []
    for number, event in enumerate(told):
        source, device, counts = draw(st.sampled_from(TELLERS))
        minute, offset, uncertainty, received = draw(st.sampled_from(CLOCKS))
        assignment_id, unit = draw(st.sampled_from(PLACES))
        facts.append(
            Fact(
                id=fact_id(number),
                assignment_id=assignment_id,
                event=event,
                device_time=None if minute is None else at(minute),
                # Counters jump and repeat.
                counter=draw(st.integers(1, MOST)) if counts else None,
                device=device,
                clock_offset_ms=offset,
                clock_uncertainty_ms=uncertainty,
                received_at=at(received),
                order=orders[number],
                author_id=(ALICE, BOB, None)[number % 3],
                unit=unit,
                source=source,
                data=draw(DATA[event]),
            )
        )
    return facts


def everything(facts: list[Fact], revision: int = 1) -> tuple[Any, ...]:
    timeline, handoff = derive(facts, call_revision=revision), ledger(facts, UNITS)
    return (
        timeline,
        handoff,
        timeline_document(timeline),
        history_document(timeline),
        handoff_document(handoff),
        on_scene(timeline),
    )


def standing(timeline: Timeline) -> tuple[Any, ...]:
    """All that a responder or a supervisor reads off a timeline, without its history."""
    return (timeline.current, timeline.earlier, timeline.needs_ack)


thorough = settings(max_examples=300, deadline=None)
brief = settings(max_examples=100, deadline=None)


@thorough
@given(facts=histories(), revision=st.integers(1, 4), shuffle=st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_result(
    facts: list[Fact], revision: int, shuffle: Any
) -> None:
    other = list(facts)
    shuffle.shuffle(other)
    assert everything(other, revision) == everything(facts, revision)


@brief
@given(facts=histories(), data=st.data())
def test_facts_that_come_twice_change_nothing(facts: list[Fact], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(facts), max_size=6)) if facts else []
    assert everything([*again, *facts]) == everything([*facts, *again]) == everything(facts)


@brief
@given(facts=histories())
def test_a_device_is_never_contradicted_about_its_own_order(facts: list[Fact]) -> None:
    ordered = in_precedence(facts)
    for device in (TABLET_A, TABLET_B):
        counters = [
            fact.counter for fact in ordered if fact.device == device and fact.counter is not None
        ]
        assert counters == sorted(counters)


@brief
@given(facts=histories())
def test_what_no_device_orders_counts_in_the_servers_order(facts: list[Fact]) -> None:
    loose = [fact for fact in facts if fact.device is None or fact.counter is None]
    ordered = [fact for fact in in_precedence(facts) if fact in loose]
    assert [fact.order for fact in ordered] == sorted(fact.order for fact in loose)


@brief
@given(facts=histories(), shuffle=st.randoms(use_true_random=False))
def test_with_everything_taken_back_nothing_has_happened(facts: list[Fact], shuffle: Any) -> None:
    undone = [
        Fact(
            id=UUID(int=9000 + number),
            assignment_id=ASSIGNMENT,
            event="corrected",
            device_time=NOON,
            counter=None,
            device=None,
            clock_offset_ms=None,
            clock_uncertainty_ms=None,
            received_at=NOON,
            order=9000 + number,
            author_id=BOB,
            unit=None,
            source="desk",
            data={"corrects": str(fact.id), "reason": "did_not_happen"},
        )
        for number, fact in enumerate(facts)
    ]
    both = [*facts, *undone]
    shuffle.shuffle(both)
    timeline = derive(both)
    assert standing(timeline) == standing(derive([]))
    assert ledger(both) == ledger([])
    assert {entry.fact.id for entry in timeline.history} == {fact.id for fact in both}


@brief
@given(facts=histories())
def test_taking_the_last_correction_back_restores_what_was(facts: list[Fact]) -> None:
    if not facts:
        return

    def undo(number: int, target: Fact) -> Fact:
        return Fact(
            UUID(int=9000 + number), ASSIGNMENT, "corrected", NOON, None, None, None, None, NOON,
            9000 + number, BOB, None, "desk",
            {"corrects": str(target.id), "reason": "did_not_happen"},
        )  # fmt: skip

    first = undo(1, facts[0])
    second = undo(2, first)
    assert standing(derive([*facts, first, second])) == standing(derive(facts))


@brief
@given(facts=histories())
def test_durations_are_never_negative_and_say_why_they_are_missing(facts: list[Fact]) -> None:
    timeline = derive(facts)
    for episode in (timeline.current, *timeline.earlier):
        assert list(episode.durations) == [name for name, _, _ in DURATIONS]
        for duration in episode.durations.values():
            if duration.length is None:
                assert duration.why in ("missing_time", "out_of_order")
            else:
                assert duration.length >= timedelta(0)
                assert duration.why is None


@brief
@given(facts=histories())
def test_time_given_back_is_never_negative_and_adds_up(facts: list[Fact]) -> None:
    handoff = ledger(facts, UNITS)
    for agency in (handoff.police, handoff.fire):
        known = [unit.given_back for unit in agency.units if unit.given_back is not None]
        assert all(length >= timedelta(0) for length in known)
        if agency.given_back is not None:
            assert agency.given_back == sum(known, timedelta(0))
        if agency.complete:
            assert len(known) == len(agency.units)


@brief
@given(facts=histories())
def test_once_contact_was_made_only_cleared_closes(facts: list[Fact]) -> None:
    timeline = derive(facts)
    for episode in (timeline.current, *timeline.earlier):
        contact = any(name in episode.times for name in ("contact", "transporting"))
        contact = contact or "at_destination" in episode.times
        if contact and episode.closing is not None:
            assert episode.closing.kind == "cleared"
        if episode.closing_refused and episode.closing is None:
            assert episode.state in ("staged", "on_scene", "contact", "transporting",
                                     "at_destination")  # fmt: skip
        assert (episode.state == "closed") is (episode.closing is not None)


@brief
@given(
    facts=histories(("on_scene", "contact_made", *sorted(SHORT_CLOSINGS), "transporting")),
)
def test_a_short_closing_closes_exactly_where_no_contact_was_made(facts: list[Fact]) -> None:
    events = {fact.event for fact in facts}
    closed = derive(facts).state == "closed"
    assert closed is (bool(events & SHORT_CLOSINGS) and not events & CONTACT)


@brief
@given(facts=histories(), revision=st.integers(1, 4))
def test_an_acknowledgement_is_needed_exactly_while_one_is_missing(
    facts: list[Fact], revision: int
) -> None:
    timeline = derive(facts, call_revision=revision)
    missing = timeline.acknowledged_revision < revision
    assert timeline.needs_ack is (missing and timeline.state != "closed")


@brief
@given(facts=histories())
def test_every_fact_stays_in_the_history_and_every_flag_has_a_meaning(facts: list[Fact]) -> None:
    timeline = derive(facts)
    assert sorted(entry.fact.id for entry in timeline.history) == sorted(fact.id for fact in facts)
    assert {flag.code for flag in timeline.flags} <= set(codes.FLAGS)
    assert {flag.fact for flag in timeline.flags} <= {fact.id for fact in facts}
    assert timeline.state in codes.STATES


@brief
@given(facts=histories())
def test_a_chosen_time_is_the_earliest_that_can_be_trusted(facts: list[Fact]) -> None:
    timeline = derive(facts)
    for moment in timeline.times.values():
        trusted = [claim.at for claim in moment.claims if claim.trustworthy and claim.at]
        usable = [claim.at for claim in moment.claims if claim.usable and claim.at]
        expected = min(trusted, default=None) or min(usable, default=None)
        assert moment.at == expected


@brief
@given(facts=histories(("scene_secured", "scene_unsafe")))
def test_in_doubt_the_scene_is_not_secured(facts: list[Fact]) -> None:
    handoff = ledger(facts)
    if facts and in_precedence(facts)[-1].event == "scene_unsafe":
        assert handoff.scene == "unsafe"
    assert (handoff.scene == "secured") is (handoff.secured is not None)


@brief
@given(facts=histories())
def test_the_ten_seconds_decide_a_flag_never_what_counts(facts: list[Fact]) -> None:
    strict = derive(facts, limits=Limits(undo=timedelta(0)))
    lenient = derive(facts, limits=Limits(undo=timedelta(days=365)))
    assert standing(strict) == standing(lenient)
    assert set(lenient.flags) <= set(strict.flags)
