"""What the played crews write and give: every course of a call, held against the server's own
schemas, code lists and rules of stock, without a server."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from apps.casenotes import codes as written
from apps.casenotes.content import RecordFacts, blocking, cssrs, grave, problems, record_kind
from apps.core.ids import uuid7
from apps.firstaid import codes
from apps.firstaid.doses import dose_of
from apps.firstaid.stock import Place, StockWarning
from apps.firstaid.taking import Supply, is_ours, piece_of
from apps.people.ids import encounter_id
from apps.simulator import bag, courses
from apps.simulator.courses import Course
from apps.simulator.crew import MOST_REMINDERS, REFERRAL
from apps.simulator.meetings import LEFT_EARLY
from apps.simulator.notes import note_of
from apps.simulator.tablet.store import Document, Outbox
from apps.simulator.tablet.tablet import PUSHABLE, Status, Tablet
from apps.sync.fitting import fit
from tests.unit.firstaid.acts import dose
from tests.unit.simulator.papers import (
    AT,
    BAG,
    POLICY,
    SEEDS,
    STORE,
    UNIT,
    Rig,
    answered_in,
    document_of,
    played,
    reference,
    schema_of,
    shelves,
    strange,
)

EVERY_COURSE = pytest.mark.parametrize("course", courses.COURSES.values(), ids=lambda one: one.name)


@EVERY_COURSE
def test_every_document_fits_its_schema_and_has_known_codes(course: Course) -> None:
    for rig, _ in played(course):
        for collection in PUSHABLE:
            for document in rig.documents(collection):
                shape = schema_of(collection, document)
                _, apart = fit(document, shape)
                assert not apart, (collection, document)
                Draft202012Validator(shape, format_checker=FormatChecker()).validate(document)
                assert not strange(collection, document), (collection, document)


@EVERY_COURSE
def test_every_note_can_be_signed(course: Course) -> None:
    signed = 0
    for rig, id in played(course):
        if rig.documents("case_notes"):
            signed += 1
            assert not blocking(rig.note(id), rig.known(id), POLICY), rig.note(id)
    assert signed > len(SEEDS) / 2


@EVERY_COURSE
def test_every_dose_of_ours_is_a_piece_out_of_the_units_bag(course: Course) -> None:
    products, lots, levels = shelves()
    had = frozenset((place.kit_id, place.product_id) for place in levels)
    supply = Supply({BAG.pk: BAG, STORE.pk: STORE}, lots, products, had)
    for rig, _ in played(course):
        for document in rig.documents("naloxone_doses"):
            told = {name: document.get(name) for name in ("product_id", "lot_id", "kit_id")}
            ids = {name: UUID(id) for name, id in told.items() if id}
            given = replace(dose_of(dose(**document_of(document))), unit_id=UNIT.pk, **ids)
            piece = piece_of(given, supply)
            if is_ours(given):
                assert piece is not None
                assert piece.kit_id == BAG.pk
                assert piece.lot_id is not None
            else:
                assert given.given_by == "bystander"


def test_a_long_run_has_every_course() -> None:
    dice = random.Random(1)
    often = Counter(courses.drawn(dice).name for _ in range(2000))
    assert often.keys() == courses.COURSES.keys()
    assert often["talks"] > 1000
    assert often["died"] < 50


def test_each_course_writes_what_it_is_for() -> None:
    found: dict[str, set[str]] = {}
    risks, outcomes, dispositions = set(), set(), set()
    for course in courses.COURSES.values():
        for rig, id in played(course):
            if rig.documents("case_notes"):
                note = rig.note(id)
                outcomes.add(note["outcome"])
                if note["outcome"] == "unable_to_locate":
                    assert record_kind(note, rig.known(id)) == "minimal"
                    continue
                dispositions.add(note["disposition"])
                parts = {name for name in grave.PARTS if note.get(name)}
                found.setdefault(course.name, set()).update(parts)
                if "screen" in note:
                    risks.add(cssrs.risk(note["screen"]))
                if "mental_status" in note:
                    assert note["mental_status"]
                    assert note["barriers"]
                assert 20 <= len(note["narrative"].split()) <= 200
    assert found.pop("talks") == set()
    assert found.pop("at_risk") == set()
    assert found == {
        "refuses": {"refusal"},
        "overdose": {"refusal"},  # of those who would have no medics
        "held": {"involuntary"},
        "child_at_risk": {"mandated_report"},
        "adult_at_risk": {"mandated_report"},
        "minor": {"minor"},
        "died": {"death"},
    }
    assert risks == written.RISKS.keys() - {"incomplete"}
    assert outcomes == {"contact_made", "refused", "unable_to_locate"}
    assert dispositions == {"15", "16", "18", "39", "42", "43", "44"}


def test_the_two_taps_of_a_cancelled_call() -> None:
    for seed in SEEDS:
        rig = Rig(str(seed))
        asyncio.run(rig.papers.was_cancelled(str(uuid7())))
        for note in rig.documents("case_notes"):
            told = RecordFacts(at=AT, closing="cancelled")
            assert not problems(note)
            assert not blocking(note, told, POLICY)
            assert record_kind(note, told) == "minimal"
        rig.close()


def test_after_a_dose_the_log_gets_its_answers_and_some_get_a_kit() -> None:
    answered, second, left = Counter[tuple[str, str]](), 0, 0
    for rig, _ in played(courses.OVERDOSE):
        if not rig.documents("naloxone_doses"):
            continue
        answers = rig.facts("overdose_answer")
        assert {"fire_called", "airway", "breathing", "handover", "kit_left"} <= {
            one["question"] for one in answers
        }
        answered.update((one["question"], one["answer"]) for one in answers)
        ours = [one for one in rig.documents("naloxone_doses") if one["given_by"] == codes.CARE]
        second += len(ours) == 2
        kits = [one for one in rig.facts("stock_movement") if one["movement"] == "left_behind"]
        assert bool(kits) == (("kit_left", "left") in answered_in(answers))
        left += len(kits)
    assert second
    assert left
    assert {answer for question, answer in answered if question == "handover"} == {
        *("medics", "stayed", "left", "refused")
    }


def test_from_an_empty_bag_the_fire_department_gives_it() -> None:
    rig = Rig(course=courses.OVERDOSE, pulled=reference(levels={}))
    asyncio.run(rig.care.overdose(rig.tablets[0], str(uuid7())))
    given_by = {one["given_by"] for one in rig.documents("naloxone_doses")}
    assert codes.CARE not in given_by
    assert "fire" in given_by
    assert not rig.facts("stock_movement")


def test_a_bag_that_runs_low_is_filled_from_the_store_once() -> None:
    products, lots, levels = shelves()
    spray = next(one for one in products.values() if one.kind == bag.NALOXONE)
    few = {place: 1 if place.kit_id == BAG.pk else n for place, n in levels.items()}
    low = StockWarning("low", BAG.pk, spray.pk)
    rig = Rig(pulled=reference(levels=few, warned=[low]))
    rig.care.fill_up(rig.tablets[0])
    rig.care.fill_up(rig.tablets[0])
    [taken] = rig.facts("stock_movement")
    assert taken["movement"] == "issue"
    assert (taken["from_kit_id"], taken["to_kit_id"]) == (str(STORE.pk), str(BAG.pk))
    # The lot that expires first is used up first, and no more of it is taken than there is.
    soonest = min((lot for lot in lots.values()), key=lambda lot: lot.expires_on)
    assert taken["lot_id"] == str(soonest.pk)
    assert 0 < taken["quantity"] <= levels[Place(STORE.pk, spray.pk, soonest.pk)]


@EVERY_COURSE
def test_the_first_call_that_allows_it_asks_an_agency(course: Course) -> None:
    for rig, _ in played(course, unseen={REFERRAL}):
        met = any(one["event"] == "cleared" for one in rig.facts("assignment_event"))
        assert bool(rig.documents("referrals")) == (met and course.goes_on)
        assert (REFERRAL in rig.crew.unseen) == (not rig.documents("referrals"))


def test_a_tablet_that_knows_no_agency_yet_leaves_it_to_a_later_call() -> None:
    rig = Rig(pulled=[], unseen={REFERRAL})
    while not rig.facts("assignment_event") or not rig.documents("persons"):
        rig.call()
    assert rig.crew.unseen == {REFERRAL}


def debt(closing: str) -> Document:
    id = str(uuid7())
    return {"id": str(encounter_id(UUID(id))), "assignment_id": id, "closing": closing}


@pytest.mark.parametrize(
    ("closing", "again", "outcome"),
    [
        ("cleared", False, "contact_made"),
        ("unable_to_locate", False, "unable_to_locate"),
        ("cancelled", False, "cancelled"),
        ("declined", False, "cancelled"),
        ("cancelled", True, "contact_made"),  # somebody else had met them, as it turned out
    ],
)
def test_a_record_that_is_owed_is_written_up(closing: str, again: bool, outcome: str) -> None:
    rig, owed = Rig(), debt(closing)
    assert asyncio.run(rig.papers.write_up(owed, again=again))
    note = rig.note(owed["assignment_id"])
    assert note["outcome"] == outcome
    assert not problems(note)
    told = RecordFacts(at=AT, closing=closing, contact=outcome == "contact_made")
    assert not blocking(note, told, POLICY)


def test_what_is_owed_after_a_death_tells_of_it() -> None:
    rig, owed = Rig(), debt("cleared")
    summary = {"summary": {"disposition": "39"}, "met": "met"}
    here = {"id": owed["id"], "assignment_id": owed["assignment_id"], **summary}
    rig.tablets[1].store.take("encounters", [here], prev=None, checkpoint="1.1", at=AT)
    asyncio.run(rig.papers.write_up(owed))
    assert rig.note(owed["assignment_id"])["death"]["pronounced_by"] == "sfd"


class InTouch(Tablet):
    """Its socket is up, and it has told everything."""

    @property
    def status(self) -> Status:
        return Status(Outbox(0, None, 0), live=True, in_contact=True, shut_out=False)


def reminded(rig: Rig, owed: Document) -> list[str]:
    """Of which calls a crew writes that is reminded of one again and again."""

    async def remind() -> list[str]:
        begun: list[str] = []
        rig.crew._group = asyncio.TaskGroup()
        async with rig.crew._group:
            for _ in range(3 * MOST_REMINDERS):
                rig.crew.is_reminded([owed])
                rig.crew.is_reminded([owed])  # they are at it
                begun += rig.crew._writing
                for _ in range(50):  # no time passes in it
                    await asyncio.sleep(0)
                assert rig.crew.idle
        return begun

    return asyncio.run(remind())


def test_a_crew_is_reminded_of_what_it_does_not_write_already_and_not_for_ever() -> None:
    owed = debt("cleared")
    rig = Rig(tablet=InTouch)
    assert reminded(rig, owed) == [owed["assignment_id"]] * MOST_REMINDERS


def test_a_crew_that_has_not_sent_everything_is_not_reminded() -> None:
    assert reminded(Rig(), debt("cleared")) == []


def test_what_is_signed_is_neither_written_nor_signed_again() -> None:
    rig, owed = Rig(), debt("cleared")
    signed = {"id": note_of(owed["assignment_id"]), "state": "signed"}
    rig.tablets[1].store.take("case_notes", [signed], prev=None, checkpoint="1.1", at=AT)
    assert asyncio.run(rig.papers.write_up(owed))
    assert rig.tablets[0].store.documents("case_notes") == []


def test_what_was_begun_is_signed_as_it_stands_on_the_tablet_that_has_it() -> None:
    rig, owed = Rig(), debt("unable_to_locate")
    note = note_of(owed["assignment_id"])
    draft = {"id": note, "outcome": "unable_to_locate", "state": "draft"}
    rig.tablets[1].store.take("case_notes", [draft], prev=None, checkpoint="1.1", at=AT)
    assert asyncio.run(rig.papers.write_up(owed))
    assert rig.papers.signed == [(rig.tablets[1], note)]
    assert rig.tablets[1].store.get("case_notes", note) == draft


@pytest.mark.parametrize("met", [True, False])
def test_a_call_that_is_cancelled_while_they_are_at_it_ends_in_a_record(met: bool) -> None:
    """Contact that was made keeps a call open until it is cleared with a disposition."""
    written_up = 0
    for seed in SEEDS:
        rig = Rig(str(seed))
        id = rig.is_given("assigned")

        def cancelled(_: object, rig: Rig = rig) -> Course:
            rig.is_given("closed")
            return courses.TALKS

        if met:
            rig.papers.draw = cancelled
        else:
            rig.tablets[0].typed.append(lambda *_, rig=rig: rig.is_given("closed"))
        rig.call(id)
        events = [one["event"] for one in rig.facts("assignment_event")]
        assert ("cleared" in events) == ("contact_made" in events)
        if "contact_made" in events:
            assert rig.note(id)["outcome"] == "contact_made"
            assert LEFT_EARLY in rig.note(id)["narrative"]
        written_up += len(rig.documents("case_notes"))
        rig.close()
    assert written_up
