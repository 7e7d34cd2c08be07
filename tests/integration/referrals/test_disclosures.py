from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import Partner, Role
from apps.audit.services import SYSTEM
from apps.referrals.consenting import RULES_OF_PART_2
from apps.referrals.models import Consent, Disclosure, ReferralTask, Way
from apps.referrals.payload import digest
from apps.referrals.services import disclosures
from apps.referrals.services.partners import note_agency
from tests.factories import person
from tests.integration.referrals.conftest import NOON, Case, after, shown

pytestmark = pytest.mark.django_db


def told(task: ReferralTask, **more: Any) -> dict[str, Any]:
    """What the partner is told now."""
    asked = {"task": task, "way": Way.API, "actor": SYSTEM, "now": NOON, **more}
    return disclosures.disclose_to_partner(**asked).document


class TestAPartnerIsTold:
    def test_nothing_but_call_us_without_consent(
        self, case: Case, shelter: Partner, settings: Any
    ) -> None:
        settings.CARE_PHONE = "206-555-0199"
        task = case.asks(shelter, note="Can walk. Has a dog.")

        document = told(task)
        assert set(document) == {"id", "number", "task", "call_us"}
        assert document["call_us"]["phone"] == "206-555-0199"
        assert "Dana" not in str(document)
        assert not Disclosure.objects.exists()

    def test_what_the_consent_and_the_need_let_through(self, case: Case, shelter: Partner) -> None:
        case.consent(shelter)
        document = told(case.asks(shelter, note="Can walk."))

        assert document["person"]["given_name"] == "Dana"
        assert [one["value"] for one in document["person"]["contacts"]] == ["206-555-0100"]
        assert (document["note"], document["urgency"]) == ("Can walk.", "tonight")

    def test_no_more_than_the_need_asks_for(self, case: Case, shelter: Partner) -> None:
        case.consent(shelter)

        assert "given_name" not in str(told(case.asks(shelter, needs=["food-insecurity"])))

    def test_nothing_that_a_consent_to_another_opens(
        self, case: Case, shelter: Partner, clinic: Partner
    ) -> None:
        case.consent(clinic)

        assert set(told(case.asks(shelter))) == {"id", "number", "task", "call_us"}

    def test_nothing_of_whom_they_only_may_be(self, case: Case, shelter: Partner) -> None:
        case.consent(shelter)
        case.save("encounters", case.encounter, match="possible")

        document = told(case.asks(shelter))
        assert "person" not in document
        assert document["needs"] == ["homelessness"]

    def test_a_change_of_consent_at_the_next_read(self, case: Case, shelter: Partner) -> None:
        consent = case.consent(shelter)
        task = case.asks(shelter)
        assert "person" in told(task)

        case.tell("consent_revocation", consent_id=str(consent.pk))
        assert set(told(task)) == {"id", "number", "task", "call_us"}

    def test_nothing_after_the_consents_end(self, case: Case, shelter: Partner) -> None:
        case.consent(shelter)
        task = case.asks(shelter)

        assert "person" not in told(task, now=NOON + timedelta(days=30))

    @pytest.mark.parametrize("verb", ["decline", "served"])
    def test_nothing_once_it_is_over(self, case: Case, shelter: Partner, verb: str) -> None:
        case.consent(shelter)
        task = case.asks(shelter)
        case.say(verb, task, said_by="Kim", reason_code="full")

        assert set(told(task)) == {"id", "number", "task", "call_us"}

    def test_nothing_of_why_care_cancelled_in_its_words(self, case: Case, shelter: Partner) -> None:
        case.consent(shelter)
        task = case.asks(shelter)
        why = {"reason": "Dana was taken to jail.", "reason_code": "served_elsewhere"}
        case.say("cancel", task, **why)

        assert told(task)["task"]["reason"] == "Served elsewhere"

    def test_and_the_responder_sees_that_it_was_read(self, case: Case, shelter: Partner) -> None:
        task = case.asks(shelter)
        told(task, now=after(90))
        case.world.commit()

        assert case.on_tablet(task.referral)["tasks"][0]["read_at"] == "2026-03-04T20:01:30.000Z"


