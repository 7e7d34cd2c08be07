"""A document is taken from a tablet, with and without an edit that is not sent."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.changes import scopes
from apps.changes.services import revoke
from apps.core.ids import uuid7
from apps.sync.models import QuarantinedWrite
from tests.factories import tablet
from tests.functional.sync.rxdb.together import (
    Pair,
    text_of,
)
from tests.processes import Server
from tests.rxdb.client import Node
from tests.rxdb.proxy import Proxy


class TestRevoked:
    def test_a_document_without_an_unsent_edit_goes_with_its_text(
        self, node: Node, shared: Server, users: Pair
    ) -> None:
        mine, theirs = (node.tablet(tablet(user), shared, pages="merged") for user in users)
        id = mine.insert("pages", id=str(uuid7()), text="x")["id"]
        theirs.wait("pages", id, text="x")
        self.revoke(users[1])
        theirs.wait_gone("pages", id)
        [there] = theirs.stored("pages", id)
        assert "text" not in there
        theirs.settle()
        assert mine.documents("pages")[id]["text"] == text_of(id) == "x"

    def test_with_an_unsent_edit_it_goes_after_the_edit_is_kept(
        self, node: Node, shared: Server, users: Pair
    ) -> None:
        mine, theirs = (node.tablet(tablet(user), shared, pages="merged") for user in users)
        id = mine.insert("pages", id=str(uuid7()), text="x")["id"]
        theirs.wait("pages", id, text="x")
        theirs.disconnect()
        self.revoke(users[1])
        theirs.patch("pages", id, text="typed in a basement")
        theirs.connect()
        theirs.wait_gone("pages", id)
        [there] = theirs.stored("pages", id)
        assert "text" not in there
        assert QuarantinedWrite.objects.get().content["text"] == "typed in a basement"
        # RxDB sends the tombstone back: it is no deletion.
        theirs.settle()
        assert mine.documents("pages")[id]["text"] == text_of(id) == "x"

    def test_a_purge_that_is_sent_back_deletes_nothing(
        self, node: Node, shared: Server, proxy: Proxy, users: Pair
    ) -> None:
        mine = node.tablet(tablet(users[0]), shared, pages="merged")
        theirs = node.tablet(tablet(users[1]), shared, url=proxy.url, pages="merged")
        id = mine.insert("pages", id=str(uuid7()), text="x")["id"]
        theirs.wait("pages", id, text="x")
        self.revoke(users[1])
        theirs.wait_gone("pages", id)
        theirs.settle()
        theirs.do("replay", collection="pages")  # a replication of another name sends all it has
        proxy.until(lambda: proxy.count("/pages/push"), "it sends the purge")
        theirs.settle()
        assert mine.documents("pages")[id]["text"] == text_of(id) == "x"
        assert not QuarantinedWrite.objects.exists()

    @staticmethod
    def revoke(user: User) -> None:
        assert user.team_id is not None
        with transaction.atomic():
            revoke(principal=user.pk, scopes=[scopes.team(user.team_id)])
