from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts import services as accounts
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.referrals.fhir import terms
from apps.referrals.models import (
    Consent,
    Disclosure,
    PartnerContact,
    ReferralAnswer,
    ReferralLink,
    ReferralTask,
)
from apps.referrals.payload import digest
from apps.referrals.services import links
from tests.fhirjudge import judged
from tests.integration.referrals.conftest import NOON, Case

pytestmark = pytest.mark.django_db

BASE = "/fhir/r4/"


class System:
    """A partner's FHIR client, with its token."""

    def __init__(self, client: Client, name: str) -> None:
        token, self.partner = accounts.create_partner(name=name, by=SYSTEM, now=NOON)
        self.client, self.headers = client, {"Authorization": f"Bearer {token}"}

    def get(self, path: str, status: int = 200) -> dict[str, Any]:
        answer = self.client.get(BASE + path, headers=self.headers)
        assert answer.status_code == status, answer.content
        assert answer["Content-Type"] == "application/fhir+json"
        return judged(answer.json())

    def found(self, path: str) -> list[dict[str, Any]]:
        told = self.get(path)
        assert (told["resourceType"], told["type"]) == ("Bundle", "searchset")
        return [one["resource"] for one in told.get("entry", ())]

    def put(self, task: dict[str, Any], status: int = 200, version: Any = None) -> dict[str, Any]:
        version = version or task["meta"]["versionId"]
        answer = self.client.put(
            f"{BASE}Task/{task['id']}",
            task,
            content_type="application/fhir+json",
            headers={**self.headers, "If-Match": f'W/"{version}"'},
        )
        assert answer.status_code == status, answer.content
        return judged(answer.json())


@pytest.fixture
def shelter(client: Client, world: Any) -> System:
    return System(client, "Pioneer Square Shelter")


@pytest.fixture
def clinic(client: Client, world: Any) -> System:
    return System(client, "Third Avenue Clinic")


