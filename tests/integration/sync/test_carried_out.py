"""What a holder was told to drop is forgotten once its own pulls show that it has dropped it."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.test import Client

from apps.accounts import services as accounts
from apps.audit.services import SYSTEM
from apps.changes.models import Item, LastPage
from apps.core import clock
from tests.factories import EnrolledTablet, person, tablet
from tests.integration.sync.test_pull import pull, responder
from tests.probe import rooms

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held() -> EnrolledTablet:
    return tablet(person())


@pytest.fixture
def known(client: Client, held: EnrolledTablet) -> tuple[list[UUID], str]:
    """Six notes that are on the tablet, and its checkpoint."""
    ids = rooms.notes([str(n) for n in range(6)], to=responder(held))
    return ids, pull(client, held)[1]


def to_drop(of: EnrolledTablet) -> int:
    return Item.objects.filter(holder=of.instance, visible=False).count()


def test_the_end_of_a_short_page_shows_it(
    client: Client, held: EnrolledTablet, known: tuple[list[UUID], str]
) -> None:
    ids, at = known
    for id in ids[:2]:
        rooms.withdraw(id)
    documents, after = pull(client, held, checkpoint=at)
    assert [d["_deleted"] for d in documents] == [True, True]
    assert to_drop(held) == 2  # its answer may have been lost
    assert pull(client, held, checkpoint=after) == ([], after)
    assert to_drop(held) == 0
    assert not LastPage.objects.exists()


def test_the_end_of_a_full_page_does_not(
    client: Client, held: EnrolledTablet, known: tuple[list[UUID], str]
) -> None:
    """RxDB asks on with it while it still stores the page."""
    ids, at = known
    for id in ids[:4]:
        rooms.withdraw(id)
    _, second = pull(client, held, checkpoint=at, limit=2)
    _, fourth = pull(client, held, checkpoint=second, limit=2)
    assert pull(client, held, checkpoint=fourth, limit=2) == ([], fourth)
    assert pull(client, held, checkpoint=fourth, limit=2) == ([], fourth)
    assert to_drop(held) == 4
    # It has crashed before it stored anything, and hears all of it again.
    documents, _ = pull(client, held, checkpoint=at)
    assert {d["id"] for d in documents} == set(map(str, ids[:4]))


def test_the_end_of_what_follows_a_full_page_shows_it(
    client: Client, held: EnrolledTablet, known: tuple[list[UUID], str]
) -> None:
    """Whatever is on it."""
    ids, at = known
    rooms.withdraw(ids[0])
    rooms.withdraw(ids[1])
    rooms.note("another", to=responder(held))
    _, second = pull(client, held, checkpoint=at, limit=2)
    _, end = pull(client, held, checkpoint=second, limit=2)
    assert to_drop(held) == 2
    pull(client, held, checkpoint=end, limit=2)
    assert to_drop(held) == 0


def test_an_answer_that_is_lost_shows_nothing(
    client: Client, held: EnrolledTablet, known: tuple[list[UUID], str]
) -> None:
    ids, at = known
    rooms.withdraw(ids[0])
    for _ in range(3):
        documents, _ = pull(client, held, checkpoint=at)
        assert documents == [{"id": str(ids[0]), "_deleted": True}]


def test_a_page_that_is_full_takes_the_place_of_a_short_one_that_was_lost(
    client: Client, held: EnrolledTablet, known: tuple[list[UUID], str]
) -> None:
    """The app was started anew with smaller pages, and comes to the same end."""
    ids, at = known
    rooms.withdraw(ids[0])
    rooms.withdraw(ids[1])
    pull(client, held, checkpoint=at, limit=3)
    _, end = pull(client, held, checkpoint=at, limit=2)
    pull(client, held, checkpoint=end, limit=2)
    assert to_drop(held) == 2


def test_rows_of_one_commit_on_both_sides_of_a_place(
    client: Client, held: EnrolledTablet, known: tuple[list[UUID], str]
) -> None:
    """Everything is withdrawn in one commit; what it has not been handed stays."""
    _, at = known
    accounts.sign_out(tablet=held.tablet, by=SYSTEM, now=clock.now())
    _, fourth = pull(client, held, checkpoint=at, limit=4)
    LastPage.objects.update(short=True)  # as if that were the whole of it
    documents, _ = pull(client, held, checkpoint=fourth, limit=4)
    assert len(documents) == 2
    assert to_drop(held) == 6


def test_a_tablet_that_only_pulls_is_not_listed_any_more(
    client: Client, held: EnrolledTablet, known: tuple[list[UUID], str]
) -> None:
    """Nobody is signed in on it: nothing more ever comes after its tombstones."""
    ids, at = known
    accounts.sign_out(tablet=held.tablet, by=SYSTEM, now=clock.now())
    documents, end = pull(client, held, checkpoint=at)
    assert len(documents) == len(ids)
    pull(client, held, checkpoint=end)
    assert to_drop(held) == 0


def test_who_has_nothing_to_drop_writes_nothing(
    client: Client, held: EnrolledTablet, known: tuple[list[UUID], str]
) -> None:
    _, at = known
    for _ in range(2):
        rooms.note("another", to=responder(held))
        _, at = pull(client, held, checkpoint=at)
    assert not LastPage.objects.exists()


def test_the_one_round_trip_is_done_with_the_commit_that_it_names(
    client: Client, held: EnrolledTablet, known: tuple[list[UUID], str]
) -> None:
    ids, at = known
    rooms.withdraw(ids[0])
    _, end = pull(client, held, checkpoint=at)
    body = {"pull": {"notes": end}}
    client.post("/api/v1/sync", body, "application/json", headers=held.headers)
    assert to_drop(held) == 0
