"""The codes that let a contact in."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client

from apps.accounts.models import Partner
from apps.audit.models import Entry
from apps.core import clock
from apps.core.problems import ProblemError
from apps.referrals.links import (
    CODE_HOLDS,
    CODES_AN_HOUR,
    CODES_AN_HOUR_TO_A_CONTACT,
    TWICE,
    WRONG_CODES,
)
from apps.referrals.models import (
    LinkCode,
    LinkSession,
    PartnerContact,
    ReferralLink,
    ReferralTask,
)
from apps.referrals.services import links
from tests.integration.referrals.conftest import Case
from tests.integration.referrals.visiting import (
    Browser,
    browser,
    contact,
    desk,
    sent,
    shelter,
    task,
)

__all__ = ["browser", "desk", "shelter", "task"]

pytestmark = pytest.mark.django_db


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

    def test_that_a_revoked_link_used_up_do_not_keep_its_contact_out(
        self, case: Case, task: ReferralTask, desk: PartnerContact
    ) -> None:
        """Whoever has a link that went astray asks by it, and by each that follows."""
        now = clock.now()
        for n in range(CODES_AN_HOUR_TO_A_CONTACT):
            if n % CODES_AN_HOUR == 0:
                links.make_links(task_id=task.pk, now=now)
            link = ReferralLink.objects.filter(contact=desk).latest("pk")
            links.ask_code(link=link, contact_id=desk.pk, now=now + n * TWICE)
        later = now + CODES_AN_HOUR_TO_A_CONTACT * TWICE
        links.make_links(task_id=task.pk, now=later)
        link = ReferralLink.objects.filter(contact=desk).latest("pk")
        with pytest.raises(ProblemError):
            links.ask_code(link=link, contact_id=desk.pk, now=later)
        links.revoke_links(task=task, by=case.world.supervisor, now=later)
        links.make_links(task_id=task.pk, now=later)
        link = ReferralLink.objects.filter(contact=desk).latest("pk")
        assert links.ask_code(link=link, contact_id=desk.pk, now=later).link == link

    def test_the_page_says_so(self, browser: Browser, desk: PartnerContact) -> None:
        for _ in range(CODES_AN_HOUR):
            browser.ask(desk)
            LinkCode.objects.update(made_at=clock.now() - TWICE)

        answer = browser.post("code", contact=str(desk.pk))
        assert answer.status_code == 429
        assert "Too many codes" in answer.content.decode()
        assert "send another" in answer.content.decode()

    def test_go_to_nobody_elses_contact(
        self, case: Case, browser: Browser, clinic: Partner
    ) -> None:
        theirs = contact(case, clinic, "desk@clinic.example.org")

        assert browser.post("code", contact=str(theirs.pk)).status_code == 404
        assert not LinkCode.objects.exists()
