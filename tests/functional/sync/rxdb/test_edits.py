"""What people change together, and what is refused."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.utils import timezone

from apps.accounts import services as accounts
from apps.changes.models import StoredDocument
from apps.core.ids import uuid7
from apps.sync.models import Conflict, QuarantinedWrite, Version
from tests.factories import tablet
from tests.functional.sync.rxdb.together import (
    MARKS,
    PAGES,
    VALIDATOR,
    Pair,
    text_of,
)
from tests.processes import Server
from tests.rxdb.client import Node
from tests.rxdb.proxy import Proxy


class TestWhatPeopleChangeTogether:
    def test_a_page_edited_on_two_clients_merges(
        self, node: Node, shared: Server, users: Pair
    ) -> None:
        mine, theirs = (node.tablet(tablet(user), shared, pages="merged") for user in users)
        id = mine.insert("pages", id=str(uuid7()), title="t", text="He sat there.")["id"]
        theirs.wait("pages", id, title="t")
        theirs.disconnect()
        mine.patch("pages", id, title="mine")
        mine.settle()
        theirs.patch("pages", id, text="He sat there. He has a dog.", number=7)
        theirs.connect()
        together = {"title": "mine", "text": "He sat there. He has a dog.", "number": 7}
        for one in (mine, theirs):
            one.wait("pages", id, **together)
        assert not Conflict.objects.exists()

    def test_two_texts_at_one_place_are_both_kept_and_shown(
        self, node: Node, shared: Server, users: Pair
    ) -> None:
        mine, theirs = (node.tablet(tablet(user), shared, **PAGES) for user in users)
        id = mine.insert("pages", id=str(uuid7()), title="t")["id"]
        theirs.wait("pages", id, title="t")
        theirs.disconnect()
        mine.patch("pages", id, title="mine")
        mine.settle()
        theirs.patch("pages", id, title="theirs")
        theirs.connect()
        theirs.wait("pages", id, title="mine")
        conflict = Conflict.objects.get()
        theirs.wait("quarantine", str(conflict.pk), kind="conflict", kept={"title": "theirs"})

    def test_its_author_deletes_it(self, node: Node, shared: Server, users: Pair) -> None:
        mine, theirs = (node.tablet(tablet(user), shared, pages="merged") for user in users)
        id = mine.insert("pages", id=str(uuid7()), text="x")["id"]
        theirs.wait("pages", id, text="x")
        mine.remove("pages", id)
        theirs.wait_gone("pages", id)
        [there] = theirs.stored("pages", id)
        assert "text" not in there

    def test_two_databases_on_one_tablet_do_not_overwrite_each_other(
        self, node: Node, shared: Server, users: Pair
    ) -> None:
        of = tablet(users[0])
        one, other = (node.tablet(of, shared, pages="merged") for _ in range(2))
        id = one.insert("pages", id=str(uuid7()), title="t")["id"]
        other.wait("pages", id, title="t")
        other.disconnect()
        one.patch("pages", id, text="typed in one")
        one.settle()
        other.patch("pages", id, number=1)
        other.connect()
        for each in (one, other):
            each.wait("pages", id, text="typed in one", number=1)

    def test_an_edit_is_of_who_typed_it_whoever_is_signed_in_when_it_is_sent(
        self, node: Node, shared: Server, users: Pair
    ) -> None:
        of = tablet(users[0])
        mine = node.tablet(of, shared, pages="merged")
        id = mine.insert("pages", id=str(uuid7()), title="t")["id"]
        mine.settle()
        mine.disconnect()
        mine.patch("pages", id, text="typed by the first")
        accounts.sign_in(tablet=of.tablet, user=users[1], now=timezone.now())
        mine.do("handed", to=str(users[1].pk))
        other = mine.insert("pages", id=str(uuid7()), text="typed by the second")["id"]
        mine.connect()
        mine.settle()
        assert {one.author for one in Version.objects.filter(doc_id=id)} == {users[0]}
        assert Version.objects.get(doc_id=other).author == users[1]
        assert text_of(id) == "typed by the first"
        assert not QuarantinedWrite.objects.exists()


class TestRefused:
    @VALIDATOR
    def test_a_bad_row_stops_no_other_and_stays_in_sight(
        self, node: Node, shared: Server, proxy: Proxy, users: Pair, validate: bool
    ) -> None:
        mine = node.tablet(tablet(users[0]), shared, url=proxy.url, validate=validate, **MARKS)
        mine.disconnect()
        ids = [str(uuid7()) for _ in range(6)]
        texts = ["one", "refuse", "two", "break", "deferred", "three"]
        for id, text in zip(ids, texts, strict=True):
            mine.insert("marks", id=id, text=text)
        mine.connect()
        mine.settle()
        stored = StoredDocument.objects.filter(collection="marks")
        assert set(stored.values_list("doc_id", flat=True)) == {UUID(id) for id in ids}
        for id, text in zip(ids, texts, strict=True):
            document = mine.documents("marks")[id]
            assert document["text"] == text
            bad = text in {"refuse", "break", "deferred"}
            assert (document.get("sync_status") == "quarantined") == bad
        for row in QuarantinedWrite.objects.all():
            mine.wait("quarantine", str(row.pk), status="open", doc_id=row.doc_id)
        assert QuarantinedWrite.objects.count() == 3
        assert mine.kept["errors"] == []

    def test_a_row_that_nobody_can_answer_stops_no_other_either(
        self, node: Node, shared: Server, users: Pair
    ) -> None:
        """An id that no answer could name is an error for the whole push: RxDB would send the same
        batch for ever."""
        mine = node.tablet(tablet(users[0]), shared, **MARKS)
        mine.disconnect()
        good = [mine.insert("marks", id=str(uuid7()), text=text)["id"] for text in ("a", "b")]
        mine.insert("marks", id="\x07", text="bad")
        good.append(mine.insert("marks", id=str(uuid7()), text="c")["id"])
        mine.connect()
        for id in good:
            mine.wait("marks", id, sync_status=None)
        mine.settle()
        there = StoredDocument.objects.filter(collection="marks").values_list("doc_id", flat=True)
        assert {str(id) for id in there} == set(good)
        [(id, why)] = mine.kept["aside"].items()
        assert (id, why["collection"]) == ("\x07", "marks")
        assert "id" in why["problem"]
        assert mine.documents("marks")["\x07"]["text"] == "bad"

    @pytest.mark.parametrize("collection", ["marks", "pages"])
    def test_it_is_not_sent_again_by_itself(
        self, node: Node, shared: Server, proxy: Proxy, users: Pair, collection: str
    ) -> None:
        mine = node.tablet(tablet(users[0]), shared, url=proxy.url, **{**MARKS, **PAGES})
        members = {"text": "refuse", "title": "refuse"}
        if collection == "marks":
            del members["title"]
        id = mine.insert(collection, id=str(uuid7()), **members)["id"]
        mine.wait(collection, id, sync_status="quarantined")
        mine.restart()
        mine.connect()
        mine.wait(collection, mine.insert(collection, id=str(uuid7()), text="fine")["id"], rev=1)
        mine.settle()
        assert proxy.count("/push", id) == 1
        assert QuarantinedWrite.objects.count() == 1

    def test_an_edit_stays_where_it_was_typed(
        self, node: Node, shared: Server, users: Pair
    ) -> None:
        mine, theirs = (node.tablet(tablet(user), shared, **PAGES) for user in users)
        id = mine.insert("pages", id=str(uuid7()), title="t", text="A")["id"]
        theirs.wait("pages", id, text="A")
        mine.patch("pages", id, title="refuse", text="typed")
        mine.wait("pages", id, sync_status="quarantined", text="typed")
        row = QuarantinedWrite.objects.get()
        note = mine.wait("quarantine", str(row.pk), status="open")
        assert note["content"]["text"] == "typed"
        assert note["base"]["text"] == "A"
        assert theirs.documents("pages")[id]["text"] == "A"

    @pytest.mark.parametrize("new", [True, False], ids=["new", "edit"])
    def test_a_correction_settles_it(
        self, node: Node, shared: Server, users: Pair, new: bool
    ) -> None:
        mine, theirs = (node.tablet(tablet(user), shared, **PAGES) for user in users)
        id = str(uuid7())
        if not new:
            mine.insert("pages", id=id, title="t", text="A")
            mine.settle("pages")
            mine.patch("pages", id, title="refuse", text="typed")
        else:
            mine.insert("pages", id=id, title="refuse", text="typed")
        mine.wait("pages", id, sync_status="quarantined")
        mine.patch("pages", id, title="better")
        for one in (mine, theirs):
            one.wait("pages", id, title="better", text="typed", sync_status=None)
        row = QuarantinedWrite.objects.get()
        mine.wait("quarantine", str(row.pk), status="corrected")
        assert not Conflict.objects.exists()
