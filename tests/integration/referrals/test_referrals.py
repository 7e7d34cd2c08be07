from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from apps.accounts import services as accounts
from apps.accounts.models import Partner
from apps.assignments.models import Alert
from apps.assignments.services import let_cleared_go, reassign
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes import reading
from apps.changes.models import Change, ParkedReaction
from apps.changes.services import EVERYONE
from apps.core.ids import uuid7
from apps.people.ids import encounter_id
from apps.people.parts import parts_of
from apps.people.services import let_go
from apps.referrals.models import Referral, ReferralAnswer, ReferralTask
from apps.referrals.services import clocks
from apps.sync.models import QuarantinedWrite
from apps.sync.services import linking
from tests.integration.assignments.conftest import dropped
from tests.integration.referrals.conftest import NOON, Case, after, shown

pytestmark = pytest.mark.django_db


def minutes(count: float) -> Any:
    return NOON + timedelta(minutes=count)


def refused() -> list[str]:
    """What is wrong with the one row that was not taken."""
    return [error["pointer"] for error in QuarantinedWrite.objects.get().errors]


def for_everyone(partner: Partner) -> Any:
    """A partner as every tablet has it."""
    [row] = [
        one
        for one in reading.page(
            holder=EVERYONE, collection="reference", seq=0, doc_id=UUID(int=0), limit=500
        )
        if one.id == partner.pk
    ]
    return row.body()


class TestAsking:
    def test_one_task_for_each_partner_under_the_tablets_id(
        self, case: Case, shelter: Partner, clinic: Partner
    ) -> None:
        row = case.refer(shelter, clinic)

        asked = row.content["asked"]
        found = case.on_tablet(row)
        assert [one["id"] for one in found["tasks"]] == [one["id"] for one in asked]
        assert {one["status"] for one in found["tasks"]} == {"requested"}
        assert found["number"].startswith("CR-")

    def test_again_is_asked_once(self, case: Case, shelter: Partner) -> None:
        row = case.refer(shelter)
        case.save("referrals", row.pk, note="Has a dog.")

        assert ReferralTask.objects.count() == 1

    def test_the_next_partner_is_another_task_of_the_same_referral(
        self, case: Case, shelter: Partner, clinic: Partner
    ) -> None:
        row = case.refer(shelter)
        case.refer(clinic, id=row.pk)

        assert {one.partner for one in row.tasks.all()} == {shelter, clinic}

    def test_without_consent_it_is_flagged_and_sent(self, case: Case, shelter: Partner) -> None:
        assert case.asks(shelter).flags == ["no_consent"]
        case.consent(shelter)
        assert case.asks(shelter, needs=["food-insecurity"]).flags == []

    def test_a_partner_that_nobody_knows_is_flagged(self, case: Case) -> None:
        row = case.refer(Partner(name="nobody"))

        assert (row.flags, row.tasks.count()) == (["unknown_partner"], 0)

    def test_one_that_is_shut_out_is_not_asked(self, case: Case, shelter: Partner) -> None:
        shelter.is_active = False
        shelter.save()

        task = case.asks(shelter)
        assert (task.status, "inactive_partner" in task.flags) == ("draft", True)

    def test_who_was_not_on_the_crew_writes_none(self, case: Case, shelter: Partner) -> None:
        stranger = case.world.theirs.tablets[0]
        document = {
            "id": "01931fa0-1a2b-7c3a-9a51-0d7a8f4b2c71",
            "assignment_id": str(case.assignment.pk),
            "encounter_id": str(case.encounter),
        }

        [answer] = case.push("referrals", document, by=stranger)
        assert answer["sync_status"] == "quarantined"
        assert not Referral.objects.exists()

    def test_who_made_it_keeps_it_after_the_call_has_left(
        self, case: Case, shelter: Partner
    ) -> None:
        row = case.refer(shelter)
        case.world.tap("cleared", case.assignment, data={"disposition": "18"}, now=after(60))
        let_go(encounter_id=case.encounter, now=minutes(61))  # its record is written
        let_cleared_go(now=minutes(120))
        case.world.commit()
        maker, other = case.world.ours.tablets
        assert row.pk in shown(maker, "referrals")
        assert row.pk not in shown(other, "referrals")

    def test_a_consent_that_cannot_be_opened_keeps_it_on_no_tablet(
        self, case: Case, shelter: Partner
    ) -> None:
        consent, row = case.consent(shelter), case.refer(shelter)
        with connection.cursor() as cursor:
            cursor.execute(
                "update referrals_consent set content = %s where id = %s", [b"broken", consent.pk]
            )
        reassign(
            assignment=case.assignment,
            to=case.world.theirs.unit,
            by=case.world.supervisor,
            reason="x",
            now=minutes(1),
        )
        case.world.commit()
        assert not ParkedReaction.objects.exists()
        assert row.pk in dropped(case.world.ours.tablets[1], "referrals")


