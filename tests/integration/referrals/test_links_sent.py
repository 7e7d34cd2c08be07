"""Links and codes on their way, and the pages on which supervisors keep contacts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import Partner
from apps.audit.models import Entry
from apps.core import clock
from apps.core.problems import ProblemError
from apps.referrals.links import (
    LEASE,
    RETRIES,
)
from apps.referrals.models import (
    Channel,
    PartnerContact,
    ReferralLink,
    ReferralTask,
)
from apps.referrals.services import clocks, links
from tests.integration.referrals.conftest import NOON, Case
from tests.integration.referrals.visiting import (
    TEXTS,
    Browser,
    browser,
    contact,
    desk,
    shelter,
    task,
)

__all__ = ["browser", "desk", "shelter", "task"]

pytestmark = pytest.mark.django_db


class TestSending:
    def test_a_referral_is_sent_as_a_link_that_says_nothing_of_anybody(
        self, task: ReferralTask
    ) -> None:
        assert links.send_due(now=clock.now()) == 1

        [message] = mail.outbox
        assert message.to == ["desk@shelter.example.org"]
        text = f"{message.subject} {message.body}"
        assert not [
            word for word in ("Dana", "Reyes", "walk", task.referral.number) if word in text
        ]
        row = ReferralLink.objects.get()
        assert (row.secret, row.due_at, row.sent_at is not None) == (None, None, True)
        assert links.send_due(now=clock.now()) == 0

    def test_who_has_no_contact_is_sent_none(self, case: Case, clinic: Partner) -> None:
        case.asks(clinic)

        assert not ReferralLink.objects.exists()

    def test_a_contact_that_was_put_aside_is_sent_none(self, case: Case, shelter: Partner) -> None:
        row = PartnerContact.objects.get()
        row.is_active = False
        links.note_contact(contact=row, by=case.world.supervisor, now=NOON)
        case.asks(shelter)

        assert not ReferralLink.objects.exists()

    def test_a_reminder_sends_another(self, case: Case, task: ReferralTask) -> None:
        clocks.remind_due(now=clock.now() + timedelta(minutes=11))

        assert ReferralLink.objects.count() == 2

    def test_by_text_too_where_there_is_a_gateway(
        self, case: Case, clinic: Partner, settings: Any
    ) -> None:
        with pytest.raises(ProblemError):
            contact(case, clinic, "+12065550199", channel=Channel.TEXT)
        TEXTS.clear()
        settings.TEXT_SENDER = "tests.integration.referrals.visiting.text_message"
        contact(case, clinic, "+12065550199", channel=Channel.TEXT)
        case.asks(clinic)
        links.send_due(now=NOON)

        [(number, text)] = TEXTS
        assert number == "+12065550199"
        assert "/r/cfl_" in text

    def test_no_mail_is_written_to_the_log_in_production(
        self, case: Case, shelter: Partner, settings: Any
    ) -> None:
        settings.PRODUCTION, settings.EMAIL_HOST = True, ""
        case.asks(shelter)

        assert not ReferralLink.objects.exists()
        with pytest.raises(ProblemError):
            contact(case, shelter, "second@shelter.example.org")

    @pytest.mark.parametrize("destination", ["206-555-0199", "nobody", "a@b"])
    def test_what_is_no_address_is_refused(
        self, case: Case, clinic: Partner, destination: str
    ) -> None:
        with pytest.raises(ProblemError):
            contact(case, clinic, destination)

    def test_what_cannot_be_sent_is_tried_again_with_the_same_link(
        self, task: ReferralTask, settings: Any
    ) -> None:
        working = settings.EMAIL_BACKEND
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_PORT = 1
        now = clock.now()
        assert links.send_due(now=now) == 0
        before = bytes(ReferralLink.objects.get().token_hash)
        settings.EMAIL_BACKEND = working

        assert links.send_due(now=now + timedelta(seconds=RETRIES[0] - 1)) == 0
        assert links.send_due(now=now + timedelta(seconds=RETRIES[0])) == 1
        assert bytes(ReferralLink.objects.get().token_hash) == before

    def test_what_a_worker_died_over_is_sent_by_another(self, task: ReferralTask) -> None:
        now = clock.now()
        ReferralLink.objects.update(due_at=now + LEASE, tries=1)

        assert links.send_due(now=now) == 0
        assert links.send_due(now=now + LEASE) == 1

    def test_what_has_lost_its_sense_is_not_sent(self, case: Case, task: ReferralTask) -> None:
        case.say("cancel", task, reason="Found a bed elsewhere.")

        assert links.send_due(now=clock.now()) == 0
        assert ReferralLink.objects.get().secret is None


class TestTheAdmin:
    @pytest.fixture
    def admin(self, case: Case) -> Client:
        client = Client()
        client.force_login(case.world.supervisor)
        return client

    def test_a_supervisor_puts_a_contact_on_file(self, admin: Client, clinic: Partner) -> None:
        form = {
            "partner": str(clinic.pk),
            "name": "Front desk",
            "channel": "email",
            "destination": "nobody",
            "is_active": "on",
        }
        address = "/admin/referrals/partnercontact/add/"
        wrong = admin.post(address, form)
        assert "An e-mail address." in wrong.content.decode()
        assert admin.post(address, {**form, "destination": "d@c.example.org"}).status_code == 302

        row = PartnerContact.objects.get(partner=clinic)
        assert row.destination == "d@c.example.org"
        assert Entry.objects.get(subject_ids=[row.pk]).action == "create"

    def test_links_that_went_astray_are_revoked(
        self, admin: Client, browser: Browser, task: ReferralTask
    ) -> None:
        listed = admin.get("/admin/referrals/referrallink/").content.decode()
        assert task.referral.number in listed
        row = ReferralLink.objects.get()
        body = {"action": "revoke", "_selected_action": [str(row.pk)]}
        admin.post("/admin/referrals/referrallink/", body)

        browser.get(status=404)

    def test_nobody_else_opens_them(self, case: Case) -> None:
        client = Client()
        client.force_login(case.world.dispatcher)
        for page in ("partnercontact", "referrallink"):
            assert client.get(f"/admin/referrals/{page}/").status_code == 403
