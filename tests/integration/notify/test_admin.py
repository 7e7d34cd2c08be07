"""The pages of hours, contact points and messages: who may, what is shown, what is counted."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import Role, User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.notify import retries, services
from apps.notify.models import Channel, ContactPoint, Level, Message, MessageState, TeamHours
from tests.factories import NOON, person
from tests.integration.notify.conftest import reached_by, tell

pytestmark = pytest.mark.django_db
HOURS = {
    "time_zone": "America/Los_Angeles",
    "opens": "12:00",
    "closes": "22:00",
    "quiet_from": "22:00",
    "quiet_until": "08:00",
}


@pytest.fixture
def desk(supervisor: User) -> Client:
    return signed_in(supervisor)


def signed_in(user: User) -> Client:
    found = Client()
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def read(desk: Client, page: str, status: int = 200) -> str:
    answer = desk.get(f"/admin/notify/{page}", follow=status == 200)
    assert answer.status_code == status
    return answer.content.decode()


def send(desk: Client, page: str, body: dict[str, Any]) -> str:
    answer = desk.post(f"/admin/notify/{page}", body, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


class TestHours:
    def test_are_set_by_a_supervisor_for_the_own_team(self, desk: Client, supervisor: User) -> None:
        assert 'value="12:00:00"' in read(desk, "teamhours/add/")
        send(desk, "teamhours/add/", {**HOURS, "team": supervisor.team_id, "opens": "10:00"})

        row = TeamHours.objects.get()
        assert (row.team_id, row.opens) == (supervisor.team_id, time(10))
        entry = Entry.objects.get(subject_type="team_hours")
        assert entry.detail["shift"] == "10:00-22:00"
        send(desk, f"teamhours/{row.pk}/change/", {**HOURS, "closes": "20:00"})
        row.refresh_from_db()
        assert (row.opens, row.closes) == (time(12), time(20))
        assert "12:00-20:00" in read(desk, "teamhours/")

    def test_of_another_team_are_not_hers(self, desk: Client) -> None:
        other = person(Role.SUPERVISOR).team
        assert other
        body = {**HOURS, "team": other.pk}
        assert "Select a valid choice" in send(desk, "teamhours/add/", body)
        row = TeamHours(team=other, time_zone="America/Los_Angeles")
        services.save_hours(hours=row, by=SYSTEM, now=NOON)
        assert other.name not in read(desk, "teamhours/")

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"time_zone": "Seattle"}, "The name of a time zone"),
            ({"opens": "23:00", "closes": "06:00"}, "The whole shift is quiet"),
        ],
    )
    def test_that_nobody_can_keep_are_refused(
        self, desk: Client, supervisor: User, wrong: dict[str, str], said: str
    ) -> None:
        body = {**HOURS, "team": supervisor.team_id, **wrong}
        assert said in send(desk, "teamhours/add/", body)
        assert not TeamHours.objects.exists()

    def test_an_administrator_only_sees(self) -> None:
        read(signed_in(person(Role.ADMINISTRATOR)), "teamhours/add/", status=403)


class TestContactPoints:
    def test_an_address_is_typed_and_never_shown(self, desk: Client, supervisor: User) -> None:
        colleague = person(of=supervisor.team)
        body = {
            "user": colleague.pk,
            "channel": "text",
            "from_level": 1,
            "is_active": "on",
            "new_address": "+12065550142",
        }
        send(desk, "contactpoint/add/", body)

        point = ContactPoint.objects.get(user=colleague)
        assert point.address == "+12065550142"
        for page in ("contactpoint/", f"contactpoint/{point.pk}/change/"):
            shown = read(desk, page)
            assert "...42" in shown
            assert "5550142" not in shown
        assert "5550142" not in str(Entry.objects.values_list("detail", flat=True))

    def test_what_is_left_empty_stays(self, desk: Client, supervisor: User) -> None:
        point = ContactPoint.objects.get(user=supervisor)
        before = point.address
        body = {"from_level": 3, "is_active": "on", "new_address": ""}
        send(desk, f"contactpoint/{point.pk}/change/", body)

        point = ContactPoint.objects.get(user=supervisor)
        assert (point.address, point.from_level) == (before, Level.SUPERVISORS)

    @pytest.mark.parametrize(
        ("channel", "address", "said"),
        [
            ("text", "206-555-0142", "A number like"),
            ("email", "nobody", "An e-mail address"),
            ("push", "", "Say where"),
        ],
    )
    def test_what_is_no_address_is_refused(
        self, desk: Client, supervisor: User, channel: str, address: str, said: str
    ) -> None:
        colleague = person(of=supervisor.team)
        body = {"user": colleague.pk, "channel": channel, "from_level": 1, "is_active": "on"}
        assert said in send(desk, "contactpoint/add/", {**body, "new_address": address})
        assert not ContactPoint.objects.filter(user=colleague).exists()

    def test_a_way_that_is_not_there_is_refused(
        self, desk: Client, supervisor: User, settings: Any
    ) -> None:
        settings.PUSH_SENDER = ""
        body = {"user": supervisor.pk, "channel": "push", "from_level": 1, "is_active": "on"}
        body["new_address"] = "a-subscription"
        assert "Nothing is sent this way" in send(desk, "contactpoint/add/", body)

    def test_one_that_no_key_opens_is_asked_for_anew(self, desk: Client, supervisor: User) -> None:
        point = ContactPoint.objects.get(user=supervisor)
        with connection.cursor() as cursor:
            cursor.execute("update notify_contactpoint set address = '\\x00'")
        page = f"contactpoint/{point.pk}/change/"
        body = {"new_address": "", "from_level": point.from_level, "is_active": "on"}

        assert "Say it anew." in send(desk, page, body)
        send(desk, page, {**body, "new_address": "me@example.org"})
        assert ContactPoint.objects.get().address == "me@example.org"

    def test_of_another_team_are_not_hers(self, desk: Client) -> None:
        other = reached_by(person(Role.SUPERVISOR), Channel.EMAIL)
        assert other.display_name not in read(desk, "contactpoint/")
        body = {"user": other.pk, "channel": "text", "from_level": 1, "is_active": "on"}
        body["new_address"] = "+12065550142"
        assert "Select a valid choice" in send(desk, "contactpoint/add/", body)


@pytest.fixture
def given_up(supervisor: User) -> Message:
    tell(supervisor)
    services.collect(now=NOON)
    for number in range(retries.MOST_TRIES):
        now = NOON + timedelta(days=number)
        job = services.claim(channels=Channel, now=now)
        assert job
        services.finish(job=job, error="SMTPRecipientsRefused", now=now)
    return Message.objects.get(state=MessageState.FAILED)


class TestMessages:
    def test_that_were_given_up_are_listed_with_what_they_failed_with(
        self, desk: Client, given_up: Message
    ) -> None:
        assert "SMTPRecipientsRefused" in read(desk, "message/?state__exact=failed")
        assert "SMTPRecipientsRefused" not in read(desk, "message/?state__exact=pending")
        page = read(desk, f"message/{given_up.pk}/change/")
        assert "a follow-up is due" in page
        assert "@" not in page

    def test_are_handed_over_again_by_a_supervisor(self, desk: Client, given_up: Message) -> None:
        body = {"action": "hand_over_again", "_selected_action": [str(given_up.pk)]}
        administrator = signed_in(person(Role.ADMINISTRATOR))
        assert "Only supervisors" in send(administrator, "message/", body)
        assert "1 are handed over again" in send(desk, "message/", body)

        given_up.refresh_from_db()
        assert (given_up.state, given_up.tries) == (MessageState.PENDING, 0)
        assert "It was not given up" in send(desk, "message/", body)

    def test_notifications_are_found_by_what_became_of_them(
        self, desk: Client, supervisor: User, given_up: Message
    ) -> None:
        tell(supervisor, due_at=clock.now() + timedelta(days=1))
        waits = read(desk, "notification/?fate=waits").split("<tbody>")[1]
        assert waits.count("<tr>") == 1
        assert "is not due yet" in waits
        assert "given up" in read(desk, "notification/?fate=message").split("<tbody>")[1]
        assert "<tbody>" not in read(desk, "notification/?fate=stopped")

    @pytest.mark.parametrize("role", [Role.DISPATCHER])
    def test_are_nobody_elses(self, role: str) -> None:
        for page in ("message/", "notification/", "contactpoint/", "teamhours/"):
            read(signed_in(person(role)), page, status=403)

    @pytest.mark.parametrize("page", ["teamhours/", "contactpoint/", "contactpoint/add/"])
    def test_a_supervisor_of_no_team_is_not_one_of_all(self, page: str) -> None:
        loose = person(Role.SUPERVISOR)
        User.objects.filter(pk=loose.pk).update(team=None)
        read(signed_in(loose), page, status=403)

    def test_nobody_writes_them_by_hand(self, desk: Client, given_up: Message) -> None:
        for page in ("message", "notification"):
            read(desk, f"{page}/add/", status=403)
