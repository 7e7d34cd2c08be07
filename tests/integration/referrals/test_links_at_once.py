"""What happens to a link at the same moment on two connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest
from django.conf import LazySettings
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction

from apps.core import clock
from apps.referrals.models import (
    LinkCode,
    LinkSession,
    PartnerContact,
    ReferralAnswer,
    ReferralLink,
    ReferralTask,
)
from apps.referrals.services import links
from tests.integration.assignments.conftest import World, committed_world
from tests.integration.conftest import Elsewhere
from tests.integration.referrals.conftest import NOON, met, partner

__all__ = ["committed_world"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def link(committed_world: World) -> ReferralLink:
    case = met(committed_world)
    shelter = partner("Pioneer Square Shelter")
    desk = PartnerContact(partner=shelter, name="Desk", destination="desk@shelter.example.org")
    links.note_contact(contact=desk, by=committed_world.supervisor, now=NOON)
    case.asks(shelter)
    return ReferralLink.objects.select_related("task__partner", "contact").get()


def code_of(link: ReferralLink) -> str:
    now = clock.now()
    return str(links.ask_code(link=link, contact_id=link.contact_id, now=now).secret)


def come_in(link: ReferralLink, code: str, page: str) -> LinkSession | None:
    visit = links.open_visit(link=link, code=code, name="Kim", page=page, now=clock.now())
    return visit.session if visit else None


def test_guesses_at_once_are_as_few_as_one_after_the_other(
    link: ReferralLink, elsewhere: Elsewhere
) -> None:
    code = code_of(link)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    with transaction.atomic():
        assert come_in(link, wrong, "a") is None
        other = elsewhere.start(lambda: come_in(link, wrong, "b"))
        elsewhere.until_waiting(other)

    assert other.result(timeout=60) is None
    assert LinkCode.objects.get().failures == 2


def test_a_code_lets_one_of_two_in(link: ReferralLink, elsewhere: Elsewhere) -> None:
    code = code_of(link)
    with transaction.atomic():
        assert come_in(link, code, "mine") is not None
        other = elsewhere.start(lambda: come_in(link, code, "theirs"))
        elsewhere.until_waiting(other)

    assert other.result(timeout=60) is None
    assert LinkSession.objects.count() == 1


def test_a_form_that_is_tapped_twice_is_one_answer(
    link: ReferralLink, elsewhere: Elsewhere
) -> None:
    session = come_in(link, code_of(link), "p")
    assert session is not None
    seen = links.stamp_of(ReferralTask.objects.get())

    def accept() -> ReferralAnswer:
        return links.answer_by_link(
            session=session, verb="accept", told={}, key="k", seen=seen, now=clock.now()
        )

    with transaction.atomic():
        first = accept()
        second = elsewhere.start(accept)
        elsewhere.until_waiting(second)

    assert second.result(timeout=60) == first
    assert ReferralAnswer.objects.count() == 1


class Meanwhile(EmailBackend):
    """A mail server at which something happens while it takes a message."""

    act: ClassVar[Callable[[], None]]

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        type(self).act()
        return super().send_messages(messages)


def test_two_workers_send_a_link_once(
    link: ReferralLink, elsewhere: Elsewhere, settings: LazySettings
) -> None:
    now = clock.now()
    by_the_other: list[int] = []
    Meanwhile.act = lambda: by_the_other.append(elsewhere.do(lambda: links.send_due(now=now)))
    settings.EMAIL_BACKEND = f"{__name__}.Meanwhile"

    assert links.send_due(now=now) == 1
    assert by_the_other == [0]

    assert len(mail.outbox) == 1
