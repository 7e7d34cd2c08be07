from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import PartnerToken
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.referrals.consenting import RULES_OF_PART_2
from apps.referrals.models import ConsentRecipient, Disclosure, ReferralAnswer, ReferralTask
from apps.referrals.payload import digest
from tests.integration.referrals.conftest import NOON, Case

pytestmark = pytest.mark.django_db

API = "/api/v1/partner"


class System:
    """A partner's own system, with its token."""

    def __init__(self, client: Client, name: str) -> None:
        token, self.partner = accounts.create_partner(name=name, by=SYSTEM, now=NOON)
        self.client, self.headers = client, {"Authorization": f"Bearer {token}"}

    def get(self, path: str, status: int = 200) -> Any:
        answer = self.client.get(f"{API}/{path}", headers=self.headers)
        assert answer.status_code == status, answer.content
        return answer.json()

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        answer = self.client.post(
            f"{API}/{path}", body, content_type="application/json", headers=self.headers
        )
        assert answer.status_code == status, answer.content
        return answer.json()

    def says(self, task: ReferralTask, verb: str, status: int = 200, **told: Any) -> Any:
        body = {"key": str(uuid7()), "verb": verb, "said_by": "Kim", **told}
        return self.post(f"referrals/{task.pk}/answers", body, status)


@pytest.fixture
def shelter(client: Client, world: Any) -> System:
    return System(client, "Pioneer Square Shelter")


@pytest.fixture
def clinic(client: Client, world: Any) -> System:
    return System(client, "Third Avenue Clinic")


