"""What comes before what it is of: whatever it is, it is kept, stands in one list while it waits,
and is off it once that is here. What was refused for it is judged again, and says why it stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Partner, Role, User
from apps.assignments.models import Fact
from apps.audit.models import Entry
from apps.core import clock
from apps.core.ids import uuid7
from apps.firstaid.models import Kit
from apps.people.ids import encounter_id, record_id
from apps.referrals.models import ReferralAnswer, ReferralTask
from apps.sync import registry, tasks
from apps.sync.gathered import PUSHES
from apps.sync.models import EarlyDocument, QuarantinedWrite
from apps.sync.services import linking, quarantine
from apps.sync.services.applying import apply_quarantined
from tests.factories import person, team
from tests.integration.assignments.conftest import World, committed_world
from tests.integration.referrals.conftest import (
    NOON,
    Case,
    Document,
    after,
    case,
    met,
    partner,
    shown,
)
from tests.integration.sync.conftest import request_of

__all__ = ["case", "committed_world"]

pytestmark = pytest.mark.django_db
REFUSED: Final = "quarantine"
# What nothing that is here has as its id.
CALL, OTHER, NOBODY = uuid7(), uuid7(), uuid7()
KIT = uuid7()  # which is here, wherever something is moved from it
MET = encounter_id(CALL)
OF_CALL: Document = {"assignment_id": str(CALL), "encounter_id": str(MET)}
CALL_AND_MET = {("assignment", CALL), ("encounter", MET)}
_of = {"assignment_id": str(CALL)}
_other = str(OTHER)

# Of each collection that tablets write, and each kind of fact: one that names what is not here, and
# for what it waits.
EARLY: Final[dict[str, tuple[Document, set[tuple[str, UUID]]]]] = {
    "assignment_event": (
        {**_of, "event": "corrected", "data": {"corrects": _other, "withdrawn": True}},
        {("assignment", CALL), ("assignment_event", OTHER)},
    ),
    "naloxone_doses": (
        {**OF_CALL, "dose": 4, "dose_unit": "mg", "corrects": _other},
        {*CALL_AND_MET, ("dose", OTHER)},
    ),
    "first_aid_logs": (
        {**OF_CALL, "injuries": ["bleeding"], "corrects": _other},
        {*CALL_AND_MET, ("first_aid_log", OTHER)},
    ),
    "overdose_answer": (
        {**OF_CALL, "question": "breathing", "dose_id": _other},
        {*CALL_AND_MET, ("dose", OTHER)},
    ),
    "stock_movement": (
        {**OF_CALL, "movement": "discard", "product_id": _other, "from_kit_id": str(KIT)},
        CALL_AND_MET,
    ),
    "encounters": (
        {"id": str(MET), **_of, "ordinal": 1, "person_id": str(NOBODY), "match": "possible"},
        {("assignment", CALL), ("person", NOBODY)},
    ),
    "case_notes": (
        {"id": str(record_id(MET, "case_note")), **OF_CALL, "narrative": "Asleep."},
        CALL_AND_MET,
    ),
    "note_addendum": ({"note_id": _other, "text": "More."}, {("case_note", OTHER)}),
    "note_signature": ({"note_id": _other, "content_hash": "ab" * 32}, {("case_note", OTHER)}),
    "referrals": ({**OF_CALL, "urgency": "tonight", "asked": []}, CALL_AND_MET),
    "consents": ({**OF_CALL, "form": "verbal", "witness": "B. Okafor"}, CALL_AND_MET),
    "referral_answer": (
        {"referral_id": _other, "task_id": str(NOBODY), "verb": "accept", "said_by": "Kim"},
        {("referral", OTHER)},  # it looks for the task once that is here
    ),
    "consent_revocation": ({"consent_id": _other}, {("consent", OTHER)}),
    "disclosure": (
        {**OF_CALL, "basis": "medical_emergency", "recipient": "A medic", "nature": "Her name."},
        CALL_AND_MET,
    ),
    **{
        kind: ({**OF_CALL, "corrects": _other}, {*CALL_AND_MET, ("facility_fact", OTHER)})
        for kind in ("bed_call", "arrival_notice", "handover_call")
    },
    "follow_ups": ({**OF_CALL, "purpose": "check_in", "way": "visit"}, CALL_AND_MET),
    "follow_up_event": (
        {"follow_up_id": _other, "event": "withdrawn", "event_id": str(NOBODY)},
        {("follow_up", OTHER), ("follow_up_event", NOBODY)},
    ),
    "follow_up_agreement": ({**OF_CALL, "basis": "agreed", "ways": ["visit"]}, CALL_AND_MET),
}
# Refused until what they are of is here.
REFUSED_UNTIL_THEN: Final = {"note_signature", "referral_answer", "consent_revocation"}
# A person is of nothing, and a report of the directory of a service, which no tablet makes.
OF_NOTHING: Final = {"persons", "directory_report"}


def tell(case: Case, what: str, **more: Any) -> UUID:
    """Our tablet pushes an early document; its id."""
    document: Document = {"id": str(uuid7()), **EARLY[what][0], **more}
    collection = what
    if what in registry.fact_kinds():
        collection, document["kind"] = "facts", what
    if what == "stock_movement":
        Kit(id=KIT, label="Bag", team=case.world.team).save()
    case.push(collection, document)
    return UUID(document["id"])


def waits(id: UUID | None = None) -> set[tuple[str, UUID]]:
    """For what a document waits, or whatever does."""
    rows = EarlyDocument.objects.all() if id is None else EarlyDocument.objects.filter(doc_id=id)
    return set(rows.values_list("parent", "parent_id"))


@pytest.fixture
def shelter(db: None) -> Partner:
    return partner("Shelter")


class TestWhatever:
    @pytest.mark.parametrize("what", EARLY)
    def test_comes_early_is_kept_and_stands_in_one_list(self, case: Case, what: str) -> None:
        id = tell(case, what)

        kept = QuarantinedWrite.objects.filter(doc_id=str(id)).first()
        assert (kept is not None) == (what in REFUSED_UNTIL_THEN)
        rows = list(EarlyDocument.objects.all())
        assert {(row.parent, row.parent_id) for row in rows} == EARLY[what][1]
        assert {(row.collection == REFUSED, row.doc_id) for row in rows} == {
            (kept is not None, kept.pk if kept else id)
        }
        assert {(row.what, row.since) for row in rows} == {(what, NOON)}
        assert {row.author for row in rows} == {case.world.ours.people[0]}

    @pytest.mark.parametrize("what", EARLY)
    def test_is_seen_by_whoever_sees_the_document(self, case: Case, what: str) -> None:
        tell(case, what)

        def seen(by: User) -> int:
            return EarlyDocument.objects.visible_to(by).count()

        assert seen(case.world.supervisor) == len(EARLY[what][1])
        assert seen(person(Role.SUPERVISOR, of=team("North"))) == 0

    def test_a_tablet_can_write_is_among_these(self) -> None:
        writable = {c.name for c in registry.all_for("tablet") if c.kind != "pull_only"}
        mine = {name for name in (*writable, *registry.fact_kinds()) if name not in PROBED}
        assert mine - {"facts"} == EARLY.keys() | OF_NOTHING


# The collections of the tests' own room.
PROBED: Final = {"marks", "pages", "probe"}


class TestOnceItIsHere:
    def test_nothing_waits_for_it_any_more(self, case: Case) -> None:
        dose = tell(case, "naloxone_doses", corrects=None)
        tell(case, "note_addendum")
        assert case.world.tap("opened", CALL, data={"entry": "on_view"}) == []
        assert waits(dose) == CALL_AND_MET, "a tick looks"

        tasks.link_early()
        assert waits(dose) == {("encounter", MET)}
        case.save("encounters", MET, assignment_id=str(CALL), ordinal=1)
        tasks.link_early()
        assert waits() == {("case_note", OTHER)}

    def test_what_comes_in_the_same_push_waits_for_nothing(self, case: Case) -> None:
        world = case.world
        tap = world.document("on_scene", CALL)
        assert world.push(world.document("opened", CALL, data={"entry": "on_view"}), tap) == []
        assert waits() == set()


class TestAVersion:
    def test_that_names_another_waits_for_that_one(self, case: Case) -> None:
        place = {"assignment_id": str(case.assignment.pk), "ordinal": 2, "match": "possible"}
        met = encounter_id(case.assignment.pk, 2)
        case.save("encounters", met, **place, person_id=str(NOBODY))
        assert waits(met) == {("person", NOBODY)}
        case.save("encounters", met, person_id=str(OTHER))
        assert waits(met) == {("person", OTHER)}
        case.save("encounters", met, person_id=str(case.person))
        assert waits(met) == set()

    def test_leaves_alone_since_when_it_waits(self, case: Case) -> None:
        note = record_id(MET, "case_note")
        case.save("case_notes", note, **OF_CALL, narrative="Asleep.")
        case.save("case_notes", note, narrative="Asleep, snoring.", now=after(60))
        assert set(EarlyDocument.objects.values_list("since", flat=True)) == {NOON}


class TestARow:
    def test_beside_one_that_is_refused_is_noted_and_the_other_is_not(self, case: Case) -> None:
        world = case.world
        good = world.document("on_scene", CALL)
        world.push(good, world.document("no_such_event", OTHER))
        assert waits() == {("assignment", CALL)}

    def test_that_is_settled_waits_for_nothing(self, case: Case) -> None:
        tell(case, "referral_answer")
        [row] = QuarantinedWrite.objects.all()
        quarantine.acknowledge(write=row, by=case.world.supervisor, now=NOON)
        assert waits() == set()

    def test_that_a_supervisor_has_taken_after_all_is_noted(self, case: Case) -> None:
        id = tell(case, "consents", encounter_id=str(NOBODY))
        assert waits() == set(), "it was refused: the encounter is none of that call"
        row = QuarantinedWrite.objects.get()
        document = {**row.content, **OF_CALL}
        apply_quarantined(write=row, by=case.world.supervisor, document=document, now=after(60))
        assert waits(id) == CALL_AND_MET


def test_pushes_that_arrive_together_are_noted_too(committed_world: World) -> None:
    case = met(committed_world)
    document = {**EARLY["encounters"][0], "editor": str(case.tablet.instance), "edit_no": 70}
    rows = [{"newDocumentState": document}]
    [answer] = PUSHES.answer([request_of(case.tablet, rows, to="encounters")])
    assert answer is not None, "it went that way"
    assert waits(MET) == EARLY["encounters"][1]


class TestWhatWasRefused:
    @pytest.fixture
    def commits(self, django_capture_on_commit_callbacks: Any) -> Callable[[], Any]:
        return lambda: django_capture_on_commit_callbacks(execute=True)

    def here(self, case: Case, row: UUID, *asked: tuple[str, Partner]) -> None:
        """The referral comes, and asks these partners by these tasks."""
        place = {"assignment_id": str(case.assignment.pk), "encounter_id": str(case.encounter)}
        items = [{"id": task, "partner_id": str(one.pk)} for task, one in asked]
        case.save("referrals", row, asked=items, needs=["homelessness"], **place)

    def test_is_taken_at_once_where_it_fits(
        self, case: Case, shelter: Partner, commits: Callable[[], Any]
    ) -> None:
        tell(case, "referral_answer")
        with commits():
            self.here(case, OTHER, (str(NOBODY), shelter))
        assert ReferralTask.objects.get().status == "accepted"
        assert waits() == set()

    def test_says_why_it_stays_to_its_author_and_the_supervisors(
        self, case: Case, shelter: Partner, commits: Callable[[], Any]
    ) -> None:
        id = tell(case, "referral_answer", verb="close", outcome="nobody knows it")
        row = QuarantinedWrite.objects.get()
        assert [one["detail"] for one in row.errors] == ["It is not here."]
        with commits():
            self.here(case, OTHER)
        case.world.commit()

        row.refresh_from_db()
        [why] = row.errors
        assert why["pointer"] == "/outcome"
        assert shown(case.tablet, "quarantine")[row.pk]["errors"] == [why]
        assert shown(case.tablet, "facts")[id]["sync_errors"] == [f"/outcome: {why['detail']}"]
        assert quarantine.status_of(row) == "open"
        assert waits() == set(), "it waits for nothing but a supervisor"
        assert not ReferralAnswer.objects.exists()

    def test_waits_for_what_it_lacks_next(self, case: Case, commits: Callable[[], Any]) -> None:
        tell(case, "referral_answer")
        with commits():
            self.here(case, OTHER)
        row = QuarantinedWrite.objects.get()
        assert [one["pointer"] for one in row.errors] == ["/task_id"]
        assert waits(row.pk) == {("referral_task", NOBODY)}

    def test_is_not_judged_again_before_that_is_here(self, case: Case) -> None:
        tell(case, "referral_answer")
        with CaptureQueriesContext(connection) as asked:
            assert linking.link(now=NOON) == 0
        assert not [one["sql"] for one in asked if '"content"' in one["sql"]], "nothing is opened"

    def test_the_same_reasons_again_are_not_told_again(self, case: Case) -> None:
        tell(case, "referral_answer", verb="close")
        row = QuarantinedWrite.objects.get()
        before = shown(case.tablet, "quarantine")[row.pk]
        told = [registry.FieldError(e["pointer"], e["detail"]) for e in row.errors]
        quarantine.judged_again(row=row, errors=told, now=after(60))
        case.world.commit()
        assert shown(case.tablet, "quarantine")[row.pk] == before

    def test_for_a_note_that_comes_with_another_text_says_so(
        self, case: Case, commits: Callable[[], Any]
    ) -> None:
        note = record_id(case.encounter, "case_note")
        place = {"assignment_id": str(case.assignment.pk), "encounter_id": str(case.encounter)}
        tell(case, "note_signature", note_id=str(note))
        case.save("case_notes", note, **place, narrative="Asleep.")
        linking.link(now=NOON)
        [why] = QuarantinedWrite.objects.get().errors
        assert why["pointer"] == "/content_hash"


class TestTheList:
    URL = "/admin/sync/earlydocument/"

    @pytest.fixture
    def desk(self, case: Case) -> Client:
        found = Client()
        found.force_login(case.world.supervisor)
        return found

    def rows(self, desk: Client, query: str = "") -> list[EarlyDocument]:
        answer: Any = desk.get(f"{self.URL}{query}")
        assert answer.status_code == 200
        return list(answer.context_data["cl"].result_list)

    def test_has_what_waits_for_over_a_day(
        self, case: Case, desk: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for what in ("naloxone_doses", "follow_up_event", "referral_answer"):
            tell(case, what)
        for hours, listed in ((23, 0), (25, 6)):
            later = NOON + timedelta(hours=hours)
            monkeypatch.setattr(clock, "now", lambda later=later: later)
            assert len(self.rows(desk, "?waits=day")) == listed
        assert len(self.rows(desk, "?waits=week")) == 0
        assert len(self.rows(desk, "?what=naloxone_doses")) == 3
        assert len(self.rows(desk, "?parent=follow_up")) == 1

    def test_says_what_waits_for_what_and_nothing_of_what_was_typed(
        self, case: Case, desk: Client
    ) -> None:
        tell(case, "note_addendum", text="The man with the grey dog.")
        [row] = self.rows(desk)
        for page in (desk.get(self.URL), desk.get(f"{self.URL}{row.pk}/change/")):
            text = page.content.decode()
            assert "note addendum" in text
            assert f"case note {str(OTHER)[-8:]} (not here yet)" in text
            assert "grey dog" not in text

    def test_writes_down_who_has_looked(self, case: Case, desk: Client) -> None:
        tell(case, "note_addendum")
        [row] = self.rows(desk)
        looks = Entry.objects.filter(subject_type="early_document", action="read")
        assert [entry.subject_ids for entry in looks] == [[row.pk]]
        assert looks.get().actor_id == case.world.supervisor.pk

    def test_is_of_ones_own_team(self, case: Case) -> None:
        tell(case, "note_addendum")
        other = Client()
        other.force_login(person(Role.SUPERVISOR, of=team("North")))
        assert self.rows(other) == []

    def test_has_for_the_dispatch_desk_what_is_told_of_calls(self, case: Case) -> None:
        tell(case, "note_addendum")
        case.world.tap("on_scene", CALL)
        dispatch = Client()
        dispatch.force_login(case.world.dispatcher)
        assert [row.doc_id for row in self.rows(dispatch)] == [
            Fact.objects.get(event="on_scene").pk
        ]
