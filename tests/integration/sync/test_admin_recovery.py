"""The admin's page of a recovery, and what its index says while tablets are awaited."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import Role
from apps.audit.services import SYSTEM
from apps.changes import epochs
from apps.core import clock
from apps.sync import recovery
from apps.sync.models import History, Setback
from tests.factories import person, tablet
from tests.integration.sync.conftest import Pages
from tests.integration.sync.test_admin import Desk

pytestmark = pytest.mark.django_db(transaction=True)
Pair = tuple[Pages, Pages]
AWAITED, PUT_BACK = 'id="awaited"', 'id="put-back"'


@pytest.fixture
def way(client: Client) -> Client:
    """How a row came is nothing to these pages: see `test_admin`."""
    return client


def index(role: str, like: Pages | None = None) -> str:
    return Desk(person(role, of=like.of.tablet.team if like else None)).read("", base="/admin/")


def begin() -> History:
    found = recovery.begin(actor=SYSTEM, now=clock.now())
    assert found is not None
    return found


def come_back(of: Pages) -> None:
    """It hands over what it holds, and says so."""
    followed = {**of.of.headers, "Sync-Followed": str(epochs.current())}
    for name in ("pages", "marks", "facts"):
        assert of.client.get(f"/api/v1/sync/{name}/pull", headers=followed).status_code == 200


class TestTheIndex:
    def test_says_nothing_as_long_as_nothing_happened(self, pair: Pair) -> None:
        for role in (Role.SUPERVISOR, Role.ADMINISTRATOR, Role.DISPATCHER):
            assert not {AWAITED, PUT_BACK} & set(index(role, pair[0]).split())

    def test_says_how_many_are_awaited_until_all_have_come(self, pair: Pair) -> None:
        mine, theirs = pair
        tablet()  # of another team
        history = begin()
        assert "2 of 2 tablets have" in " ".join(index(Role.SUPERVISOR, mine).split())
        assert "3 of 3 tablets have" in " ".join(index(Role.ADMINISTRATOR).split())
        assert f"/admin/sync/history/{history.pk}/change/" in index(Role.SUPERVISOR, mine)
        assert AWAITED not in index(Role.DISPATCHER)  # who has no such page
        come_back(mine)
        assert "1 of 2 tablets has" in " ".join(index(Role.SUPERVISOR, mine).split())
        come_back(theirs)
        assert AWAITED not in index(Role.SUPERVISOR, mine)
        assert AWAITED in index(Role.ADMINISTRATOR)

    def test_nobody_waits_for_a_tablet_that_is_shut_out(self, pair: Pair) -> None:
        mine, theirs = pair
        begin()
        come_back(mine)
        accounts.retire_tablet(tablet=theirs.of.tablet, by=SYSTEM, now=clock.now())
        assert AWAITED not in index(Role.SUPERVISOR, mine)

    def test_nor_for_a_local_database_whose_tablet_has_another(self, pair: Pair) -> None:
        mine, theirs = pair
        left = Pages(mine.client, theirs.of)
        left.of = type(theirs.of)(theirs.of.tablet, theirs.of.token, recovery.epochs.current())
        assert left.client.get("/api/v1/sync/pages/pull", headers=left.of.headers).json()
        begin()
        come_back(mine)
        come_back(theirs)
        assert AWAITED not in index(Role.SUPERVISOR, mine)

    def test_says_to_everybody_that_the_server_was_put_back(self, pair: Pair) -> None:
        Setback.objects.create(
            epoch=epochs.current(),
            noticed_at=clock.now(),
            tablet=pair[0].of.tablet,
            instance=pair[0].of.instance,
            seen_seq=9,
            head_seq=7,
        )
        for role in (Role.SUPERVISOR, Role.ADMINISTRATOR, Role.DISPATCHER):
            assert "Give calls by radio." in index(role, pair[0])
        begin()
        assert PUT_BACK not in index(Role.DISPATCHER)


class TestThePage:
    def test_says_what_the_command_says(self, pair: Pair) -> None:
        mine, _ = pair
        mine.new(title="a text of somebody")
        history = begin()
        come_back(mine)
        page = Desk(person(Role.ADMINISTRATOR)).read(f"history/{history.pk}/change/")
        said = StringIO()
        call_command("recovery_report", stdout=said)
        for line in said.getvalue().splitlines():
            if not any(figure in line for figure in (" at ", "begun", "commit")):  # other clocks
                assert line in page
        assert "a text of somebody" not in page
        assert "1 of 2 local databases have come back" in page
        assert "PST" in page or "PDT" in page

    def test_names_a_supervisor_their_teams_tablets(self, pair: Pair) -> None:
        other = tablet()
        history = begin()
        for role, seen in ((Role.SUPERVISOR, False), (Role.ADMINISTRATOR, True)):
            desk = Desk(person(role, of=pair[0].of.tablet.team))
            page = desk.read(f"history/{history.pk}/change/")
            assert pair[0].of.tablet.label in page
            assert (f"{other.tablet.label} (" in page) == seen
            assert "0 of " in desk.read("history/")

    def test_is_for_those_who_answer_for_tablets_and_changes_nothing(self, pair: Pair) -> None:
        history = begin()
        address = f"/admin/sync/history/{history.pk}/change/"
        dispatcher = Desk(person(Role.DISPATCHER))
        assert dispatcher.client.get(address).status_code == 403
        desk = Desk(person(Role.SUPERVISOR, of=pair[0].of.tablet.team))
        assert desk.client.post(address, {"began_at": "2026-01-01"}).status_code == 403
        assert desk.client.get("/admin/sync/history/add/").status_code == 403
        assert desk.client.post(address.replace("change", "delete")).status_code == 403
