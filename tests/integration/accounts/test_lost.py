"""Tablets that are lost, compromised, found; sign-ins that run out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts import services, tasks
from apps.accounts.auth import tablet_session
from apps.accounts.models import Role, SignIn, Tablet, TabletState
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes.models import Binding, Change
from apps.core import clock
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from tests.factories import NOON, EnrolledTablet, person, tablet
from tests.integration.accounts.test_admin import TABLETS, desk, text

pytestmark = pytest.mark.django_db


def state(of: EnrolledTablet) -> str:
    return Tablet.objects.get(pk=of.tablet.pk).state


def test_a_lost_tablet_holds_nothing_and_nobody_signs_in_on_it() -> None:
    user = person()
    held = tablet(user)
    for _ in range(2):
        services.mark_lost(tablet=held.tablet, by=SYSTEM, now=NOON)
    assert state(held) == TabletState.LOST
    session = tablet_session(held.token)
    assert session is not None
    assert (session.user, session.lost) == (None, True)
    assert not Binding.objects.filter(holder=held.instance).exists()
    with pytest.raises(ProblemError) as raised:
        services.sign_in(tablet=held.tablet, user=user, now=NOON)
    assert raised.value.status_code == 409
    services.register_local_database(tablet=held.tablet, instance=uuid7(), now=NOON)
    assert not Binding.objects.filter(principal=user.pk).exists()
    assert Change.objects.filter(event="tablet.lost", subject=held.tablet.pk).count() == 1
    assert Entry.objects.about(held.tablet.pk).filter(action="mark-lost").count() == 1


def test_a_found_tablet_works_again_once_somebody_signs_in() -> None:
    user = person()
    held = tablet(user)
    services.mark_lost(tablet=held.tablet, by=SYSTEM, now=NOON)
    for _ in range(2):
        services.mark_found(tablet=held.tablet, by=SYSTEM, now=NOON)
    session = tablet_session(held.token)
    assert session is not None
    assert (session.user, session.lost) == (None, False)
    services.sign_in(tablet=held.tablet, user=user, now=NOON)
    assert Binding.objects.get(holder=held.instance).principal == user.pk
    assert Entry.objects.about(held.tablet.pk).filter(action="mark-found").count() == 1


@pytest.mark.parametrize("lost_before", [False, True])
def test_a_compromised_tablet_is_shut_out_for_good(lost_before: bool) -> None:
    held = tablet(person())
    if lost_before:
        services.mark_lost(tablet=held.tablet, by=SYSTEM, now=NOON)
    for _ in range(2):
        services.mark_compromised(tablet=held.tablet, by=SYSTEM, now=NOON)
    assert tablet_session(held.token) is None
    assert not held.tablet.tokens.filter(revoked_at=None).exists()
    assert not SignIn.objects.open().exists()
    assert Change.objects.filter(event="tablet.compromised").count() == 1
    for verb in (services.mark_found, services.mark_lost):
        with pytest.raises(ProblemError) as raised:
            verb(tablet=held.tablet, by=SYSTEM, now=NOON)
        assert raised.value.status_code == 409
    Tablet.objects.update(state=TabletState.ACTIVE)
    assert tablet_session(held.token) is None, "its token is dead whatever its state"


def test_a_retired_tablet_is_neither_lost_nor_found() -> None:
    held = tablet()
    services.retire_tablet(tablet=held.tablet, by=SYSTEM, now=NOON)
    for verb in (services.mark_found, services.mark_lost):
        with pytest.raises(ProblemError):
            verb(tablet=held.tablet, by=SYSTEM, now=NOON)
    assert state(held) == TabletState.RETIRED


def test_supervisors_say_it_of_tablets_of_the_own_team() -> None:
    supervisor = person(Role.SUPERVISOR)
    client = Client()
    client.force_login(supervisor, backend="django.contrib.auth.backends.ModelBackend")
    mine, other = tablet(of=supervisor.team), tablet()

    def says(of: EnrolledTablet, what: str) -> int:
        return client.post(f"/api/v1/tablets/{of.tablet.pk}/{what}").status_code

    for what, then in (("lost", "lost"), ("found", "active"), ("compromised", "compromised")):
        assert [says(mine, what), says(mine, what), state(mine)] == [204, 204, then]
        assert says(other, what) == 404
    assert says(mine, "found") == 409
    assert Entry.objects.about(mine.tablet.pk).filter(actor_id=supervisor.pk).count() == 3


def test_the_admin_says_it_and_tells_what_cannot_be() -> None:
    supervisor = person(Role.SUPERVISOR)
    one, two = tablet(of=supervisor.team), tablet(of=supervisor.team)
    other = tablet()
    reader = desk(supervisor)
    selected = [str(held.tablet.pk) for held in (one, two, other)]

    def says(action: str) -> str:
        body = {"action": action, "_selected_action": selected, "reason": "So.", "apply": "1"}
        return text(reader.post(TABLETS, body, follow=True))

    services.retire_tablet(tablet=two.tablet, by=SYSTEM, now=NOON)
    shown = says("lost")
    assert f"{one.tablet}: done." in shown
    assert f"{two.tablet.label}: This tablet is retired" in shown
    assert f"{one.tablet}: done." in says("found")
    shown = says("compromised")
    assert all(f"{held.tablet}: done." in shown for held in (one, two))
    assert [state(held) for held in (one, two, other)] == ["compromised", "compromised", "active"]


class TestASignInThatHasRunOut:
    @pytest.fixture(autouse=True)
    def _hours(self, settings: Any) -> None:
        settings.SIGN_IN_HOURS = 16

    def test_is_ended_at_the_next_contact_whether_or_not_a_tick_has_run(self) -> None:
        held = tablet(person())
        session = tablet_session(held.token)
        assert session is not None
        assert session.user is None
        assert not Binding.objects.filter(holder=held.instance).exists()
        assert SignIn.objects.get().ended_at is not None

    def test_is_not_passed_on_to_a_new_local_database(self) -> None:
        user = person()
        held = tablet(user)
        fresh = uuid7()
        services.register_local_database(tablet=held.tablet, instance=fresh, now=clock.now())
        assert not Binding.objects.filter(holder=fresh).exists()

    def test_holds_until_then(self) -> None:
        user = person()
        held = tablet()
        now = clock.now()
        services.sign_in(tablet=held.tablet, user=user, now=now - timedelta(hours=15.9))
        session = tablet_session(held.token)
        assert session is not None
        assert session.user == user
        assert services.end_old_sign_ins(now=now) == 0
        assert services.end_old_sign_ins(now=now + timedelta(hours=0.2)) == 1

    def test_is_ended_by_the_tick_and_written_down(self) -> None:
        held = tablet(person())
        tasks.end_old_sign_ins()
        tasks.end_old_sign_ins()
        assert not SignIn.objects.open().exists()
        assert not Binding.objects.filter(holder=held.instance).exists()
        assert Entry.objects.about(held.tablet.pk).filter(action="sign-out").count() == 1

    def test_is_begun_anew_by_the_same_person(self) -> None:
        user = person()
        held = tablet(user)
        services.sign_in(tablet=held.tablet, user=user, now=clock.now())
        assert SignIn.objects.count() == 2
        session = tablet_session(held.token)
        assert session is not None
        assert session.user == user
