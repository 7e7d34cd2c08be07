"""A tablet with an empty outbox can tell that it holds what it should, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from apps.accounts import services as accounts
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from tests.factories import NOON, EnrolledTablet, person, tablet
from tests.integration.sync.conftest import Pages
from tests.probe import rooms

pytestmark = pytest.mark.django_db(transaction=True)
Document = dict[str, Any]


class Holder:
    """What docs/protocol.md tells a client to hold and to compute."""

    def __init__(self, client: Client, of: EnrolledTablet, collection: str) -> None:
        self.client, self.of, self.collection = client, of, collection
        self.checkpoint: str | None = None
        self.documents: dict[str, Document] = {}

    def _get(self, verb: str, **query: Any) -> Any:
        at = {"checkpoint": self.checkpoint} if self.checkpoint else {}
        return self.client.get(
            f"/api/v1/sync/{self.collection}/{verb}", {**at, **query}, headers=self.of.headers
        )

    def pull(self) -> None:
        page = self._get("pull", limit=1000).json()
        self.checkpoint = page["checkpoint"]["c"]
        for document in page["documents"]:
            self.documents.pop(document["id"], None)
            if not document["_deleted"]:
                self.documents[document["id"]] = document

    def ask(self) -> Any:
        return self._get("digest")

    def agrees(self) -> bool:
        answer = self.ask()
        assert answer.status_code == 200, answer.content
        told = answer.json()
        mine = {id: d for id, d in self.documents.items() if id not in told["left_out"]}
        return (told["count"], told["sha256"]) == (len(mine), hash_of(mine.values()))


def hash_of(documents: Iterable[Document]) -> str:
    lines = sorted(f"{document['id']}:{document['rev']}\n" for document in documents)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.fixture
def mine() -> EnrolledTablet:
    return tablet(person())


@pytest.fixture
def notes(client: Client, mine: EnrolledTablet) -> Holder:
    return Holder(client, mine, "notes")


def test_agrees_after_everything_that_can_happen_to_documents(
    notes: Holder, mine: EnrolledTablet
) -> None:
    user = mine.tablet.sign_ins.get().user
    assert notes.agrees()
    ids = rooms.notes([str(n) for n in range(30)], to=user)
    for id in ids[:10]:
        rooms.note("again", to=user, id=id)
    rooms.withdraw(ids[3])
    notes.pull()
    rooms.withdraw(ids[20])
    rooms.note("more", to=user)
    notes.pull()
    assert len(notes.documents) == 29
    assert notes.agrees()


def test_shows_what_is_missing_too_much_or_too_old(notes: Holder, mine: EnrolledTablet) -> None:
    user = mine.tablet.sign_ins.get().user
    id, other = rooms.notes(["one", "two"], to=user)
    notes.pull()
    held = dict(notes.documents)
    for wrong in (
        {str(id): held[str(id)]},
        {**held, "x": {"id": str(uuid7()), "rev": 1}},
        {**held, str(other): {**held[str(other)], "rev": 2}},
    ):
        notes.documents = wrong
        assert not notes.agrees()
    notes.documents = held
    assert notes.agrees()


@pytest.mark.parametrize("change", ["new", "changed", "withdrawn"])
def test_where_something_is_still_to_come_the_answer_is_pull_first(
    notes: Holder, mine: EnrolledTablet, change: str
) -> None:
    user = mine.tablet.sign_ins.get().user
    id = rooms.note("x", to=user)
    notes.pull()
    match change:
        case "new":
            rooms.note("y", to=user)
        case "changed":
            rooms.note("y", to=user, id=id)
        case "withdrawn":
            rooms.withdraw(id)
    answer = notes.ask()
    assert (answer.status_code, answer.json()["code"]) == (409, "pull-first")
    assert answer.headers["Sync-Head"]
    notes.pull()
    assert notes.agrees()


def test_what_everyone_may_see_is_compared_with_the_shared_list(
    client: Client, mine: EnrolledTablet
) -> None:
    signs = Holder(client, mine, "signs")
    for text in ("one", "two"):
        rooms.sign(text)
    signs.pull()
    assert len(signs.documents) == 2
    assert signs.agrees()
    accounts.sign_out(tablet=mine.tablet, by=SYSTEM, now=NOON)
    assert signs.ask().status_code == 403


def test_whoever_is_signed_out_must_hold_nothing(notes: Holder, mine: EnrolledTablet) -> None:
    rooms.note("x", to=mine.tablet.sign_ins.get().user)
    notes.pull()
    accounts.sign_out(tablet=mine.tablet, by=SYSTEM, now=NOON)
    assert notes.ask().status_code == 409
    notes.pull()
    assert notes.documents == {}
    assert notes.ask().json()["count"] == 0
    assert notes.agrees()


def test_a_document_that_cannot_be_read_counts_as_the_stub_that_was_sent(
    notes: Holder, mine: EnrolledTablet
) -> None:
    id = rooms.note("x", to=mine.tablet.sign_ins.get().user)
    with connection.cursor() as cursor:
        cursor.execute("update feed_document set body = '\\x00' where doc_id = %s", [id])
    notes.pull()
    assert notes.documents[str(id)]["sync_status"] == "unreadable"
    assert notes.agrees()


def test_texts_that_were_refused_are_on_neither_side(client: Client, mine: EnrolledTablet) -> None:
    typing, pages = Pages(client, mine), Holder(client, mine, "pages")
    kept, edited, fresh = typing.new(title="t"), typing.new(title="t"), str(uuid7())
    pages.pull()
    for id in (edited, fresh):
        [answer] = typing.save(id, title="refuse")
        assert answer["sync_status"] == "quarantined"
        pages.documents[id] = answer
    assert pages.ask().json()["code"] == "pull-first"  # the new one has come to its author
    pages.pull()
    pages.documents[edited]["rev"] = 77  # whatever stands there now
    told = pages.ask().json()
    assert set(told["left_out"]) == {edited, fresh}
    assert told["count"] == 1
    assert pages.agrees()
    typing.save(edited, title="fine")
    typing.save(fresh, title="fine")
    pages.pull()
    assert pages.ask().json()["left_out"] == []
    assert set(pages.documents) == {kept, edited, fresh}
    assert pages.agrees()


def test_refused_texts_of_others_change_nothing(pair: tuple[Pages, Pages]) -> None:
    typing, other = pair
    id = typing.new(title="t")
    theirs = Holder(other.client, other.of, "pages")
    theirs.pull()
    typing.save(id, title="refuse")
    assert theirs.ask().json()["left_out"] == []
    assert theirs.agrees()


def test_a_checkpoint_of_another_history_gets_no_digest(
    client: Client, mine: EnrolledTablet
) -> None:
    answer = client.get(
        "/api/v1/sync/notes/digest", headers={**mine.headers, "Sync-Seen": "999999.1"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "another-history")


def test_is_one_statement_however_many_documents_there_are(
    notes: Holder, mine: EnrolledTablet, django_assert_max_num_queries: Any
) -> None:
    user = mine.tablet.sign_ins.get().user
    counts = []
    for _ in range(2):
        rooms.notes([""] * 200, to=user, ids=[uuid7() for _ in range(200)])
        notes.pull()
        with django_assert_max_num_queries(20) as captured:
            assert notes.ask().json()["count"] == len(notes.documents)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_ids_are_ordered_as_text(notes: Holder, mine: EnrolledTablet) -> None:
    ids = [UUID(int=n << 120 | 0xA << n) for n in (0, 9, 10, 15, 16, 100)]
    rooms.notes([""] * len(ids), to=mine.tablet.sign_ins.get().user, ids=ids)
    notes.pull()
    assert notes.agrees()
