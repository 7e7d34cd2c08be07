"""Messages on their way: over real SMTP, by gateways that a setting names, and to the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from email.message import EmailMessage
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from django.db import connection, transaction

from apps.accounts.models import Role, User
from apps.core import clock
from apps.core.ids import uuid7
from apps.notify import channels
from apps.notify.handing import hand_over
from apps.notify.models import Channel, Message, MessageState
from tests.factories import person
from tests.integration.notify.conftest import reached_by, tell
from tests.postoffice import HOST, PostOffice, post_office, takes

pytestmark = pytest.mark.django_db
SENT: list[tuple[str, str, UUID]] = []


def gateway(address: str, text: str, id: UUID) -> None:
    """One that keeps what it sends."""
    SENT.append((address, text, id))


def broken(address: str, text: str, id: UUID) -> None:
    """One that is away."""
    raise ConnectionRefusedError


@pytest.fixture
def office(settings: LazySettings) -> Iterator[PostOffice]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_USE_TLS = False
    with post_office() as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT = HOST, running.port
        yield running


@pytest.fixture(autouse=True)
def _at_any_time(settings: LazySettings) -> None:
    """The tests may run at night."""
    settings.TEAM_CLOSES = settings.TEAM_OPENS
    settings.TEAM_QUIET_UNTIL = settings.TEAM_QUIET_FROM
    settings.PUBLIC_URL = "https://care.example.org"
    SENT.clear()


def tell_now(*users: User, channel: Channel = Channel.EMAIL) -> None:
    tell(*users, channel=channel, due_at=clock.now(), now=clock.now())


class TestMail:
    def test_says_how_many_are_due_and_nothing_of_anybody(
        self, supervisor: User, office: PostOffice
    ) -> None:
        tell_now(supervisor)
        tell_now(supervisor)
        assert hand_over(seconds=10) == 1

        row = Message.objects.get()
        [mail] = office.taken
        assert mail["To"] == f"{supervisor.username}@care.example.org"
        assert mail["Subject"] == "Seattle CARE Department: 2 follow-ups are due"
        assert mail.get_content().split() == [
            *("2", "follow-ups", "are", "due."),
            "https://care.example.org",
        ]
        assert mail["Message-ID"] == f"<{row.pk}@care.example.org>"
        assert mail["Idempotency-Key"] == str(row.pk)
        assert mail["Auto-Submitted"] == "auto-generated"
        assert row.state == MessageState.HANDED

    def test_that_is_refused_is_tried_again_under_its_id(
        self, supervisor: User, office: PostOffice
    ) -> None:
        tried: list[str] = []

        def refuse(mail: EmailMessage) -> str:
            tried.append(mail["Message-ID"])
            return "451 later"

        office.behave = refuse
        tell_now(supervisor)
        assert hand_over(seconds=10) == 0
        row = Message.objects.get()
        assert (row.state, row.error, row.claim) == (MessageState.PENDING, "SMTPDataError", None)

        Message.objects.update(due_at=clock.now())
        office.behave = takes
        assert hand_over(seconds=10) == 1
        assert [mail["Message-ID"] for mail in office.taken] == tried

    def test_server_that_fails_is_asked_once_a_turn(
        self, supervisor: User, office: PostOffice, settings: LazySettings
    ) -> None:
        """And what goes another way goes."""
        settings.TEXT_SENDER = f"{__name__}.gateway"
        others = [reached_by(person(Role.SUPERVISOR), Channel.EMAIL) for _ in range(3)]
        reached_by(supervisor, Channel.TEXT)
        asked: list[EmailMessage] = []
        office.behave = lambda mail: asked.append(mail) or "451 later"  # type: ignore[func-returns-value]
        tell_now(supervisor, *others)
        tell_now(supervisor, channel=Channel.TEXT)

        assert hand_over(seconds=10) == 1
        assert len(asked) == 1
        assert len(SENT) == 1
        assert Message.objects.filter(tries=0).count() == 3


class TestGateways:
    @pytest.mark.parametrize("channel", [Channel.TEXT, Channel.PUSH])
    def test_are_given_the_address_the_text_and_the_id(
        self, supervisor: User, channel: Channel, settings: LazySettings
    ) -> None:
        setattr(settings, channels.SENDERS[channel], f"{__name__}.gateway")
        reached_by(supervisor, channel)
        tell_now(supervisor, channel=channel)
        assert hand_over(seconds=10) == 1

        [(address, text, id)] = SENT
        assert address == supervisor.contact_points.get(channel=channel).address
        assert text == "1 follow-up is due.\nhttps://care.example.org"
        assert id == Message.objects.get().pk

    def test_that_are_away_cost_nobody_a_message(
        self, supervisor: User, settings: LazySettings
    ) -> None:
        settings.TEXT_SENDER = f"{__name__}.broken"
        reached_by(supervisor, Channel.TEXT)
        tell_now(supervisor, channel=Channel.TEXT)
        assert hand_over(seconds=10) == 0

        row = Message.objects.get()
        assert (row.state, row.error) == (MessageState.PENDING, "ConnectionRefusedError")

    @pytest.mark.parametrize("channel", [Channel.TEXT, Channel.PUSH])
    def test_for_development_write_to_the_log_and_give_no_number_away(
        self,
        supervisor: User,
        channel: Channel,
        settings: LazySettings,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.INFO)
        sender = f"apps.notify.channels.console.{channel.value}"
        setattr(settings, channels.SENDERS[channel], sender)
        reached_by(supervisor, channel)
        tell_now(supervisor, channel=channel)
        assert hand_over(seconds=10) == 1

        assert f"{channel.value} message {Message.objects.get().pk}" in caplog.text
        assert "1 follow-up is due.\nhttps://care.example.org" in caplog.text
        assert supervisor.contact_points.get(channel=channel).address not in caplog.text

    def test_that_are_not_there_are_found_at_the_start(self, settings: LazySettings) -> None:
        assert not [one for one in run_checks() if one.id == "notify.E1"]
        settings.TEXT_SENDER = "tests.nowhere.sender"
        assert [one.id for one in run_checks() if one.id == "notify.E1"] == ["notify.E1"]


def test_an_address_that_does_not_open_holds_up_nobody_else(
    supervisor: User, office: PostOffice
) -> None:
    """A field key is missing, or the row was changed past the application."""
    other = reached_by(person(Role.SUPERVISOR), Channel.EMAIL)
    mine = supervisor.contact_points.get()
    theirs = other.contact_points.get()
    with connection.cursor() as cursor:
        cursor.execute(
            "update notify_contactpoint a set address = b.address from notify_contactpoint b"
            " where a.id = %s and b.id = %s",
            [mine.pk, theirs.pk],
        )
    tell_now(supervisor)
    hand_over(seconds=10)
    tell_now(other)
    assert hand_over(seconds=10) == 1
    assert Message.objects.get(user=supervisor).error == "Undecryptable"


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_gateway_inside_a_transaction(
    transactional_db: None, settings: LazySettings
) -> None:
    settings.TEXT_SENDER = f"{__name__}.gateway"
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        channels.hand_over(
            channel=Channel.TEXT, address="+12065550199", subject="", text="x", id=uuid7()
        )
    assert SENT == []
