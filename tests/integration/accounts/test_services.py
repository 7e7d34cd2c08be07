"""People, tablets and sign-ins, and what they hold in the feed because of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from apps.accounts import services
from apps.accounts.auth import client_of, tablet_session
from apps.accounts.models import EnrolmentCode, Role, SignIn, Tablet, TabletState, User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes import scopes
from apps.changes.models import Binding, Change, Grant
from apps.changes.services import EVERYONE
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from tests.factories import NOON, person, tablet, team
from tests.integration.conftest import Elsewhere

pytestmark = pytest.mark.django_db


def granted(user: object) -> set[str]:
    return set(Grant.objects.filter(principal=user).values_list("scope", flat=True))


def test_a_code_enrols_one_tablet_and_survives_a_lost_answer() -> None:
    supervisor = person(Role.SUPERVISOR)
    assert supervisor.team
    code, _ = services.make_enrolment_code(team=supervisor.team, label="A", by=supervisor, now=NOON)
    claim = uuid7()
    first, one = services.enrol(code=code, claim=claim, now=NOON)
    second, same = services.enrol(code=code.lower().replace("-", " "), claim=claim, now=NOON)
    assert one == same
    assert tablet_session(first) is None, "the token that never arrived is dead"
    assert tablet_session(second) is not None
    with pytest.raises(ProblemError):
        services.enrol(code=code, claim=uuid7(), now=NOON)
    assert Tablet.objects.count() == 1


def test_a_code_expires() -> None:
    supervisor = person(Role.SUPERVISOR)
    assert supervisor.team
    code, _ = services.make_enrolment_code(team=supervisor.team, label="A", by=supervisor, now=NOON)
    with pytest.raises(ProblemError):
        services.enrol(code=code, claim=uuid7(), now=NOON + services.CODE_LIFETIME)
    row = EnrolmentCode.objects.get()
    assert code.encode() not in bytes(row.code_hash)


def test_signing_in_binds_the_local_databases_and_signing_out_releases_them() -> None:
    first = person()
    enrolled = tablet(first)
    assert Binding.objects.get(holder=enrolled.instance).principal == first.pk
    second = person(of=first.team)
    services.sign_in(tablet=enrolled.tablet, user=second, now=NOON)
    assert Binding.objects.get(holder=enrolled.instance).principal == second.pk
    assert SignIn.objects.filter(ended_at=None).count() == 1
    services.sign_out(tablet=enrolled.tablet, by=SYSTEM, now=NOON)
    services.sign_out(tablet=enrolled.tablet, by=SYSTEM, now=NOON)
    assert not Binding.objects.filter(holder=enrolled.instance).exists()


def test_signing_in_again_changes_nothing() -> None:
    user = person()
    enrolled = tablet(user)
    before = Change.objects.count()
    services.sign_in(tablet=enrolled.tablet, user=user, now=NOON + timedelta(hours=1))
    assert Change.objects.count() == before
    assert SignIn.objects.count() == 1


def test_a_retired_tablet_is_shut_out_at_once() -> None:
    user = person()
    enrolled = tablet(user)
    assert tablet_session(enrolled.token) is not None
    services.retire_tablet(tablet=enrolled.tablet, by=SYSTEM, now=NOON)
    assert tablet_session(enrolled.token) is None
    assert not Binding.objects.filter(holder=enrolled.instance).exists()
    assert Change.objects.filter(event="tablet.retired", subject=enrolled.tablet.pk).exists()
    enrolled.tablet.refresh_from_db()
    assert enrolled.tablet.state == TabletState.RETIRED
    with pytest.raises(ProblemError):
        services.sign_in(tablet=enrolled.tablet, user=user, now=NOON)


def test_a_local_database_belongs_to_one_tablet() -> None:
    one, other = tablet(), tablet()
    with pytest.raises(ProblemError):
        services.register_local_database(tablet=other.tablet, instance=one.instance, now=NOON)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.DISPATCHER, Role.RESPONDER])
def test_no_tablet_takes_the_id_of_a_person_for_its_local_database(role: str) -> None:
    """A desk is a holder under its person's id, or becomes one with another role."""
    desk, thief = person(role), person()
    for stolen in (tablet(), tablet(thief)):
        with pytest.raises(ProblemError):
            services.register_local_database(tablet=stolen.tablet, instance=desk.pk, now=NOON)
    assert not Binding.objects.filter(principal=thief.pk, holder=desk.pk).exists()


