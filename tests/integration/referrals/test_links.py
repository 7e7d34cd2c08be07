from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.http import HttpResponse
from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import Partner
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.referrals.links import (
    CODE_HOLDS,
    CODES_AN_HOUR,
    LEASE,
    RETRIES,
    TWICE,
    VISIT,
    WRONG_CODES,
)
from apps.referrals.models import (
    Capacity,
    Channel,
    Consent,
    Disclosure,
    LinkCode,
    LinkSession,
    Organization,
    PartnerContact,
    ReferralAnswer,
    ReferralLink,
    ReferralTask,
    Service,
    Way,
)
from apps.referrals.payload import digest
from apps.referrals.services import clocks, directory, links
from apps.referrals.services.disclosures import disclose_to_partner
from tests.integration.referrals.conftest import NOON, Case

pytestmark = pytest.mark.django_db

TEXTS: list[tuple[str, str]] = []


def text_message(number: str, text: str) -> None:
    """A gateway of text messages that keeps what it sends."""
    TEXTS.append((number, text))


def contact(case: Case, of: Partner, destination: str, **more: Any) -> PartnerContact:
    row = PartnerContact(partner=of, name="Front desk", destination=destination, **more)
    return links.note_contact(contact=row, by=case.world.supervisor, now=NOON)


def service_of(partner: Partner) -> Service:
    """A service of the directory that the partner speaks for."""
    agency = Organization(name=partner.name, description="x", partner=partner)
    directory.save_organization(organization=agency, by=SYSTEM, now=NOON)
    row = Service(organization=agency, name=f"Beds of {partner.name}", status="active")
    return directory.save_service(service=row, by=SYSTEM, now=NOON)


@pytest.fixture
def shelter(case: Case, shelter: Partner) -> Partner:
    contact(case, shelter, "desk@shelter.example.org")
    return shelter


def sent(pattern: str) -> str:
    """What stands in the last message that fits."""
    found = [re.search(pattern, str(one.body)) for one in mail.outbox]
    return [one.group() for one in found if one][-1]


@dataclass
class Browser:
    """Somebody with a browser and a link."""

    client: Client
    address: str

    def get(self, page: str = "", status: int = 200) -> str:
        answer = self.client.get(self.address + page)
        assert answer.status_code == status, answer.content
        return answer.content.decode()

    def post(self, path: str, **form: Any) -> HttpResponse:
        form = {"page": uuid7().hex, **form} if path == "enter" else form
        answer = self.client.post(self.address + path, form)
        assert isinstance(answer, HttpResponse)
        return answer

    def ask(self, to: PartnerContact) -> str:
        """Has a code sent; the code."""
        assert self.post("code", contact=str(to.pk)).status_code == 302
        links.send_due(now=clock.now())
        return sent(r"\d{6}")

    def come_in(self, to: PartnerContact, name: str = "Kim") -> None:
        answer = self.post("enter", code=self.ask(to), name=name)
        assert answer.status_code == 302

    def form(self, verb: str) -> dict[str, str]:
        """What the page of a verb hides."""
        page = self.get(f"say/{verb}")
        return dict(re.findall(r'name="(key|seen)" value="([^"]+)"', page))

    def say(self, verb: str, **told: Any) -> HttpResponse:
        return self.post(f"say/{verb}", **self.form(verb), **told)


@pytest.fixture
def task(case: Case, shelter: Partner) -> ReferralTask:
    case.consent(shelter, now=clock.now())
    return case.asks(shelter, note="Can walk.", now=clock.now())


@pytest.fixture
def desk(task: ReferralTask) -> PartnerContact:
    return PartnerContact.objects.get(partner=task.partner)


@pytest.fixture
def browser(task: ReferralTask) -> Browser:
    links.send_due(now=clock.now())
    return Browser(Client(), sent(r"/r/\S+"))


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
        settings.TEXT_SENDER = f"{__name__}.text_message"
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


class TestCodes:
    def test_let_in_once_and_for_this_link_only(
        self, case: Case, browser: Browser, desk: PartnerContact, shelter: Partner
    ) -> None:
        code = browser.ask(desk)
        other = case.refer(shelter, needs=["medical-care"])
        links.send_due(now=clock.now())
        elsewhere = Browser(Client(), sent(r"/r/\S+"))
        assert other.pk
        assert elsewhere.post("enter", code=code, name="Kim").status_code == 400

        assert browser.post("enter", code=code, name="Kim").status_code == 302
        again = Browser(Client(), browser.address)
        assert again.post("enter", code=code, name="Lee").status_code == 400

    def test_a_double_tap_is_let_in_twice(self, browser: Browser, desk: PartnerContact) -> None:
        code = browser.ask(desk)
        first, second = (
            Browser(Client(), browser.address).post("enter", code=code, name="Kim", page="one")
            for _ in range(2)
        )

        assert (first.status_code, second.status_code) == (302, 302)
        assert LinkSession.objects.count() == 1

    def test_are_guessed_at_a_few_times(self, browser: Browser, desk: PartnerContact) -> None:
        code = browser.ask(desk)
        wrong = f"{(int(code) + 1) % 10**6:06d}"
        for _ in range(WRONG_CODES):
            assert browser.post("enter", code=wrong, name="Kim").status_code == 400

        assert browser.post("enter", code=code, name="Kim").status_code == 400
        assert Entry.objects.filter(action="refuse-code").count() == WRONG_CODES + 1

    def test_run_out(self, browser: Browser, desk: PartnerContact) -> None:
        code = browser.ask(desk)
        link = ReferralLink.objects.get()

        late = clock.now() + CODE_HOLDS
        assert links.open_visit(link=link, code=code, name="Kim", page="p", now=late) is None

    def test_of_whoever_is_taken_off_the_file_open_nothing(
        self, case: Case, browser: Browser, desk: PartnerContact
    ) -> None:
        code = browser.ask(desk)
        desk.is_active = False
        links.note_contact(contact=desk, by=case.world.supervisor, now=clock.now())

        assert browser.post("enter", code=code, name="Kim").status_code == 400

    def test_are_not_kept(self, browser: Browser, desk: PartnerContact) -> None:
        code = browser.ask(desk)

        row = LinkCode.objects.get()
        assert row.secret is None
        assert code.encode() not in bytes(row.code_hash)

    def test_are_sent_so_often_in_an_hour(self, task: ReferralTask, desk: PartnerContact) -> None:
        link = ReferralLink.objects.get()
        now = clock.now()

        def ask(at: datetime) -> None:
            links.ask_code(link=link, contact_id=desk.pk, now=at)

        for n in range(CODES_AN_HOUR):
            ask(now + n * TWICE)
        with pytest.raises(ProblemError) as refused:
            ask(now + CODES_AN_HOUR * TWICE)
        assert refused.value.status_code == 429
        ask(now + timedelta(hours=1))

    def test_the_page_says_so(self, browser: Browser, desk: PartnerContact) -> None:
        for _ in range(CODES_AN_HOUR):
            browser.ask(desk)
            LinkCode.objects.update(made_at=clock.now() - TWICE)

        answer = browser.post("code", contact=str(desk.pk))
        assert answer.status_code == 429
        assert "Too many codes" in answer.content.decode()

    def test_go_to_nobody_elses_contact(
        self, case: Case, browser: Browser, clinic: Partner
    ) -> None:
        theirs = contact(case, clinic, "desk@clinic.example.org")

        assert browser.post("code", contact=str(theirs.pk)).status_code == 404
        assert not LinkCode.objects.exists()


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
