"""What a link opens, for whom, and until when."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import Partner
from apps.accounts.throttles import PageThrottle
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.referrals.links import (
    VISIT,
)
from apps.referrals.models import (
    Capacity,
    Consent,
    ConsentRecipient,
    Disclosure,
    LinkSession,
    PartnerContact,
    ReferralAnswer,
    ReferralLink,
    ReferralTask,
    Way,
)
from apps.referrals.payload import digest
from apps.referrals.services import links
from apps.referrals.services.disclosures import disclose_to_partner
from tests.integration.referrals.conftest import NOON, Case
from tests.integration.referrals.visiting import (
    Browser,
    browser,
    desk,
    sent,
    service_of,
    shelter,
    task,
)

__all__ = ["browser", "desk", "shelter", "task"]

pytestmark = pytest.mark.django_db


def test_an_address_has_so_many_pages_a_minute(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PageThrottle, "rate", "2/min")
    other = Browser(Client(REMOTE_ADDR="192.0.2.7"), browser.address)
    browser.client = Client(REMOTE_ADDR="192.0.2.8")
    assert [browser.client.get(browser.address).status_code for _ in range(3)] == [200, 200, 429]
    assert "Send the code" in other.get()


class TestBeforeTheCode:
    @pytest.mark.parametrize("page", ["", "enter", "say/accept"])
    def test_nothing_is_shown_of_anybody(self, browser: Browser, page: str) -> None:
        text = browser.get(page)

        assert not [word for word in ("Dana", "Reyes", "walk", "desk@shelter") if word in text]
        assert not Disclosure.objects.exists()

    @pytest.mark.parametrize("verb", ["accept", "decline", "served"])
    def test_nothing_can_be_said(self, browser: Browser, task: ReferralTask, verb: str) -> None:
        form = {"key": "k", "seen": links.stamp_of(task), "reason_code": "full"}
        browser.post(f"say/{verb}", **form)

        assert not ReferralAnswer.objects.exists()

    def test_a_mail_scanner_that_posts_every_form_has_a_code_sent_and_no_more(
        self, browser: Browser, desk: PartnerContact, task: ReferralTask
    ) -> None:
        for _ in range(3):
            browser.get()
            browser.post("code", contact=str(desk.pk))
            browser.post("enter", code="123456", name="x", page="y")
            browser.post("leave")
            browser.post("say/accept", key="k", seen=links.stamp_of(task))
        links.send_due(now=clock.now())

        assert not ReferralAnswer.objects.exists()
        assert not LinkSession.objects.exists()
        assert len(mail.outbox) == 2  # the link, one code

    def test_headers_keep_it_to_itself(self, browser: Browser) -> None:
        answer = browser.client.get(browser.address)

        assert "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "same-origin"
        assert "noindex" in answer["X-Robots-Tag"]
        assert not re.search(r"(src|href)=.?https?:", answer.content.decode())

    def test_every_form_carries_a_token_against_forgery(
        self, browser: Browser, desk: PartnerContact
    ) -> None:
        strict = Client(enforce_csrf_checks=True)
        for page in ("code", "enter", "say/accept", "leave"):
            assert strict.post(browser.address + page).status_code == 403


class TestInside:
    @pytest.fixture(autouse=True)
    def _in(self, browser: Browser, desk: PartnerContact) -> None:
        browser.come_in(desk)

    def test_shows_what_consent_allows_and_accounts_for_it(
        self, browser: Browser, task: ReferralTask
    ) -> None:
        text = browser.get()

        assert "Dana" in text
        row = Disclosure.objects.get()
        assert (row.way, row.recipient, row.token_id) == (
            "link",
            "Kim",
            ReferralLink.objects.get().pk,
        )
        again = disclose_to_partner(task=task, way=Way.LINK, actor=SYSTEM, now=clock.now())
        assert bytes(row.payload_sha256) == digest(again.document)

    def test_without_consent_it_says_call_us(
        self, case: Case, browser: Browser, settings: Any
    ) -> None:
        settings.CARE_PHONE = "206-555-0111"
        case.tell("consent_revocation", consent_id=str(Consent.objects.get().pk))
        text = browser.get()

        assert "Please call us" in text
        assert "206-555-0111" in text
        assert "Dana" not in text

    def test_the_cookie_is_this_links_alone(self, browser: Browser) -> None:
        cookie = browser.client.cookies["carefield_visit"]

        assert cookie["path"] == browser.address
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
        assert 0 < int(cookie["max-age"]) <= VISIT.total_seconds()

    def test_another_links_cookie_opens_nothing(
        self, case: Case, browser: Browser, shelter: Partner
    ) -> None:
        case.refer(shelter, needs=["medical-care"])
        links.send_due(now=clock.now())
        other = sent(r"/r/\S+")
        thief = Client()
        thief.cookies["carefield_visit"] = browser.client.cookies["carefield_visit"].value

        assert "Send the code" in thief.get(other).content.decode()

    def test_an_answer_is_on_the_tablet_with_name_and_way(
        self, case: Case, browser: Browser, task: ReferralTask
    ) -> None:
        answer = browser.say("accept", case_number="PSS-4411")
        case.world.commit()

        assert answer.status_code == 302
        [found] = case.on_tablet(task.referral)["tasks"]
        assert (found["status"], found["case_number"]) == ("accepted", "PSS-4411")
        assert {**found["answers"][0], "at": ""} == {
            "verb": "accept",
            "way": "link",
            "by": "Kim",
            "at": "",
        }
        assert "Taken: accepts" in browser.get("?taken=accept")

    def test_thanks_are_for_who_has_said_it(self, browser: Browser) -> None:
        browser.say("served", services="A bed")  # which closes the referral

        assert "Thank you" in browser.get("?taken=served")
        assert "Nothing here" in browser.get("?taken=decline", 404)
        stranger = Browser(Client(), browser.address)
        assert "Nothing here" in stranger.get("?taken=served", 404)

    def test_a_revocation_is_acknowledged_by_whom_it_was_told(
        self, case: Case, browser: Browser, shelter: Partner, clinic: Partner
    ) -> None:
        for consent in (Consent.objects.get(), case.consent(clinic, now=clock.now())):
            case.tell("consent_revocation", consent_id=str(consent.pk), now=clock.now())
        row = ConsentRecipient.objects.get(partner=shelter)
        theirs = ConsentRecipient.objects.get(partner=clinic)

        assert browser.get().count("We know of it") == 1
        assert browser.post("known", revocation=str(theirs.pk)).status_code == 404
        assert browser.post("known", revocation=str(row.pk)).status_code == 302
        row.refresh_from_db()
        assert (row.acknowledged_way, row.acknowledged_by) == ("link", "Kim")
        assert "We know of it" not in browser.get("?taken=known")
        assert set(ConsentRecipient.objects.unacknowledged()) == {theirs}

    @pytest.mark.parametrize(
        ("verb", "told", "status"),
        [
            ("decline", {"reason_code": "full"}, "rejected"),
            ("ask", {"text": "Has he a dog?"}, "requested"),
            ("appointment", {"day": "2026-03-06", "hour": "14:30"}, "accepted"),
            ("attended", {}, "in-progress"),
            ("not_attended", {}, "accepted"),
            ("served", {"services": "A bed\nA meal"}, "completed"),
            ("not_served", {"reason": "He left before we had a bed."}, "failed"),
        ],
    )
    def test_all_that_a_partner_says_is_taken(
        self, browser: Browser, task: ReferralTask, verb: str, told: dict[str, str], status: str
    ) -> None:
        assert browser.say(verb, **told).status_code == 302

        task.refresh_from_db()
        assert (task.status, ReferralAnswer.objects.get().verb) == (status, verb)
        if verb == "appointment":  # 14:30 in Seattle, in winter
            assert task.said["appointment_at"] == "2026-03-06T22:30:00.000Z"
        if verb == "served":
            assert task.said["services"] == ["A bed", "A meal"]

    def test_a_no_without_a_reason_is_asked_for_one(self, browser: Browser) -> None:
        answer = browser.say("decline")

        assert answer.status_code == 400
        assert "Say why" in answer.content.decode()
        assert "leave it out" not in answer.content.decode()
        assert not ReferralAnswer.objects.exists()

    def test_says_whether_there_is_room_once_a_page(
        self, browser: Browser, shelter: Partner, clinic: Partner
    ) -> None:
        ours, theirs = service_of(shelter), service_of(clinic)
        page = browser.get("capacity")
        assert "Say whether you have room" in browser.get()
        key = re.findall(r'name="key" value="([^"]+)"', page)[0]

        said = {"status": "no-capacity", "key": key}
        assert browser.post("capacity", service=str(theirs.pk), **said).status_code == 400
        assert browser.post("capacity", service=str(ours.pk), free="3", **said).status_code == 400
        for _ in range(2):
            assert browser.post("capacity", service=str(ours.pk), **said).status_code == 302
        assert (Capacity.objects.get().service, Capacity.objects.get().source) == (ours, "partner")

    def test_a_form_that_is_sent_twice_is_one_answer(self, browser: Browser) -> None:
        form = browser.form("accept")
        for _ in range(2):
            assert browser.post("say/accept", **form).status_code == 302

        assert ReferralAnswer.objects.count() == 1

    def test_the_form_of_before_says_that_it_has_changed(
        self, case: Case, browser: Browser, task: ReferralTask
    ) -> None:
        old = browser.form("decline")
        browser.say("accept")
        answer = browser.post("say/decline", **old, reason_code="full")

        assert answer.status_code == 409
        assert "has changed since" in answer.content.decode()
        task.refresh_from_db()
        assert task.status == "accepted"

    def test_what_is_declined_is_not_shown_any_more(self, browser: Browser) -> None:
        browser.say("decline", reason_code="full")

        assert "Dana" not in browser.get()

    def test_a_visit_that_has_ended_takes_nothing_and_says_so(self, browser: Browser) -> None:
        form = browser.form("accept")
        LinkSession.objects.update(opened_at=NOON, expires_at=NOON + VISIT)
        answer = browser.post("say/accept", **form)

        assert "Your visit has ended" in answer.content.decode()
        assert not ReferralAnswer.objects.exists()
        assert "Dana" not in browser.get()

    def test_whoever_is_taken_off_the_file_is_out(
        self, case: Case, browser: Browser, desk: PartnerContact
    ) -> None:
        form = browser.form("accept")
        desk.is_active = False
        links.note_contact(contact=desk, by=case.world.supervisor, now=clock.now())

        assert "Your visit has ended" in browser.post("say/accept", **form).content.decode()
        assert "Dana" not in browser.get()
        assert not ReferralAnswer.objects.exists()

    def test_a_page_that_is_left_open_closes_itself(self, browser: Browser) -> None:
        found = re.search(r'http-equiv="refresh" content="(\d+);', browser.get())

        assert found is not None
        assert 0 < int(found[1]) <= VISIT.total_seconds() + 1

    def test_leaving_ends_it(self, browser: Browser) -> None:
        secret = browser.client.cookies["carefield_visit"].value
        browser.post("leave")
        browser.client.cookies["carefield_visit"] = secret

        assert "Dana" not in browser.get()


class TestTheEnd:
    @pytest.fixture(params=["closed", "cancelled", "revoked", "shut out"])
    def over(
        self,
        request: pytest.FixtureRequest,
        case: Case,
        browser: Browser,
        desk: PartnerContact,
        task: ReferralTask,
    ) -> Browser:
        """A browser that is in, by a link that has ceased to hold."""
        browser.come_in(desk)
        match request.param:
            case "closed":
                browser.say("served")
            case "cancelled":
                case.say("cancel", task, reason="Found a bed elsewhere.")
            case "revoked":
                links.revoke_links(task=task, by=case.world.supervisor, now=clock.now())
            case "shut out":
                task.partner.is_active = False
                accounts.save_partner(partner=task.partner, by=SYSTEM, now=NOON)
        return browser

    def test_a_link_that_is_over_shows_and_takes_nothing(
        self, over: Browser, desk: PartnerContact, task: ReferralTask
    ) -> None:
        before = ReferralAnswer.objects.count()
        form = {"key": "k", "seen": links.stamp_of(task)}

        assert "Dana" not in over.get(status=404)
        for page in ("code", "enter", "say/accept", "leave"):
            assert over.post(page, contact=str(desk.pk), **form).status_code == 404
        assert ReferralAnswer.objects.count() == before

    def test_the_last_answer_is_thanked_for(self, browser: Browser, desk: PartnerContact) -> None:
        browser.come_in(desk)
        answer = browser.say("served")

        assert "was taken" in browser.client.get(answer["Location"]).content.decode()

    def test_a_link_that_there_never_was_is_told_the_same(self, over: Browser) -> None:
        nobody = Browser(Client(), "/r/cfl_nothing/")

        assert nobody.get(status=404) == over.get(status=404)
