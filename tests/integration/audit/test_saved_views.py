"""The filters of a list, kept under a name."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from apps.accounts.models import Role, User
from apps.audit import savedviews
from apps.audit.models import ActorKind, Entry, SavedView
from apps.audit.savedviews import MOST
from apps.audit.services import Actor
from tests.factories import NOON, person, team
from tests.integration.conftest import Elsewhere

LIST = "/admin/accounts/user/"
FILTERS = {"role__exact": "responder", "is_active__exact": "1"}


@pytest.fixture
def supervisor(db: None) -> User:
    return person(Role.SUPERVISOR, of=team())


def desk_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def kept(user: User, **more: str) -> SavedView:
    answer = desk_of(user).post(f"{LIST}views/save/", {"name": "On duty", **FILTERS, **more})
    assert answer.status_code == 302
    return SavedView.objects.latest("id")


def above(user: User) -> list[str]:
    """The names of the views above the list, for somebody."""
    answer: Any = desk_of(user).get(LIST)
    return [view.name for view, *_ in answer.context_data["saved_views"]]


def test_a_view_leads_back_to_its_filters(supervisor: User) -> None:
    kept(supervisor)
    page = desk_of(supervisor).get(LIST).content.decode()
    assert '<a href="?role__exact=responder&amp;is_active__exact=1">On duty</a>' in page


def test_what_was_searched_for_is_never_kept(supervisor: User) -> None:
    view = kept(supervisor, q="Dana Reyes", older="x", password="hash", e="1")
    assert view.query == {name: [value] for name, value in FILTERS.items()}


def test_it_is_ones_own_unless_it_is_shared_with_the_team(supervisor: User) -> None:
    colleague = person(Role.SUPERVISOR, of=supervisor.team)
    stranger = person(Role.SUPERVISOR, of=team("Another"))
    kept(supervisor)
    assert (above(supervisor), above(colleague), above(stranger)) == (["On duty"], [], [])
    kept(supervisor, name="Ours", shared="on")
    assert above(colleague) == ["Ours"]
    assert above(stranger) == []


def test_without_a_team_nothing_is_shared(db: None) -> None:
    administrator, other = person(Role.ADMINISTRATOR), person(Role.ADMINISTRATOR)
    kept(administrator, shared="on")
    assert above(other) == []


def test_only_ones_own_is_forgotten_and_both_are_written_down(supervisor: User) -> None:
    view = kept(supervisor)
    colleague = person(Role.SUPERVISOR, of=supervisor.team)
    desk_of(colleague).post(f"{LIST}views/{view.pk}/forget/")
    assert SavedView.objects.exists()
    desk_of(supervisor).post(f"{LIST}views/{view.pk}/forget/")
    assert not SavedView.objects.exists()
    assert list(Entry.objects.about(view.pk).order_by("at").values_list("action", "actor_id")) == [
        ("save_view", supervisor.pk),
        ("forget_view", supervisor.pk),
    ]


def test_what_is_shared_is_forgotten_by_a_supervisor_of_the_team_too(supervisor: User) -> None:
    """Its owner may have left."""
    view = kept(supervisor, shared="on")
    colleague = person(Role.SUPERVISOR, of=supervisor.team)
    button = f'action="views/{view.pk}/forget/"'
    others = [
        person(Role.SUPERVISOR, of=team("Another")),
        person(Role.ADMINISTRATOR, of=supervisor.team),
    ]
    for other in others:
        assert button not in desk_of(other).get(LIST).content.decode()
        desk_of(other).post(f"{LIST}views/{view.pk}/forget/")
        assert SavedView.objects.exists()
    assert button in desk_of(colleague).get(LIST).content.decode()
    desk_of(colleague).post(f"{LIST}views/{view.pk}/forget/")
    assert not SavedView.objects.exists()
    entry = Entry.objects.about(view.pk).get(action="forget_view")
    assert (entry.actor_id, entry.detail) == (colleague.pk, {"owner": str(supervisor.pk)})


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_it_has_a_short_name(supervisor: User, name: str) -> None:
    desk_of(supervisor).post(f"{LIST}views/save/", {"name": name, **FILTERS})
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("value", ["x" * 400_000, "\0"])
def test_what_no_list_has_as_a_filter_is_not_kept(supervisor: User, value: str) -> None:
    posted = {"name": "Odd", "shared": "on", "role__exact": value}
    answer = desk_of(supervisor).post(f"{LIST}views/save/", posted)
    assert (answer.status_code, answer["Location"]) == (302, LIST)
    assert not SavedView.objects.exists()


def test_nobody_keeps_too_many(supervisor: User) -> None:
    for _ in range(MOST + 1):
        kept(supervisor)
    assert SavedView.objects.count() == MOST


def test_nobody_keeps_too_many_at_once(transactional_db: None, elsewhere: Elsewhere) -> None:
    by = person(Role.SUPERVISOR, of=team())
    for _ in range(MOST - 1):
        kept(by)
    with transaction.atomic():
        actor = Actor(ActorKind.USER, by.pk)
        page = "accounts.user"
        savedviews.save(page=page, name="x", query={}, by=actor, team_id=None, now=NOON)
        work = elsewhere.start(lambda: kept(by))
        elsewhere.until_waiting(work)
    work.result(60)
    assert SavedView.objects.count() == MOST


def test_whoever_may_not_open_the_list_keeps_nothing_of_it(db: None) -> None:
    answer = desk_of(person(Role.DISPATCHER)).post(f"{LIST}views/save/", {"name": "x"})
    assert answer.status_code == 403
    assert desk_of(person(Role.SUPERVISOR)).get(f"{LIST}views/save/").status_code == 403