class TestPace:
    def test_a_partner_has_so_many_requests_a_minute_and_nobody_else_pays(
        self, case: Case, shelter: System, clinic: System, settings: LazySettings
    ) -> None:
        settings.PARTNER_REQUESTS_A_MINUTE = 2
        for _ in range(2):
            shelter.get("referrals")
        answer = shelter.client.get("/fhir/r4/Task", headers=shelter.headers)
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (429, "throttled")
        assert 0 < int(answer["Retry-After"]) <= 61
        assert shelter.get("referrals", 429)["code"] == "slow-down"
        clinic.get("referrals")

    def test_a_partner_that_goes_on_and_on_is_asked_to_call(
        self, case: Case, shelter: System, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All of it stands in the document on the crew's tablets."""
        monkeypatch.setattr("apps.referrals.services.answers.MOST_SAID", 2)
        task = case.asks(shelter.partner)
        body = {"key": "1", "verb": "ask", "said_by": "Kim", "text": "Any dog?"}
        shelter.post(f"referrals/{task.pk}/answers", body)
        shelter.says(task, "ask", text="Any cat?")
        shelter.says(task, "ask", 409, text="Any fish?")
        shelter.post(f"referrals/{task.pk}/answers", body)
        case.say("accept", task, said_by="Kim")
        task.refresh_from_db()
        assert task.status == "accepted"


class TestOnlyTheirs:
    def test_lists_what_it_was_sent_and_says_nothing_of_anybody(
        self, case: Case, shelter: System, clinic: System
    ) -> None:
        case.consent(shelter.partner)
        task = case.asks(shelter.partner, note="Can walk.")
        case.asks(clinic.partner)

        [found] = shelter.get("referrals")["results"]
        assert (found["id"], found["status"]) == (str(task.pk), "requested")
        assert not {"Dana", "walk", "homelessness", "tonight"} & set(str(found).split())

    @pytest.mark.parametrize("path", ["referrals/{}", "referrals/{}/answers"])
    def test_of_others_nothing_is_there(
        self, case: Case, shelter: System, clinic: System, path: str
    ) -> None:
        task = case.asks(clinic.partner)
        address = path.format(task.pk)

        if path.endswith("answers"):
            shelter.says(task, "accept", status=404)
        else:
            shelter.get(address, status=404)
        assert not ReferralAnswer.objects.exists()

    def test_with_which_token_it_was_read_and_answered_is_written_down(
        self, case: Case, shelter: System
    ) -> None:
        """One may leak: what was read with it is known."""
        case.consent(shelter.partner, now=clock.now())
        task = case.asks(shelter.partner, now=clock.now())
        fresh = accounts.issue_partner_token(partner=shelter.partner, by=SYSTEM, now=NOON)
        first, second = PartnerToken.objects.order_by("pk")
        shelter.get(f"referrals/{task.pk}")
        shelter.says(task, "ask", text="Any dog?")
        shelter.headers = {"Authorization": f"Bearer {fresh}"}
        shelter.client.get(f"/fhir/r4/ServiceRequest/{task.referral_id}", headers=shelter.headers)
        shelter.says(task, "accept")

        for rows in (Disclosure.objects.order_by("pk"), ReferralAnswer.objects.order_by("pk")):
            assert list(rows.values_list("token_id", flat=True)) == [first.pk, second.pk]

    def test_the_newest_first_is_what_was_sent_last(self, case: Case, shelter: System) -> None:
        typed = str(uuid7())  # first of all, on a tablet that had no signal until later
        first = case.asks(shelter.partner, now=NOON)
        asked = [{"id": typed, "partner_id": str(shelter.partner.pk)}]
        case.save(
            "referrals",
            uuid7(),
            now=NOON + timedelta(hours=1),
            assignment_id=str(case.assignment.pk),
            encounter_id=str(case.encounter),
            needs=["stress"],
            asked=asked,
        )

        page = shelter.get("referrals?limit=1")
        assert [one["id"] for one in page["results"]] == [typed]
        rest = shelter.get(page["next"].partition(f"{API}/")[2])
        assert [one["id"] for one in rest["results"]] == [str(first.pk)]
        assert rest["next"] is None

    def test_a_cursor_of_nobodys_is_not_found(self, shelter: System) -> None:
        shelter.get("referrals?cursor=cD15ZXN0ZXJkYXk=", status=404)

    def test_what_was_held_back_was_never_sent(self, case: Case, shelter: System) -> None:
        case.asks(shelter.partner)
        draft = case.asks(shelter.partner)

        shelter.get(f"referrals/{draft.pk}", status=404)

    def test_a_partner_that_is_shut_out_is_not_answered(self, case: Case, shelter: System) -> None:
        shelter.partner.is_active = False
        accounts.save_partner(partner=shelter.partner, by=SYSTEM, now=NOON)

        shelter.get("referrals", status=401)


class TestReading:
    def test_is_decided_by_consent_and_accounted_for(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner)
        assert set(shelter.get(f"referrals/{task.pk}")) == {"id", "number", "task", "call_us"}
        assert not Disclosure.objects.exists()

        # A consent holds by the clock on the wall, which the address reads.
        case.consent(shelter.partner, now=clock.now())
        assert shelter.get(f"referrals/{task.pk}")["person"]["given_name"] == "Dana"
        assert Disclosure.objects.get().partner == shelter.partner
        reads = Entry.objects.filter(action="disclose", actor_id=shelter.partner.pk)
        assert reads.count() == 2


class TestAnswering:
    def test_is_on_the_responders_tablet(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner)
        told = shelter.says(task, "accept", case_number="PSS-4411")
        case.world.commit()

        assert (told["status"], told["case_number"]) == ("accepted", "PSS-4411")
        [found] = case.on_tablet(task.referral)["tasks"]
        assert (found["status"], found["answers"][0]["way"]) == ("accepted", "api")

    def test_twice_the_same_is_one_answer(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner)
        first = shelter.says(task, "accept", key="k1")

        assert shelter.says(task, "accept", key="k1") == first
        assert ReferralAnswer.objects.count() == 1

    def test_another_thing_under_one_key_is_refused(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner)
        shelter.says(task, "accept", key="k1")

        shelter.says(task, "decline", key="k1", reason_code="full", status=409)

    def test_a_no_without_a_reason_names_the_field(self, case: Case, shelter: System) -> None:
        told = shelter.says(case.asks(shelter.partner), "decline", status=400)

        assert told["errors"][0]["pointer"] == "/reason"

    def test_what_is_over_is_over(self, case: Case, shelter: System) -> None:
        task = case.asks(shelter.partner)
        case.say("cancel", task, reason="Found a bed elsewhere.")

        shelter.says(task, "accept", status=409)

    @pytest.mark.parametrize("verb", ["cancel", "send", "reply"])
    def test_what_is_cares_is_no_verb_of_theirs(
        self, case: Case, shelter: System, verb: str
    ) -> None:
        shelter.says(case.asks(shelter.partner), verb, status=400, reason="x", text="x")

    def test_many_at_once_each_on_its_own(
        self, case: Case, shelter: System, clinic: System
    ) -> None:
        mine = case.asks(shelter.partner)
        other = case.asks(clinic.partner)
        answers = [
            {"task": str(other.pk), "key": "1", "verb": "accept", "said_by": "Kim"},
            {"task": str(mine.pk), "key": "2", "verb": "decline", "said_by": "Kim"},
            {"task": str(mine.pk), "key": "3", "verb": "accept", "said_by": "Kim"},
        ]

        results = shelter.post("answers", {"answers": answers})["results"]
        assert [one["taken"] for one in results] == [False, False, True]
        assert [one["problem"] and one["problem"]["code"] for one in results] == [
            *("not-found", "invalid", None),
        ]


class TestRevocations:
    def test_are_listed_and_acknowledged(self, case: Case, shelter: System, clinic: System) -> None:
        consent = case.consent(shelter.partner, clinic.partner)
        assert shelter.get("revocations")["results"] == []
        case.tell("consent_revocation", consent_id=str(consent.pk))

        [told] = shelter.get("revocations")["results"]
        assert told["consent_id"] == str(consent.pk)
        clinic.post(f"revocations/{told['id']}/acknowledge", {"by": "Lee"}, status=404)
        shelter.post(f"revocations/{told['id']}/acknowledge", {"by": "Kim"})
        [waiting] = ConsentRecipient.objects.unacknowledged()
        assert waiting.partner == clinic.partner

    def test_the_newest_first_is_what_was_told_last(self, case: Case, shelter: System) -> None:
        old, young = (case.consent(shelter.partner) for _ in range(2))
        case.tell("consent_revocation", consent_id=str(young.pk))
        case.tell("consent_revocation", consent_id=str(old.pk), now=NOON + timedelta(hours=1))

        page = shelter.get("revocations?limit=1")
        assert [one["consent_id"] for one in page["results"]] == [str(old.pk)]


class TestTheScorecard:
    def test_is_the_partners_first(self, case: Case, shelter: System, client: Client) -> None:
        case.say("accept", case.asks(shelter.partner), said_by="Kim")
        client.force_login(case.world.supervisor)
        address = f"/api/v1/partners/{shelter.partner.pk}/scorecard"
        this = f"{clock.now():%Y-%m}"

        assert client.get(address, {"month": this}).status_code == 403
        card = shelter.get("scorecard?month=2026-03")
        assert (card["asked"], card["accepted_share"]) == (1, 1.0)
        assert client.get(address, {"month": "2026-03"}).status_code == 200

    def test_a_wrong_month_is_named(self, shelter: System) -> None:
        for month in ("2026-13", "9999-12", "0001-01"):
            assert shelter.get(f"scorecard?month={month}", 400)["errors"][0]["pointer"]


class TestForCare:
    def test_the_accounting_names_who_was_told_what(
        self, case: Case, shelter: System, client: Client
    ) -> None:
        case.consent(shelter.partner, now=clock.now(), expires_at=None)
        case.consent(shelter.partner, now=clock.now() - timedelta(minutes=1), categories=["needs"])
        shelter.get(f"referrals/{case.asks(shelter.partner).pk}")
        client.force_login(case.world.supervisor)

        [found] = client.get(f"/api/v1/people/{case.person}/disclosures").json()["results"]
        assert (found["recipient"], found["basis"]) == (shelter.partner.name, "consent")
        assert found["categories"] == ["needs"]
        assert len(found["payload_sha256"]) == 64
        read = Entry.objects.filter(action="read", subject_type="disclosure")
        assert read.get().actor_id == case.world.supervisor.pk

    def test_the_accounting_comes_page_by_page_and_what_was_shown_is_written_down(
        self, case: Case, shelter: System, client: Client
    ) -> None:
        case.consent(shelter.partner, now=clock.now())
        task = case.asks(shelter.partner)
        for _ in range(3):
            shelter.get(f"referrals/{task.pk}")
        client.force_login(case.world.supervisor)

        first = client.get(f"/api/v1/people/{case.person}/disclosures?limit=2").json()
        assert len(first["results"]) == 2
        assert len(Entry.objects.get(action="read", subject_type="disclosure").subject_ids) == 2
        [last] = client.get(first["next"]).json()["results"]
        assert last["id"] not in {one["id"] for one in first["results"]}

    def test_nobody_else_reads_it(self, case: Case, client: Client) -> None:
        for user, status in ((case.world.ours.people[0], 403), (case.world.dispatcher, 403)):
            client.force_login(user)
            answer = client.get(f"/api/v1/people/{case.person}/disclosures")
            assert answer.status_code == status

    def test_a_court_is_told_what_its_order_opens(self, case: Case, client: Client) -> None:
        case.refer(details=[{"id": "1", "category": "health", "text": "Asthma.", "part2": True}])
        client.force_login(case.world.supervisor)
        address = f"/api/v1/encounters/{case.encounter}/disclosures"
        order = {"basis": "court_order", "recipient": "Superior Court", "nature": "26-2-01234-5"}

        told = client.post(address, order, content_type="application/json").json()
        assert told["document"]["person"]["given_name"] == "Dana"
        assert told["document"]["notice"] == RULES_OF_PART_2
        row = Disclosure.objects.get()
        assert bytes(row.payload_sha256) == digest(told["document"])
        assert (row.basis, row.discloser, row.part2) == (
            *("court_order", case.world.supervisor, True),
        )

    def test_against_a_threat_no_more_than_that_asks_for(self, case: Case, client: Client) -> None:
        case.refer(details=[{"id": "1", "category": "health", "text": "Asthma."}])
        client.force_login(case.world.supervisor)
        address = f"/api/v1/encounters/{case.encounter}/disclosures"
        threat = {"basis": "imminent_threat", "recipient": "Officer 7310"}

        answer = client.post(address, threat, content_type="application/json")
        document = answer.json()["document"]
        assert document["person"]["given_name"] == "Dana"
        assert "contacts" not in document["person"]
        assert "Asthma" not in str(document)
        assert Disclosure.objects.get().flags == ["no_nature"]

    def test_consent_is_no_such_basis(self, case: Case, client: Client) -> None:
        client.force_login(case.world.supervisor)
        address = f"/api/v1/encounters/{case.encounter}/disclosures"
        body = {"basis": "consent", "recipient": "Shelter"}

        assert client.post(address, body, content_type="application/json").status_code == 400

    def test_a_supervisor_enters_a_telephone_answer(
        self, case: Case, shelter: System, client: Client
    ) -> None:
        task = case.asks(shelter.partner)
        client.force_login(case.world.supervisor)
        body = {"key": "call-1", "verb": "accept", "said_by": "Kim"}
        address = f"/api/v1/referral-tasks/{task.pk}/answers"

        assert client.post(address, body, content_type="application/json").status_code == 200
        row = ReferralAnswer.objects.get()
        assert (row.way, row.recorded_by) == ("telephone", case.world.supervisor)

    def test_the_encounters_referrals(self, case: Case, shelter: System, client: Client) -> None:
        case.asks(shelter.partner)
        client.force_login(case.world.supervisor)

        [found] = client.get(f"/api/v1/encounters/{case.encounter}/referrals").json()["referrals"]
        assert found["tasks"][0]["partner"] == shelter.partner.name
