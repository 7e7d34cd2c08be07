"""People, tablets and clients in the stock admin: whose they are, codes and tokens shown once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client as Browser

from apps.accounts import services
from apps.accounts.models import (
    Client,
    ClientToken,
    EnrolmentCode,
    Role,
    Tablet,
    TabletState,
    Team,
    User,
)
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from tests.factories import NOON, PASSWORD, person, tablet, team

pytestmark = pytest.mark.django_db
TABLETS = "/admin/accounts/tablet/"
ENROL = f"{TABLETS}enrol/"


def desk(user: User) -> Browser:
    found = Browser()
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_code_is_shown_once_as_text_and_picture_and_enrols() -> None:
    supervisor = person(Role.SUPERVISOR)
    reader = desk(supervisor)
    shown = text(reader.post(ENROL, {"label": "CARE 21 left", "reason": "A new one."}))
    found = re.search(r'id="code"[^>]*>([^<]+)<', shown)
    assert found
    code = found[1].strip()
    assert "<svg" in shown
    assert code not in text(reader.get(ENROL))
    assert code not in str(EnrolmentCode.objects.values_list("code_hash", "label"))
    _, row = services.enrol(code=code, claim=uuid7(), now=EnrolmentCode.objects.get().made_at)
    assert (row.label, row.team) == ("CARE 21 left", supervisor.team)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.DISPATCHER])
def test_only_a_supervisor_makes_codes(role: str) -> None:
    assert desk(person(role)).post(ENROL, {"label": "x"}).status_code in {200, 403}
    assert not EnrolmentCode.objects.exists()


@pytest.mark.parametrize(("role", "may"), [(Role.SUPERVISOR, True), (Role.ADMINISTRATOR, False)])
def test_the_way_to_a_code_is_shown_to_whoever_may_go_it(role: str, may: bool) -> None:
    reader = desk(person(role))
    assert (ENROL in text(reader.get(TABLETS))) == may
    assert (reader.get(ENROL).status_code == 200) == may


def test_a_supervisor_shuts_out_tablets_of_the_own_team_alone() -> None:
    supervisor = person(Role.SUPERVISOR)
    mine, another = tablet(of=supervisor.team).tablet, tablet().tablet
    reader = desk(supervisor)
    assert another.label not in text(reader.get(TABLETS))
    selected = {"action": "retire", "_selected_action": [str(mine.pk), str(another.pk)]}
    selected |= {"reason": "Its screen is broken.", "apply": "1"}
    assert f"{mine}: done." in text(reader.post(TABLETS, selected, follow=True))
    assert Tablet.objects.get(pk=mine.pk).state == TabletState.RETIRED
    assert Tablet.objects.get(pk=another.pk).state == TabletState.ACTIVE


@pytest.mark.parametrize(
    ("offset", "words"),
    [
        (None, ">-<"),
        (400, "right"),
        (9_000, "9 s fast"),
        (-75_000, "1 min 15 s slow"),
        (9_899_000, "2 h 44 min fast"),
    ],
)
def test_a_tablets_clock_is_told_in_words(offset: int | None, words: str) -> None:
    row = tablet().tablet
    Tablet.objects.filter(pk=row.pk).update(clock_offset_ms=offset)
    assert words in text(desk(person(Role.ADMINISTRATOR)).get(TABLETS))


def test_an_administrator_makes_an_account_that_needs_password_and_team() -> None:
    reader = desk(person(Role.ADMINISTRATOR))
    url = "/admin/accounts/user/add/"
    form = {"username": "s9", "display_name": "S. Nine", "role": "supervisor", "is_active": "on"}
    assert "A new account needs a password." in text(reader.post(url, form))
    form["new_password"] = PASSWORD
    assert "belong to a team" in text(reader.post(url, form))
    assert reader.post(url, {**form, "team": str(team().pk)}).status_code == 302
    made = User.objects.get(username="s9")
    assert made.check_password(PASSWORD)
    assert made.is_staff
    assert Entry.objects.about(made.pk).filter(action="create").exists()


def test_a_supervisor_sees_accounts_and_changes_none() -> None:
    supervisor = person(Role.SUPERVISOR)
    reader = desk(supervisor)
    assert supervisor.username in text(reader.get("/admin/accounts/user/"))
    assert reader.post(f"/admin/accounts/user/{supervisor.pk}/change/", {}).status_code == 403
    assert reader.get("/admin/accounts/client/").status_code == 403


@pytest.mark.parametrize("lookup", ["password__startswith", "password", "last_login__lt"])
def test_a_list_is_narrowed_by_what_its_page_offers_alone(lookup: str) -> None:
    """Otherwise whoever may look at accounts reads password hashes out of them, sign by sign."""
    supervisor = person(Role.SUPERVISOR, password=True)
    reader = desk(supervisor)
    answer = reader.get(f"/admin/accounts/user/?{lookup}=md5")
    assert answer.status_code == 400
    assert supervisor.username in text(reader.get("/admin/accounts/user/?role__exact=supervisor"))
    assert supervisor.team
    by_team = reader.get(f"/admin/accounts/user/?team__id__exact={supervisor.team.pk}")
    assert supervisor.username in text(by_team)


@pytest.mark.parametrize("lookup", ["role__range", "role__regex", "team__id__range"])
def test_a_list_is_compared_as_its_filters_compare_alone(lookup: str) -> None:
    """What a comparison takes that no address holds would end in an error page."""
    answer = desk(person(Role.SUPERVISOR, password=True)).get(f"/admin/accounts/user/?{lookup}=x")
    assert answer.status_code == 400


def test_a_clients_token_is_shown_once_and_the_older_are_revoked() -> None:
    old, client = services.create_client(name="CAD", by=SYSTEM, now=NOON)
    reader = desk(person(Role.ADMINISTRATOR))
    url = "/admin/accounts/client/"
    selected = {"_selected_action": [str(client.pk)]}
    shown = text(reader.post(url, {**selected, "action": "new_token"}, follow=True))
    assert re.search(r"cfc_\S+ \(shown once\)", shown)
    assert "cfc_" not in text(reader.get(url))
    assert old not in shown
    revoked = text(reader.post(url, {**selected, "action": "revoke_older"}, follow=True))
    assert "1 revoked" in revoked
    assert ClientToken.objects.filter(client=Client.objects.get(), revoked_at=None).count() == 1


def test_teams_and_clients_are_saved_as_their_services_do_it() -> None:
    administrator = person(Role.ADMINISTRATOR)
    reader = desk(administrator)
    assert reader.post("/admin/accounts/team/add/", {"name": "North"}).status_code == 302
    made = Team.objects.get(name="North")
    added = reader.post("/admin/accounts/client/add/", {"name": "CAD", "is_active": "on"})
    assert added.status_code == 302
    client = Client.objects.get(name="CAD")
    page = f"/admin/accounts/client/{client.pk}/change/"
    assert reader.post(page, {"name": "CAD"}).status_code == 302
    assert not Client.objects.get(pk=client.pk).is_active
    entries = Entry.objects.filter(actor_id=administrator.pk).order_by("at", "id")
    assert list(entries.values_list("action", "subject_type", "subject_ids")) == [
        ("create", "team", [made.pk]),
        ("create", "client", [client.pk]),
        ("update", "client", [client.pk]),
    ]
