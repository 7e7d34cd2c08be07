"""What was refused and is taken when it comes again, without a word of its refusal: the answer that
said so was lost, and meanwhile nothing is in its way any more."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client

from apps.accounts.models import Role, User
from apps.changes import scopes
from apps.changes.services import Document, publish
from apps.core.ids import uuid7
from apps.sync import documents
from apps.sync.models import QuarantinedWrite
from apps.sync.services import quarantine
from tests.factories import NOON
from tests.integration.conftest import Elsewhere
from tests.integration.sync.conftest import Pages
from tests.integration.sync.test_access import push, responder, supervisor

pytestmark = pytest.mark.django_db(transaction=True)
Pair = tuple[Pages, Pages]


def refused_row(of: Pages, to: str) -> dict[str, Any]:
    """A row that is refused today, with its answer lost."""
    field = "text" if to == "marks" else "title"
    row = of.row(uuid7(), **{field: "by a supervisor"})
    [answer] = push(of, row, to=to)
    assert answer["sync_status"] == "quarantined"
    return row


def may_now(of: Pages) -> None:
    User.objects.filter(pk=responder(of).pk).update(role=Role.SUPERVISOR)


def written_by_the_server(of: Pages, id: str) -> None:
    """Published by a verb that knows nothing of the row in quarantine."""
    body = {"id": id, "title": "of the server", "number": 1}
    audience = frozenset({scopes.team(of.of.tablet.team.pk)})
    with transaction.atomic():
        publish(documents=[Document("pages", UUID(id), audience, body)], now=NOON)


@pytest.mark.parametrize("to", ["marks", "pages"])
def test_the_refusal_is_settled(pair: Pair, to: str) -> None:
    mine, _ = pair
    row = refused_row(mine, to)
    may_now(mine)
    assert push(mine, row, to=to) == []
    assert not QuarantinedWrite.objects.open().exists()
    [shown] = mine.pull("quarantine").values()
    assert shown["status"] == "corrected"
    id = row["newDocumentState"]["id"]
    for one in pair:
        assert "sync_status" not in one.pull(to)[id]


@pytest.mark.parametrize("to", ["marks", "pages"])
def test_whoever_acknowledges_what_was_refused_withdraws_nothing(pair: Pair, to: str) -> None:
    mine, _ = pair
    row = refused_row(mine, to)
    write, by = QuarantinedWrite.objects.get(), supervisor(mine)
    may_now(mine)
    del row["newDocumentState"]["edit_no"]  # of a client that names no save it stays open
    assert push(mine, row, to=to) == []
    assert QuarantinedWrite.objects.open().get() == write
    quarantine.acknowledge(write=write, by=by, now=NOON)
    for one in pair:
        assert row["newDocumentState"]["id"] in one.pull(to)


def test_a_later_text_under_its_id_covers_nothing_up(pair: Pair) -> None:
    mine, theirs = pair
    row = refused_row(mine, "marks")
    may_now(mine)
    push(mine, row)
    other = {"newDocumentState": {**row["newDocumentState"], "text": "other", "edit_no": 9}}
    [answer] = push(mine, other)
    assert (answer["text"], answer.get("sync_status")) == ("by a supervisor", None)
    id = row["newDocumentState"]["id"]
    assert theirs.pull("marks")[id]["text"] == "by a supervisor"


def test_what_the_server_writes_under_its_id_is_a_document(pair: Pair) -> None:
    """As an encounter that a timeline opens."""
    mine, theirs = pair
    row = refused_row(mine, "pages")
    id, write = row["newDocumentState"]["id"], QuarantinedWrite.objects.get()
    written_by_the_server(mine, id)
    quarantine.acknowledge(write=write, by=supervisor(mine), now=NOON)
    assert theirs.pull()[id]["title"] == "of the server"
    [answer] = theirs.push(theirs.row(id, based=False, title="typed"))
    assert (answer["title"], answer["number"]) == ("of the server", 1)


class TestAtOnce:
    """Somebody acknowledges what was refused at the moment at which it is taken."""

    @pytest.fixture
    def way(self, client: Client) -> Client:
        """Inside a transaction of the test."""
        return client

    @pytest.mark.parametrize("to", ["marks", "pages"])
    def test_withdraws_nothing(self, pair: Pair, elsewhere: Elsewhere, to: str) -> None:
        mine, theirs = pair
        row = refused_row(mine, to)
        write, by = QuarantinedWrite.objects.get(), supervisor(mine)
        may_now(mine)
        with transaction.atomic():
            assert push(mine, row, to=to) == []
            waiting = elsewhere.start(lambda: quarantine.acknowledge(write=write, by=by, now=NOON))
            elsewhere.until_waiting(waiting)
        waiting.result(timeout=60)
        assert row["newDocumentState"]["id"] in theirs.pull(to)

    def test_nor_what_the_server_writes_meanwhile(self, pair: Pair, elsewhere: Elsewhere) -> None:
        mine, theirs = pair
        row = refused_row(mine, "pages")
        write, by = QuarantinedWrite.objects.get(), supervisor(mine)
        id = row["newDocumentState"]["id"]
        with transaction.atomic():
            documents.lock("pages", [UUID(id)])
            written_by_the_server(mine, id)
            waiting = elsewhere.start(lambda: quarantine.acknowledge(write=write, by=by, now=NOON))
            elsewhere.until_waiting(waiting)
        waiting.result(timeout=60)
        assert theirs.pull()[id]["title"] == "of the server"


def test_of_another_save_it_stays_open(pair: Pair) -> None:
    mine, _ = pair
    row = refused_row(mine, "pages")
    may_now(mine)
    later = mine.row(row["newDocumentState"]["id"], based=False, title="later")
    push(mine, later, to="pages")
    assert QuarantinedWrite.objects.open().count() == 1