class TestPart2:
    DETAIL = {"id": "1", "category": "health", "text": "On methadone.", "source": "partner"}

    def asked(self, case: Case, shelter: Partner, **of: Any) -> ReferralTask:
        return case.asks(shelter, needs=["medical-care"], details=[{**self.DETAIL, **of}])

    def test_spoken_consent_does_not_open_what_a_programme_told(
        self, case: Case, shelter: Partner, clinic: Partner
    ) -> None:
        note_agency(partner=clinic, part2=True, by=case.world.supervisor, now=NOON)
        case.consent(shelter)

        document = told(self.asked(case, shelter, source_partner_id=str(clinic.pk)))
        assert "person" in document
        assert "methadone" not in str(document)
        assert "notice" not in document

    def test_a_signature_does_and_the_statement_goes_with_it(
        self, case: Case, shelter: Partner, clinic: Partner
    ) -> None:
        note_agency(partner=clinic, part2=True, by=case.world.supervisor, now=NOON)
        case.signature_comes(case.consent(shelter, form="written", given_by="Dana Reyes"))

        document = told(self.asked(case, shelter, source_partner_id=str(clinic.pk)))
        assert "methadone" in str(document)
        assert document["notice"] == RULES_OF_PART_2
        [copy] = document["consents"]
        assert (copy["by"], copy["to"]) == ("Dana Reyes", [shelter.name])
        assert Disclosure.objects.get().part2

    def test_a_signature_that_is_only_named_does_not(
        self, case: Case, shelter: Partner, clinic: Partner
    ) -> None:
        note_agency(partner=clinic, part2=True, by=case.world.supervisor, now=NOON)
        consent = case.consent(shelter, form="written", given_by="Dana Reyes")
        task = self.asked(case, shelter, source_partner_id=str(clinic.pk))

        document = told(task)
        assert "Dana" in str(document)
        assert "methadone" not in str(document)
        case.signature_comes(consent)
        assert "methadone" in str(told(task))

    def test_the_copy_of_a_consent_names_nobody_whom_the_reader_may_not_know(
        self, case: Case, shelter: Partner, clinic: Partner
    ) -> None:
        """Who else may read it says what for; who gave it, who it is about."""
        consent = case.consent(
            shelter, clinic, form="written", given_by="Dana Reyes", categories=["needs", "health"]
        )
        case.signature_comes(consent)

        document = told(self.asked(case, shelter))
        assert "methadone" in str(document)
        assert not [one for one in (clinic.name, "Dana", "Reyes") if one in str(document)]

    def test_a_source_that_nobody_has_judged_counts_as_protected(
        self, case: Case, shelter: Partner
    ) -> None:
        case.consent(shelter)

        assert "methadone" not in str(told(self.asked(case, shelter)))

    def test_what_a_responder_saw_is_not(self, case: Case, shelter: Partner) -> None:
        case.consent(shelter)

        assert "methadone" in str(told(self.asked(case, shelter, source="seen")))


class TestTheAccounting:
    def test_holds_the_hash_of_exactly_what_left(self, case: Case, shelter: Partner) -> None:
        consent = case.consent(shelter)
        document = told(case.asks(shelter))

        row = Disclosure.objects.get()
        assert bytes(row.payload_sha256) == digest(document)
        assert row.consents == [consent.pk]
        assert (row.partner, row.basis) == (shelter, "consent")
        assert "person.given_name" in row.places
        assert "Dana" not in str(row.places)

    def test_each_read_is_a_disclosure(self, case: Case, shelter: Partner) -> None:
        case.consent(shelter)
        task = case.asks(shelter)
        told(task)
        told(task)

        assert len(disclosures.accounting_of(person_id=case.person)) == 2

    def test_is_never_changed(self, case: Case, shelter: Partner) -> None:
        case.consent(shelter)
        told(case.asks(shelter))

        with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
            cursor.execute("update referrals_disclosure set part2 = true")


class TestAfterTheFact:
    def tell(self, case: Case, basis: str = "medical_emergency", **said: Any) -> Disclosure:
        told = {"assignment_id": str(case.assignment.pk), "basis": basis, **said}
        assert case.tell("disclosure", **told) == []
        return Disclosure.objects.get()

    def test_an_emergency_with_what_the_rule_asks_for(self, case: Case) -> None:
        row = self.tell(
            case,
            recipient="Medic 10",
            affiliation="Seattle Fire Department",
            at="2026-03-04T19:59:00.000Z",
            nature="Overdose",
            categories=["health"],
        )

        assert (row.flags, row.basis, row.recipient) == ([], "medical_emergency", "Medic 10")
        assert row.discloser == case.world.ours.people[0]
        assert row.person_id == case.person
        assert shown(case.world.ours.tablets[1], "facts")[row.pk]["recipient"] == "Medic 10"

    def test_is_taken_whatever_it_leaves_out(self, case: Case) -> None:
        row = self.tell(case)

        assert row.flags == ["no_affiliation", "no_nature", "no_recipient_named", "no_time"]

    def test_a_handover_waits_for_no_consent(self, case: Case) -> None:
        assert not Consent.objects.exists()
        assert self.tell(case, "treatment_handover", recipient="Medic 10").pk

    def test_keeps_the_hash_of_what_was_shown(self, case: Case) -> None:
        assert bytes(self.tell(case, payload_hash="ab" * 32).payload_sha256).hex() == "ab" * 32

    def test_consent_is_no_basis_for_what_a_tablet_tells(self, case: Case) -> None:
        [answer] = case.tell("disclosure", assignment_id=str(case.assignment.pk), basis="consent")

        assert answer["sync_status"] == "quarantined"
        assert not Disclosure.objects.exists()


def test_nobody_but_the_crew_and_its_supervisors_sees_any(case: Case) -> None:
    TestAfterTheFact().tell(case)
    case.world.commit()

    stranger = person(Role.SUPERVISOR)
    seen = Disclosure.objects
    assert seen.visible_to(case.world.supervisor).count() == 1
    assert seen.visible_to(stranger).count() == 0
    assert seen.visible_to(case.world.dispatcher).count() == 0
