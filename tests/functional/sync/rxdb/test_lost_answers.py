"""The answer to a push is lost, and everything that may happen then."""

from __future__ import annotations

import pytest

from apps.changes.models import StoredDocument
from apps.core.ids import uuid7
from apps.sync.models import Conflict, QuarantinedWrite, Version
from tests.factories import tablet
from tests.functional.sync.rxdb.together import (
    MARKS,
    PAGES,
    Pair,
    text_of,
)
from tests.processes import Server
from tests.rxdb.client import Node, RxTablet
from tests.rxdb.proxy import Proxy


class TestLostAnswers:
    """The server has taken a save; the tablet does not know."""

    @pytest.fixture
    def mine(self, node: Node, shared: Server, proxy: Proxy, users: Pair) -> RxTablet:
        return node.tablet(tablet(users[0]), shared, url=proxy.url, **PAGES)

    @pytest.fixture
    def id(self, mine: RxTablet) -> str:
        id: str = mine.insert("pages", id=str(uuid7()), text="A")["id"]
        mine.settle()
        return id

    def test_then_sent_again(self, mine: RxTablet, id: str, proxy: Proxy) -> None:
        with proxy.losing("/pages/push"):
            mine.patch("pages", id, text="B")
        mine.settle()
        assert text_of(id) == "B"
        assert Version.objects.filter(doc_id=id).count() == 2

    def test_then_typed_on(self, mine: RxTablet, id: str, proxy: Proxy) -> None:
        with proxy.losing("/pages/push"):
            mine.patch("pages", id, text="A and")
            proxy.until(lambda: text_of(id) == "A and", "the server has it")
            mine.patch("pages", id, text="A and B")
        mine.settle()
        assert text_of(id) == mine.documents("pages")[id]["text"] == "A and B"

    def test_then_gone_back(self, mine: RxTablet, id: str, proxy: Proxy) -> None:
        with proxy.losing("/pages/push"):
            mine.patch("pages", id, text="B")
            proxy.until(lambda: text_of(id) == "B", "the server has it")
            mine.patch("pages", id, text="A")
        mine.settle()
        assert text_of(id) == mine.documents("pages")[id]["text"] == "A"

    @pytest.mark.parametrize("text", ["A", "B and C", "B"])
    def test_then_typed_then_started_again(
        self, mine: RxTablet, id: str, proxy: Proxy, text: str
    ) -> None:
        """The order in which a client can lose text: type, restart, retry."""
        with proxy.losing("/pages/push"):
            mine.patch("pages", id, text="B")
            proxy.until(lambda: text_of(id) == "B", "the server has it")
        mine.disconnect()
        mine.patch("pages", id, text=text)
        mine.restart()
        mine.connect()
        mine.settle()
        assert text_of(id) == mine.documents("pages")[id]["text"] == text
        assert not Conflict.objects.exists()

    def test_of_a_fact(self, node: Node, shared: Server, proxy: Proxy, users: Pair) -> None:
        mine = node.tablet(tablet(users[0]), shared, url=proxy.url, **MARKS)
        with proxy.losing("/marks/push"):
            id = mine.insert("marks", id=str(uuid7()), text="once")["id"]
        mine.settle()
        assert StoredDocument.objects.get(collection="marks", doc_id=id).rev == 1
        assert not QuarantinedWrite.objects.exists()

    def test_saves_are_numbered_on_after_a_restart(self, mine: RxTablet, id: str) -> None:
        before = mine.kept
        mine.disconnect()
        mine.restart()
        mine.connect()
        mine.patch("pages", id, text="B")
        mine.settle()
        after = mine.kept
        assert (after["instance"], after["saves"]) == (before["instance"], before["saves"] + 1)
        assert text_of(id) == "B"