def test_a_tablet_makes_so_many_local_databases_a_day() -> None:
    one, other = tablet(person()), tablet(person())
    for _ in range(services.LOCAL_DATABASES_A_DAY - 1):
        services.register_local_database(tablet=one.tablet, instance=uuid7(), now=NOON)
    with pytest.raises(ProblemError) as refused:
        services.register_local_database(tablet=one.tablet, instance=uuid7(), now=NOON)
    assert refused.value.status_code == 429
    services.register_local_database(tablet=one.tablet, instance=one.instance, now=NOON)
    services.register_local_database(tablet=other.tablet, instance=uuid7(), now=NOON)
    later = NOON + timedelta(days=1)
    services.register_local_database(tablet=one.tablet, instance=uuid7(), now=later)


def test_no_tablet_takes_the_holder_of_what_everyone_may_see() -> None:
    stolen = tablet(person())
    with pytest.raises(ProblemError):
        services.register_local_database(tablet=stolen.tablet, instance=EVERYONE, now=NOON)
    assert Binding.objects.get(holder=EVERYONE).principal == EVERYONE


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.DISPATCHER])
def test_a_desk_has_a_holder_of_its_own(role: str) -> None:
    user = person(role)
    assert Binding.objects.get(holder=user.pk).principal == user.pk


def test_what_a_role_may_see_follows_the_role() -> None:
    user = person(Role.SUPERVISOR)
    assert user.team
    assert granted(user.pk) == {scopes.team(user.team.pk), scopes.responder(user.pk)}
    user.role = Role.DISPATCHER
    services.save_user(user=user, by=SYSTEM, now=NOON)
    assert granted(user.pk) == {scopes.agency()}
    user.is_active = False
    services.save_user(user=user, by=SYSTEM, now=NOON)
    assert granted(user.pk) == set()
    assert not Binding.objects.filter(holder=user.pk).exists()


def test_a_deactivated_responder_is_signed_out_everywhere() -> None:
    user = person()
    enrolled = tablet(user)
    user.is_active = False
    services.save_user(user=user, by=SYSTEM, now=NOON)
    assert not SignIn.objects.filter(ended_at=None).exists()
    session = tablet_session(enrolled.token)
    assert session is not None
    assert session.user is None


def test_a_ticket_opens_one_socket_within_thirty_seconds() -> None:
    user = person(Role.DISPATCHER)
    ticket = services.make_ticket(tablet=None, user=user, now=NOON)
    late = NOON + services.TICKET_LIFETIME + timedelta(seconds=1)
    assert services.redeem_ticket(ticket=ticket, now=late) is None
    found = services.redeem_ticket(ticket=ticket, now=NOON)
    assert found
    assert found.user == user
    assert services.redeem_ticket(ticket=ticket, now=NOON) is None


def test_every_verb_leaves_an_audit_entry() -> None:
    enrolled = tablet(person())
    services.retire_tablet(tablet=enrolled.tablet, by=SYSTEM, now=NOON)
    actions = set(Entry.objects.about(enrolled.tablet.pk).values_list("action", flat=True))
    assert actions == {"enrol", "sign-in", "sign-out", "retire"}


def test_teams_hold_different_scopes() -> None:
    one, two = person(Role.SUPERVISOR, of=team()), person(Role.SUPERVISOR, of=team())
    assert granted(one.pk).isdisjoint(granted(two.pk))


def test_a_client_changes_its_token_without_a_gap() -> None:
    old, client = services.create_client(name="CAD", by=SYSTEM, now=NOON)
    new = services.issue_client_token(client=client, by=SYSTEM, now=NOON + timedelta(hours=1))
    assert client_of(old) == client_of(new) == client
    later = NOON + timedelta(hours=2)
    assert services.revoke_older_client_tokens(client=client, by=SYSTEM, now=later) == 1
    assert services.revoke_older_client_tokens(client=client, by=SYSTEM, now=later) == 0
    assert client_of(old) is None
    assert client_of(new) == client


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_at_once_the_second_takes_back_what_the_first_granted(
    elsewhere: Elsewhere,
) -> None:
    user, other = person(Role.SUPERVISOR), team()

    def close_the_account() -> None:
        mine = User.objects.get(pk=user.pk)  # read before the other change is committed
        mine.is_active = False
        services.save_user(user=mine, by=SYSTEM, now=NOON)

    with transaction.atomic():
        user.team = other
        services.save_user(user=user, by=SYSTEM, now=NOON)
        closing = elsewhere.start(close_the_account)
        elsewhere.until_waiting(closing)
    closing.result(timeout=60)
    assert granted(user.pk) == set()