class TestPartners:
    def test_are_on_every_tablet_by_name(self, case: Case, shelter: Partner) -> None:
        case.world.commit()
        assert for_everyone(shelter)["name"] == shelter.name

        shelter.is_active = False
        accounts.save_partner(partner=shelter, by=SYSTEM, now=NOON)
        case.world.commit()
        assert not for_everyone(shelter)["in_use"]


def test_notes_and_handover_show_what_was_asked(case: Case, shelter: Partner) -> None:
    case.say("decline", case.asks(shelter), said_by="Kim", reason_code="full")

    [found] = parts_of(case.encounter)["referrals"]
    assert found["needs"] == ["Shelter, a place to sleep"]
    assert [(one["partner"], one["state"], one["reason"]) for one in found["asked"]] == [
        (shelter.name, "Declined", "Full")
    ]


class TestTwice:
    def test_the_same_need_of_the_same_person_is_asked_once(
        self, case: Case, shelter: Partner
    ) -> None:
        first = case.asks(shelter)
        second = case.asks(shelter)

        assert (second.status, second.duplicate_of) == ("draft", first.pk)
        assert "duplicate" in second.flags

    def test_another_need_is_another_question(self, case: Case, shelter: Partner) -> None:
        case.asks(shelter)

        assert case.asks(shelter, needs=["food-insecurity"]).status == "requested"

    def test_after_the_first_is_over_it_is_asked_anew(self, case: Case, shelter: Partner) -> None:
        case.say("decline", case.asks(shelter), said_by="Kim", reason_code="full")

        assert case.asks(shelter).status == "requested"

    def test_whoever_has_looked_may_send_it_all_the_same(
        self, case: Case, shelter: Partner
    ) -> None:
        case.asks(shelter)
        again = case.asks(shelter)

        assert case.say("send", again) == []
        again.refresh_from_db()
        assert (again.status, again.awaits) == ("requested", "answer")


class TestATelephoneAnswer:
    def test_counts_like_any_other(self, case: Case, shelter: Partner) -> None:
        task = case.asks(shelter)
        said = {"said_by": "Kim, front desk", "case_number": "PSS-4411"}
        assert case.say("accept", task, now=after(60), **said) == []

        found = case.on_tablet(task.referral, case.world.ours.tablets[1])["tasks"][0]
        assert (found["status"], found["case_number"]) == ("accepted", "PSS-4411")
        assert found["answers"][0]["way"] == "telephone"
        row = ReferralAnswer.objects.get()
        assert (row.said_by, row.recorded_by) == ("Kim, front desk", case.world.ours.people[0])
        assert row.said_at == after(60)

    def test_names_who_said_it(self, case: Case, shelter: Partner) -> None:
        case.say("accept", case.asks(shelter))

        assert refused() == ["/said_by"]

    def test_a_no_needs_a_reason(self, case: Case, shelter: Partner) -> None:
        case.say("decline", case.asks(shelter), said_by="Kim")

        assert refused() == ["/reason"]

    def test_is_not_what_care_does_itself(self, case: Case, shelter: Partner) -> None:
        task = case.asks(shelter)
        assert case.say("transport", task) == []
        assert case.say("warm_handoff", task, text="To Kim at the door.") == []

        [found] = case.on_tablet(task.referral)["tasks"]
        assert found["status"] == "in-progress"
        told = [(one["verb"], one["way"]) for one in found["answers"]]
        assert told == [("transport", "tablet"), ("warm_handoff", "tablet")]
        assert found["answered_at"] is None, "the partner has said nothing"

    def test_attendance_is_an_output(self, case: Case, shelter: Partner) -> None:
        task = case.asks(shelter)
        case.say("attended", task, said_by="Kim")
        case.say("not_attended", task, said_by="Kim")

        task.refresh_from_db()
        assert (task.status, task.attended) == ("in-progress", False)


