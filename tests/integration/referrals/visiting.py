"""A link, the desk that it is sent to, and somebody with a browser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import Partner
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.referrals.models import (
    Organization,
    PartnerContact,
    ReferralTask,
    Service,
)
from apps.referrals.services import directory, links
from tests.integration.referrals.conftest import NOON, Case

TEXTS: list[tuple[str, str]] = []


def text_message(number: str, text: str, id: UUID) -> None:
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