class TestTheService:
    def test_describes_itself_to_anybody(self, client: Client) -> None:
        told = judged(client.get(f"{BASE}metadata").json())

        assert (told["resourceType"], told["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
        tasks, *_ = told["rest"][0]["resource"]
        assert {one["code"] for one in tasks["interaction"]} == {"read", "search-type", "update"}

    @pytest.mark.parametrize("path", ["Task", "ServiceRequest", "Consent", "Organization/{}"])
    def test_speaks_to_nobody_without_a_token(self, client: Client, path: str) -> None:
        answer = client.get(BASE + path.format(uuid7()))

        assert answer.status_code == 401
        assert answer.json()["issue"][0]["code"] == "login"
        assert answer["WWW-Authenticate"].startswith("Bearer")

    def test_is_not_for_the_desk(self, client: Client, case: Case) -> None:
        client.force_login(case.world.supervisor)

        assert client.get(f"{BASE}Task").status_code == 401

    def test_errors_are_outcomes(self, shelter: System) -> None:
        told = shelter.get("Task?subject=x", status=400)

        assert told["resourceType"] == "OperationOutcome"
        assert told["issue"][0]["expression"] == ["subject"]

    def test_knows_the_partner_itself(self, shelter: System, clinic: System) -> None:
        told = shelter.get(f"Organization/{shelter.partner.pk}")

        assert told["name"] == shelter.partner.name
        shelter.get(f"Organization/{clinic.partner.pk}", status=404)


class TestOnlyTheirs:
    def test_of_others_nothing_is_there(self, case: Case, shelter: System, clinic: System) -> None:
        consent = case.consent(clinic.partner, now=clock.now())
        task = case.asks(clinic.partner)
        for path in (f"Task/{task.pk}", f"ServiceRequest/{task.referral_id}"):
            shelter.get(path, status=404)
        shelter.get(f"Consent/{consent.pk}", status=404)
        for kind in ("Task", "ServiceRequest", "Consent"):
            assert shelter.found(kind) == []
        theirs = clinic.get(f"Task/{task.pk}")
        shelter.put({**theirs, "status": "accepted"}, status=404)
        assert not ReferralAnswer.objects.exists()
        assert not Disclosure.objects.exists()

    def test_whoever_declined_does_not_learn_that_somebody_else_has_served(
        self, case: Case, shelter: System, clinic: System
    ) -> None:
        referral = case.refer(shelter.partner, clinic.partner)
        ours = ReferralTask.objects.get(referral=referral, partner=shelter.partner)
        theirs = ReferralTask.objects.get(referral=referral, partner=clinic.partner)
        refusal = {"status": "rejected", "statusReason": {"text": "Full."}}
        before = shelter.put({**shelter.get(f"Task/{ours.pk}"), **refusal})
        request = shelter.get(f"ServiceRequest/{referral.pk}")
        clinic.put({**clinic.get(f"Task/{theirs.pk}"), "status": "completed"})
        referral.refresh_from_db()
        assert referral.status == "completed"

        assert shelter.get(f"Task/{ours.pk}") == before
        assert shelter.get(f"ServiceRequest/{referral.pk}") == request
        assert (request["status"], request["authoredOn"]) == ("revoked", before["authoredOn"])
        assert len(shelter.found("ServiceRequest?status=revoked")) == 1
        assert shelter.found("ServiceRequest?status=completed,active") == []

    def test_nor_when_care_has_closed_it(self, case: Case, shelter: System, clinic: System) -> None:
        referral = case.refer(shelter.partner, clinic.partner)
        ours, theirs = (
            ReferralTask.objects.get(referral=referral, partner=one.partner)
            for one in (shelter, clinic)
        )
        refusal = {"status": "rejected", "statusReason": {"text": "Full."}}
        before = shelter.put({**shelter.get(f"Task/{ours.pk}"), **refusal})
        open_one = clinic.get(f"Task/{theirs.pk}")
        case.tell(
            "referral_answer",
            referral_id=str(referral.pk),
            verb="close",
            outcome="lost_contact",
            now=clock.now(),
        )

        assert shelter.get(f"Task/{ours.pk}") == before
        after_it = clinic.get(f"Task/{theirs.pk}")
        assert after_it["status"] == "cancelled"
        assert int(after_it["meta"]["versionId"]) == int(open_one["meta"]["versionId"]) + 1

    def test_a_draft_was_never_sent(self, case: Case, shelter: System) -> None:
        case.asks(shelter.partner)
        draft = case.asks(shelter.partner)

        shelter.get(f"Task/{draft.pk}", status=404)
        assert len(shelter.found("Task")) == 1


class TestReading:
    def test_a_task_says_nothing_of_anybody_and_the_read_is_written_down(
        self, case: Case, shelter: System
    ) -> None:
        case.consent(shelter.partner, now=clock.now())
        task = case.asks(shelter.partner, note="Can walk.")
        told = shelter.get(f"Task/{task.pk}")

        assert not [one for one in ("Dana", "walk", "homelessness") if one in repr(told)]
        read = Entry.objects.get(action="read", actor_id=shelter.partner.pk)
        assert read.subject_ids == [task.referral_id]
        assert not Disclosure.objects.exists()

    def test_a_request_is_told_by_consent_field_by_field(self, case: Case, shelter: System) -> None:
        now = clock.now()
        consent = case.consent(shelter.partner, now=now, categories=["needs", "contact"])
        task = case.asks(shelter.partner, note="Can walk.", now=now)
        told = shelter.get(f"ServiceRequest/{task.referral_id}")

        text = repr(told)
        assert [one for one in ("206-555-0100", "Can walk.", "homelessness") if one in text] == [
            *("206-555-0100", "Can walk.", "homelessness"),
        ]
        assert not [one for one in ("Dana", "Reyes", "'es'", "206-555-0666") if one in text]
        assert told["supportingInfo"] == [{"reference": f"Consent/{consent.pk}"}]

    def test_and_accounted_for_with_the_hash_of_what_left(
        self, case: Case, shelter: System
    ) -> None:
        case.consent(shelter.partner, now=clock.now())
        task = case.asks(shelter.partner, now=clock.now())
        told = shelter.get(f"ServiceRequest/{task.referral_id}")

        row = Disclosure.objects.get()
        assert (row.way, row.partner) == ("fhir", shelter.partner)
        assert bytes(row.payload_sha256) == digest(told)
        assert len(shelter.found("ServiceRequest")) == 1
        assert Disclosure.objects.count() == 2

    def test_without_consent_it_says_call_us(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner, note="Can walk.")
        told = shelter.get(f"ServiceRequest/{task.referral_id}")

        assert "Please call us" in repr(told["note"])
        assert not [one for one in ("Dana", "walk", "homeless") if one in repr(told)]
        assert "priority" not in told
        assert not Disclosure.objects.exists()

    def test_a_consent_that_is_revoked_is_inactive(self, case: Case, shelter: System) -> None:
        consent = case.consent(shelter.partner, now=clock.now())
        assert shelter.get(f"Consent/{consent.pk}")["status"] == "active"
        case.tell("consent_revocation", consent_id=str(consent.pk))

        assert shelter.get(f"Consent/{consent.pk}")["status"] == "inactive"
        assert shelter.found("Consent?status=active") == []
        assert len(shelter.found("Consent?status=inactive")) == 1

    def test_a_consent_without_a_witness_is_inactive(self, case: Case, shelter: System) -> None:
        consent = case.consent(shelter.partner, now=clock.now(), witness="")

        assert Consent.objects.get(pk=consent.pk).flags == ["no_witness"]
        assert shelter.get(f"Consent/{consent.pk}")["status"] == "inactive"


class TestSearching:
    def test_tasks_by_owner_status_focus_and_time(
        self, case: Case, shelter: System, clinic: System
    ) -> None:
        old = case.asks(shelter.partner, now=NOON)
        new = case.asks(shelter.partner, needs=["food-insecurity"], now=NOON + timedelta(hours=1))
        told = shelter.get(f"Task/{old.pk}")
        shelter.put({**told, "status": "accepted"})

        def ids(query: str) -> list[str]:
            return [one["id"] for one in shelter.found(f"Task?{query}")]

        assert ids("") == [str(new.pk), str(old.pk)]
        assert ids(f"owner=Organization/{shelter.partner.pk}") == [str(new.pk), str(old.pk)]
        assert ids(f"owner=Organization/{clinic.partner.pk}") == []
        assert ids("status=requested") == [str(new.pk)]
        assert ids("status=requested,accepted") == [str(new.pk), str(old.pk)]
        assert ids(f"focus=ServiceRequest/{old.referral_id}") == [str(old.pk)]
        assert ids(f"_id={new.pk}") == [str(new.pk)]
        assert ids("_lastUpdated=gt2026-03-04T21:30:00Z") == [str(old.pk)]
        assert ids("_lastUpdated=ge2026-03-04T21:00:00Z&_lastUpdated=lt2026-03-05T00:00:00Z") == [
            str(new.pk)
        ]

    def test_page_by_page(self, case: Case, shelter: System) -> None:
        needs = ["food-insecurity", "stress", "sobering"]
        made = [
            case.asks(shelter.partner, needs=[one], now=NOON + timedelta(minutes=n))
            for n, one in enumerate(needs)
        ]
        found, path = [], "Task?_count=2"
        while path:
            told = shelter.get(path)
            assert told["total"] == 3
            found += [one["resource"]["id"] for one in told["entry"]]
            following = [one["url"] for one in told["link"] if one["relation"] == "next"]
            path = following[0].partition(BASE)[2] if following else ""
        assert found == [str(one.pk) for one in reversed(made)]

    def test_the_next_page_is_there_when_the_last_one_was_answered(
        self, case: Case, shelter: System
    ) -> None:
        older, newer = (
            case.asks(shelter.partner, needs=[one], now=NOON + timedelta(minutes=n))
            for n, one in enumerate(["food-insecurity", "stress"])
        )
        told = shelter.get("Task?_count=1&status=requested")
        [following] = [one["url"] for one in told["link"] if one["relation"] == "next"]
        shelter.put({**shelter.get(f"Task/{newer.pk}"), "status": "accepted"})

        assert [one["id"] for one in shelter.found(following.partition(BASE)[2])] == [str(older.pk)]


class TestUpdating:
    def test_is_on_the_responders_tablet(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner)
        read = shelter.get(f"Task/{task.pk}")
        number = {"system": terms.CASE_NUMBER, "value": "PSS-4411"}
        told = shelter.put(
            {**read, "status": "accepted", "identifier": [*read["identifier"], number]}
        )
        case.world.commit()

        assert told["status"] == "accepted"
        assert int(told["meta"]["versionId"]) == int(read["meta"]["versionId"]) + 1
        [found] = case.on_tablet(task.referral)["tasks"]
        assert (found["status"], found["case_number"]) == ("accepted", "PSS-4411")
        assert found["answers"][0]["way"] == "fhir"

    def test_what_is_read_can_be_sent_back(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner)
        read = shelter.get(f"Task/{task.pk}")

        assert shelter.put(read) == read
        assert not ReferralAnswer.objects.exists()

    def test_everything_at_once_and_back_again(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner)
        read = shelter.get(f"Task/{task.pk}")

        def output(code: str, **value: Any) -> dict[str, Any]:
            return {"type": {"coding": [{"system": terms.OUTPUT, "code": code}]}, **value}

        outputs = [
            output("appointment", valueDateTime="2026-03-06T14:30:00-08:00"),
            output("attended", valueBoolean=True),
            output("service", valueString="A bed"),
        ]
        told = shelter.put({**read, "status": "completed", "output": outputs})

        verbs = ReferralAnswer.objects.order_by("pk").values_list("verb", flat=True)
        assert list(verbs) == ["appointment", "attended", "served"]
        assert shelter.put(told) == told
        task.referral.refresh_from_db()
        assert task.referral.outcome == "served"

    def test_a_version_that_was_changed_meanwhile_is_refused(
        self, case: Case, shelter: System
    ) -> None:
        task = case.asks(shelter.partner)
        read = shelter.get(f"Task/{task.pk}")
        shelter.put({**read, "status": "accepted"})

        refusal = {**read, "status": "rejected", "statusReason": {"text": "Full."}}
        assert shelter.put(refusal, status=412)["issue"][0]["code"] == "conflict"
        assert ReferralAnswer.objects.count() == 1

    def test_the_same_again_is_one_answer(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner)
        read = shelter.get(f"Task/{task.pk}")
        first = shelter.put({**read, "status": "accepted"})

        assert shelter.put({**read, "status": "accepted"}) == first
        assert ReferralAnswer.objects.count() == 1

    def test_without_a_version_it_is_refused(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner)
        read = shelter.get(f"Task/{task.pk}")

        assert shelter.put({**read, "status": "accepted"}, 400, version="x")

    def test_a_no_without_a_reason_names_the_element(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner)
        read = shelter.get(f"Task/{task.pk}")
        told = shelter.put({**read, "status": "rejected"}, status=422)

        assert told["issue"][0]["expression"] == ["Task.statusReason.text"]

    def test_what_is_over_is_over(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner)
        why = {"reason": "Dana has a bed.", "reason_code": "served_elsewhere"}
        case.say("cancel", task, **why)
        read = shelter.get(f"Task/{task.pk}")

        assert read["statusReason"]["text"] == "Served elsewhere"
        assert shelter.put({**read, "status": "accepted"}, 409)["issue"][0]["code"] == "conflict"


class TestSeveralWays:
    @pytest.mark.parametrize("order", [("api", "link", "fhir"), ("fhir", "link", "api")])
    def test_the_same_answer_ends_in_one_state_and_each_is_logged_with_its_way(
        self, case: Case, shelter: System, order: tuple[str, ...]
    ) -> None:
        desk = PartnerContact(
            partner=shelter.partner, name="Desk", destination="desk@shelter.example.org"
        )
        links.note_contact(contact=desk, by=case.world.supervisor, now=NOON)
        task = case.asks(shelter.partner)
        now = clock.now()

        def by_api() -> None:
            shelter.client.post(
                f"/api/v1/partner/referrals/{task.pk}/answers",
                {"key": "a", "verb": "accept", "said_by": "Kim", "case_number": "S-1"},
                content_type="application/json",
                headers=shelter.headers,
            )

        def by_fhir() -> None:
            read = shelter.get(f"Task/{task.pk}")
            number = {"system": terms.CASE_NUMBER, "value": "S-1"}
            identifiers = [one for one in read["identifier"] if one["system"] == terms.NUMBER]
            shelter.put({**read, "status": "accepted", "identifier": [*identifiers, number]})

        def by_link() -> None:
            link = ReferralLink.objects.of_token(
                str(ReferralLink.objects.get(task=task).secret)
            ).get()
            code = links.ask_code(link=link, contact_id=desk.pk, now=now).secret
            visit = links.open_visit(link=link, code=str(code), name="Kim", page="p", now=now)
            assert visit is not None
            fresh = ReferralTask.objects.get(pk=task.pk)
            links.answer_by_link(
                session=visit.session,
                verb="accept",
                told={"case_number": "S-1"},
                key="l",
                seen=links.stamp_of(fresh),
                now=now,
            )

        ways = {"api": by_api, "fhir": by_fhir, "link": by_link}
        for way in order:
            ways[way]()

        task.refresh_from_db()
        assert (task.status, task.case_number) == ("accepted", "S-1")
        told = ReferralAnswer.objects.order_by("pk").values_list("way", "verb")
        # By FHIR a partner sends how it is: where that is so already, nothing is said.
        said = [one for one in order if one != "fhir" or order[0] == "fhir"]
        assert list(told) == [(way, "accept") for way in said]