class TestBeforeItsReferral:
    def test_an_answer_waits_for_it_and_is_taken_then(
        self, case: Case, shelter: Partner, django_capture_on_commit_callbacks: Any
    ) -> None:
        row, task = uuid7(), str(uuid7())
        told = {"referral_id": str(row), "task_id": task, "verb": "accept", "said_by": "Kim"}
        [answer] = case.tell("referral_answer", **told)
        assert answer["sync_status"] == "quarantined"

        asked = [{"id": task, "partner_id": str(shelter.pk)}]
        here = {"assignment_id": str(case.assignment.pk), "encounter_id": str(case.encounter)}
        with django_capture_on_commit_callbacks(execute=True):
            case.save("referrals", row, asked=asked, needs=["homelessness"], **here)
        assert ReferralTask.objects.get().status == "accepted"
        assert ReferralAnswer.objects.get().recorded_by == case.world.ours.people[0]

    def test_what_was_refused_for_something_else_stays_where_it_is(
        self, case: Case, shelter: Partner
    ) -> None:
        case.say("accept", case.asks(shelter))  # by nobody

        assert linking.link(now=NOON) == 0


class TestTheLoop:
    def test_is_closed_by_an_outcome(self, case: Case, shelter: Partner) -> None:
        task = case.asks(shelter)
        case.say("served", task, said_by="Kim", services=["a bed"])

        row = Referral.objects.get()
        assert (row.status, row.outcome) == ("completed", "served")
        assert case.on_tablet(row)["tasks"][0]["services"] == ["a bed"]

    def test_is_open_again_where_the_outcome_was_an_error(
        self, case: Case, shelter: Partner
    ) -> None:
        task = case.asks(shelter)
        case.say("served", task, said_by="Kim")
        case.say("error", task)

        row = Referral.objects.get()
        assert (row.status, row.outcome, row.leaves_at) == ("active", None, None)

    def test_once_over_asks_nobody_else(self, case: Case, shelter: Partner) -> None:
        row = case.refer(shelter, shelter)
        draft = row.tasks.get(status="draft")
        case.say("served", row.tasks.get(status="requested"), said_by="Kim")
        [answer] = case.say("send", draft)

        draft.refresh_from_db()
        assert (draft.status, draft.sent_at) == ("draft", None)
        assert answer["sync_status"] == "quarantined"
        assert Referral.objects.get().status == "completed"

    def test_is_not_closed_by_a_no(self, case: Case, shelter: Partner) -> None:
        case.say("decline", case.asks(shelter), said_by="Kim", reason_code="full")

        assert Referral.objects.get().status == "active"

    def test_is_not_closed_while_another_is_at_work(
        self, case: Case, shelter: Partner, clinic: Partner
    ) -> None:
        row = case.refer(shelter, clinic)
        first, second = row.tasks.order_by("partner__name")
        case.say("served", first, said_by="Kim")
        row.refresh_from_db()
        assert row.status == "active"

        case.say("not_served", second, said_by="Lee", reason_code="no_show")
        row.refresh_from_db()
        assert row.outcome == "served"

    def test_is_closed_by_care_with_what_came_of_it(self, case: Case, shelter: Partner) -> None:
        task = case.asks(shelter)
        told = {"referral_id": str(task.referral_id), "outcome": "lost_contact"}
        assert case.tell("referral_answer", verb="close", **told) == []

        task.refresh_from_db()
        assert (task.status, task.awaits) == ("cancelled", "nothing")
        assert Referral.objects.get().outcome == "lost_contact"

    def test_a_withdrawn_one_has_no_outcome(self, case: Case, shelter: Partner) -> None:
        task = case.asks(shelter)
        told = {"referral_id": str(task.referral_id), "reason_code": "declined_by_person"}
        assert case.tell("referral_answer", verb="withdraw", **told) == []

        row = Referral.objects.get()
        assert (row.status, row.outcome) == ("revoked", None)

    def test_leaves_the_makers_tablet_a_while_after(self, case: Case, shelter: Partner) -> None:
        case.say("served", case.asks(shelter), said_by="Kim")

        assert clocks.let_closed_go(now=minutes(1)) == 0
        assert clocks.let_closed_go(now=minutes(61)) == 1
        assert Referral.objects.get().kept_for == []

    def test_stays_with_the_supervisors_where_its_call_never_came(
        self, case: Case, shelter: Partner
    ) -> None:
        call = uuid7()
        here = {"assignment_id": str(call), "encounter_id": str(encounter_id(call))}
        case.say("served", case.asks(shelter, **here), said_by="Kim")
        assert clocks.let_closed_go(now=minutes(61)) == 1
        case.world.commit()

        assert Referral.objects.visible_to(case.world.supervisor).exists()
        assert not Referral.objects.visible_to(case.world.ours.people[0]).exists()


