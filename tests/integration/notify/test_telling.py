"""What is to be told is written once; what is stopped is told by no channel."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import Role, User
from apps.accounts.services import save_user
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.notify import hours as rules
from apps.notify import services
from apps.notify.models import Channel, ContactPoint, Level, TeamHours
from tests.factories import NOON, person
from tests.integration.notify.conftest import reached_by, tell, told

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


class TestTelling:
    def test_the_same_again_is_one(self, supervisor: User) -> None:
        about = uuid7()
        assert tell(supervisor, about=about) == 1
        assert tell(supervisor, about=about, due_at=LATER, now=LATER) == 0

        [row] = told()
        assert (row.user_id, row.subject_id, row.due_at) == (supervisor.pk, about, NOON)

    def test_each_person_channel_and_reminder_is_another(self, supervisor: User) -> None:
        other = reached_by(person(Role.SUPERVISOR), Channel.EMAIL, Channel.TEXT)
        about = uuid7()
        assert tell(supervisor, other, about=about) == 2
        assert tell(supervisor, other, about=about, channel=Channel.TEXT) == 1
        assert tell(supervisor, other, about=about, level=Level.TEAM) == 2
        assert len({row.key for row in told()}) == 5

    def test_who_is_not_reached_that_way_is_not_told(self, supervisor: User) -> None:
        high = reached_by(person(Role.SUPERVISOR), Channel.EMAIL, level=Level.SUPERVISORS)
        off = reached_by(person(Role.SUPERVISOR), Channel.EMAIL)
        point = ContactPoint.objects.get(user=off)
        point.is_active = False
        services.save_contact_point(point=point, by=SYSTEM, now=NOON)
        gone = reached_by(person(Role.SUPERVISOR), Channel.EMAIL)
        gone.is_active = False
        save_user(user=gone, by=SYSTEM, now=NOON)
        nowhere = person(Role.SUPERVISOR)

        assert tell(supervisor, high, off, gone, nowhere) == 1
        assert tell(high, off, gone, nowhere, level=Level.SUPERVISORS) == 1

    def test_nobody_is_nothing(self, db: None) -> None:
        assert tell() == 0


class TestStopping:
    def test_whoever_had_waited_for_whoever_told_stops_it_too(self, supervisor: User) -> None:
        about = uuid7()
        tell(supervisor, about=about, now=LATER)
        assert services.stop(subject_id=about, now=NOON) == 1
        [row] = told()
        assert row.stopped_at == LATER

    def test_is_for_a_subject_on_all_channels(self, supervisor: User) -> None:
        reached_by(supervisor, Channel.TEXT, Channel.PUSH)
        about, other = uuid7(), uuid7()
        for channel in Channel:
            tell(supervisor, about=about, channel=channel)
            tell(supervisor, about=other, channel=channel)

        assert services.stop(subject_id=about, now=LATER) == 3
        assert {row.subject_id for row in told() if row.stopped_at is None} == {other}
        assert services.stop(subject_id=about, now=LATER + timedelta(hours=1)) == 0
        assert {row.stopped_at for row in told()} == {None, LATER}

    def test_what_is_told_afterwards_is_told(self, supervisor: User) -> None:
        about = uuid7()
        tell(supervisor, about=about)
        services.stop(subject_id=about, now=NOON)

        assert tell(supervisor, about=about, level=Level.SUPERVISORS, now=LATER) == 1
        assert [row.stopped_at for row in told()] == [NOON, None]

    def test_what_is_put_off_is_due_then(self, supervisor: User) -> None:
        about = uuid7()
        tell(supervisor, about=about)
        tell(supervisor)

        assert services.put_off(subject_id=about, until=LATER) == 1
        assert services.put_off(subject_id=about, until=NOON) == 0
        assert {row.subject_id: row.due_at for row in told()}[about] == LATER


class TestHours:
    def test_of_a_team_are_its_own_or_those_of_the_settings(self, supervisor: User) -> None:
        team = supervisor.team
        assert team
        assert rules.hours_of(team).opens == rules.hours_of(None).opens == time(12)
        row = TeamHours(team=team, time_zone="Europe/Berlin", opens=time(7), closes=time(7))
        services.save_hours(hours=row, by=SYSTEM, now=NOON)

        team.refresh_from_db()
        found = rules.hours_of(team)
        assert (str(found.zone), found.opens, found.closes) == ("Europe/Berlin", time(7), time(7))

    @pytest.mark.parametrize(
        ("told", "where"),
        [
            ({"time_zone": "Seattle"}, "/time_zone"),
            ({"time_zone": "../etc/passwd"}, "/time_zone"),
            ({"opens": time(23), "closes": time(6)}, "/quiet_from"),
        ],
    )
    def test_that_nobody_can_keep_are_refused(
        self, supervisor: User, told: dict[str, object], where: str
    ) -> None:
        assert supervisor.team
        row = TeamHours(team=supervisor.team, **{"time_zone": "America/Los_Angeles", **told})
        with pytest.raises(ProblemError) as refused:
            services.save_hours(hours=row, by=SYSTEM, now=NOON)
        assert [error.pointer for error in refused.value.errors] == [where]


@pytest.mark.parametrize(
    ("channel", "address"),
    [
        (Channel.EMAIL, "nobody"),
        (Channel.TEXT, "206-555-0199"),
        (Channel.TEXT, "kim@example.org"),
        (Channel.PUSH, "a b c d e f g"),
        (Channel.PUSH, ""),
    ],
)
def test_what_is_no_address_is_refused(channel: Channel, address: str, db: None) -> None:
    point = ContactPoint(user=person(Role.SUPERVISOR), channel=channel, address=address)
    with pytest.raises(ProblemError):
        services.save_contact_point(point=point, by=SYSTEM, now=NOON)


def test_a_person_has_one_point_of_a_channel(supervisor: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        reached_by(supervisor, Channel.EMAIL)
