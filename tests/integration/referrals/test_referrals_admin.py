from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Partner, Role
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.referrals.models import (
    Consent,
    ConsentRecipient,
    PartnerAgency,
    Referral,
    ReferralAnswer,
    ReferralTask,
    Way,
)
from apps.referrals.services.disclosures import disclose_to_partner
from tests.factories import NOON, person
from tests.integration.referrals.conftest import Case

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(case: Case) -> Client:
    client = Client()
    client.force_login(case.world.supervisor)
    return client


def act(desk: Client, page: str, action: str, row: Any, **given: Any) -> str:
    body = {"action": action, "_selected_action": [str(row.pk)], "apply": "1", **given}
    answer = desk.post(f"/admin/referrals/{page}/", body, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def read(desk: Client, page: str) -> str:
    answer = desk.get(f"/admin/referrals/{page}")
    assert answer.status_code == 200, answer
    return answer.content.decode()


class TestTheQueue:
    def test_shows_what_waits(self, case: Case, desk: Client, shelter: Partner) -> None:
        task = case.asks(shelter)

        assert shelter.name in read(desk, "referraltask/?waits=answer")
        assert shelter.name not in read(desk, "referraltask/?waits=overdue").split("<table")[-1]
        assert "Asked" in read(desk, f"referraltask/{task.pk}/change/")
        assert task.referral.number in read(desk, f"referral/{task.referral_id}/change/")

    def test_takes_a_telephone_answer(self, case: Case, desk: Client, shelter: Partner) -> None:
        task = case.asks(shelter)
        said = {"verb": "accept", "said_by": "Kim, front desk", "case_number": "PSS-4411"}
        act(desk, "referraltask", "telephone", task, **said)

        row = ReferralAnswer.objects.get()
        assert (row.way, row.said_by) == ("telephone", "Kim, front desk")
        assert row.recorded_by == case.world.supervisor
        task.refresh_from_db()
        assert (task.status, task.case_number) == ("accepted", "PSS-4411")

    def test_asks_again_for_what_is_missing(
        self, case: Case, desk: Client, shelter: Partner
    ) -> None:
        task = case.asks(shelter)
        page = act(desk, "referraltask", "telephone", task, verb="decline", said_by="Kim")

        assert "It is needed here." in page
        assert ReferralTask.objects.get().status == "requested"

    def test_cancels_for_a_reason(self, case: Case, desk: Client, shelter: Partner) -> None:
        act(desk, "referraltask", "cancel", case.asks(shelter), reason="Found a bed.")

        assert ReferralTask.objects.get().status == "cancelled"

    def test_closes_with_what_came_of_it(self, case: Case, desk: Client, shelter: Partner) -> None:
        act(desk, "referral", "close", case.asks(shelter).referral, outcome="lost_contact")

        assert Referral.objects.get().outcome == "lost_contact"


class TestConsents:
    def test_are_revoked_and_the_calls_noted(
        self, case: Case, desk: Client, shelter: Partner
    ) -> None:
        consent = case.consent(shelter)
        assert shelter.name in read(desk, f"consent/{consent.pk}/change/")
        act(desk, "consent", "revoke", consent, note="Not any more.")
        assert Consent.objects.get().revoked_by == case.world.supervisor

        waiting = ConsentRecipient.objects.get()
        assert shelter.name in read(desk, "consentrecipient/?revocation=open")
        act(desk, "consentrecipient", "acknowledged", waiting, by="Kim", reason="I called.")
        waiting.refresh_from_db()
        assert (waiting.acknowledged_way, waiting.acknowledged_by) == ("telephone", "Kim")


class TestTheAccounting:
    def test_is_found_by_the_person_and_reading_it_is_written_down(
        self, case: Case, desk: Client, shelter: Partner
    ) -> None:
        case.consent(shelter)
        task = case.asks(shelter)
        disclosed = disclose_to_partner(task=task, way=Way.LINK, actor=SYSTEM, now=NOON)
        assert disclosed.row

        listed = read(desk, f"disclosure/?q={case.person}")
        assert shelter.name in listed
        assert str(disclosed.row.pk) in listed
        assert "person.given_name" in read(desk, f"disclosure/{disclosed.row.pk}/change/")
        assert Entry.objects.about(disclosed.row.pk).filter(action="read").count() == 2

    def test_is_for_supervisors_of_the_call_alone(self, case: Case, shelter: Partner) -> None:
        case.consent(shelter)
        task = case.asks(shelter)
        disclosed = disclose_to_partner(task=task, way=Way.LINK, actor=SYSTEM, now=NOON)
        assert disclosed.row
        stranger = Client()
        stranger.force_login(person(Role.SUPERVISOR))
        dispatcher = Client()
        dispatcher.force_login(case.world.dispatcher)

        assert str(disclosed.row.pk) not in read(stranger, "disclosure/")
        assert dispatcher.get("/admin/referrals/disclosure/").status_code == 403


class TestPartners:
    def test_are_programmes_or_not(self, case: Case, desk: Client, shelter: Partner) -> None:
        answer = desk.post(
            "/admin/referrals/partneragency/add/", {"partner": str(shelter.pk), "part2": "on"}
        )

        assert answer.status_code == 302
        assert PartnerAgency.objects.programmes() == {shelter.pk}
        row = PartnerAgency.objects.get()
        page = read(desk, f"partneragency/{row.pk}/change/")
        assert "accepted share" in page or "The partner sees it first" in page