class TestClocks:
    def test_the_partner_then_the_responder_then_the_supervisors(
        self, case: Case, shelter: Partner
    ) -> None:
        task = case.asks(shelter)
        steps = []
        for at in (9, 10, 20, 30):
            clocks.remind_due(now=minutes(at))
            task.refresh_from_db()
            steps.append(task.clock_step)

        assert steps == [0, 1, 2, 4]
        assert [one.kind for one in Alert.objects.all()] == ["referral"]
        case.world.commit()
        assert shown(case.world.supervisor, "alerts")

    def test_the_next_partner_is_offered_and_never_asked(
        self, case: Case, shelter: Partner, clinic: Partner
    ) -> None:
        case.consent(shelter, clinic)
        task = case.asks(shelter)
        assert case.on_tablet(task.referral)["offers"] == []

        clocks.remind_due(now=minutes(30))
        case.world.commit()
        offers = case.on_tablet(task.referral)["offers"]
        assert [one["partner"] for one in offers] == [clinic.name]
        assert ReferralTask.objects.count() == 1

    def test_nobody_is_offered_whom_no_consent_names(
        self, case: Case, shelter: Partner, clinic: Partner
    ) -> None:
        case.consent(shelter)
        task = case.asks(shelter)
        case.say("decline", task, said_by="Kim", reason_code="full")

        assert case.on_tablet(task.referral)["offers"] == []

    def test_whoever_has_asked_us_something_is_not_reminded(
        self, case: Case, shelter: Partner
    ) -> None:
        task = case.asks(shelter)
        case.say("ask", task, said_by="Kim", text="Any dog?")
        clocks.remind_due(now=minutes(10))
        assert not Change.objects.filter(event="referral.reminded").exists()

        case.say("reply", task, text="A small one.")
        assert case.on_tablet(task.referral)["tasks"][0]["reply"] == "A small one."

    def test_an_answer_stops_them(self, case: Case, shelter: Partner) -> None:
        task = case.asks(shelter)
        case.say("accept", task, said_by="Kim")

        assert clocks.remind_due(now=minutes(31)) == 0

    def test_and_what_came_of_it_is_asked_for(self, case: Case, shelter: Partner) -> None:
        task = case.asks(shelter)
        case.say("accept", task, said_by="Kim")
        clocks.remind_due(now=minutes(12 * 60))

        task.refresh_from_db()
        assert (task.awaits, task.clock_step) == ("outcome", 1)

    def test_two_ticks_do_it_once(self, case: Case, shelter: Partner) -> None:
        case.asks(shelter)

        assert [clocks.remind_due(now=minutes(10)) for _ in range(2)] == [1, 0]
        assert Entry.objects.filter(action="remind").count() == 1
