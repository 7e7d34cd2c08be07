"""Rows that no careful client sends: each has its verdict, and what was typed is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.core import clock
from apps.core.ids import uuid7
from apps.sync.merged import LARGEST_DOCUMENT
from apps.sync.models import Conflict, QuarantinedWrite, Version
from apps.sync.services import waiting
from apps.sync.services.applying import apply_quarantined
from tests.factories import NOON
from tests.integration.sync.conftest import Pages
from tests.integration.sync.test_access import push, responder, sign_out, supervisor

pytestmark = pytest.mark.django_db(transaction=True)
Pair = tuple[Pages, Pages]


class TestWhichSave:
    def test_an_editor_without_a_number_names_none(self, pair: Pair) -> None:
        """It must not stand in the way of what that editor numbers."""
        mine, theirs = pair
        row = mine.row(uuid7(), title="one")
        id = row["newDocumentState"]["id"]
        del row["newDocumentState"]["edit_no"]
        assert mine.push(row) == []
        assert mine.save(id, title="two") == []
        assert theirs.pull()[id]["title"] == "two"
        assert not QuarantinedWrite.objects.exists()

    def test_without_a_number_the_same_again_is_a_repeat(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="t", text="")
        row = mine.row(id, text="typed")
        del row["newDocumentState"]["edit_no"]
        assert mine.push(row, lose=True) == []
        theirs.pull()
        theirs.save(id, text="typed and more")
        for _ in range(2):
            [answer] = mine.push(row)
            assert answer["text"] == "typed and more"
        assert not Conflict.objects.exists()
        assert theirs.pull()[id]["rev"] == 3

    def test_without_a_number_what_is_typed_once_more_is_none(self, pair: Pair) -> None:
        """A, B of somebody else, A again is a normal day."""
        mine, theirs = pair
        id = mine.new(title="t")
        for title in ("A", "A"):
            row = mine.row(id, title=title)
            del row["newDocumentState"]["edit_no"]
            assert mine.push(row) == []
            theirs.pull()
            theirs.save(id, title="B")
            mine.pull()
        row = mine.row(id, title="A")
        del row["newDocumentState"]["edit_no"]
        assert mine.push(row) == []
        assert theirs.pull()[id]["title"] == "A"

    def borrowed(self, pair: Pair, title: str) -> dict[str, Any]:
        """A save in the name of the other tablet, with a number that this will never come to: what
        it saves from then on would lie behind."""
        mine, theirs = pair
        id = theirs.new(title="t")
        mine.pull()
        row = mine.row(id, title=title, author_id=str(responder(mine).pk))
        row["newDocumentState"] |= {"editor": str(theirs.of.instance), "edit_no": 900}
        return row

    def is_of_nobody(self, pair: Pair, row: dict[str, Any]) -> None:
        mine, theirs = pair
        id = row["newDocumentState"]["id"]
        assert not Version.objects.filter(editor=theirs.of.instance, edit_no=900).exists()
        assert theirs.pull()[id]["title"] == row["newDocumentState"]["title"]
        assert theirs.believed[id]["editor"] is None
        assert theirs.save(id, title="next") == []
        assert mine.pull()[id]["title"] == "next"

    def test_a_supervisor_who_takes_it_takes_no_borrowed_save(self, pair: Pair) -> None:
        mine, _ = pair
        row = self.borrowed(pair, "by a supervisor")
        mine.push(row)
        write, by = QuarantinedWrite.objects.get(), supervisor(mine)
        User.objects.filter(pk=responder(mine).pk).update(role=Role.SUPERVISOR)
        write.refresh_from_db()
        apply_quarantined(write=write, by=by, now=NOON)
        self.is_of_nobody(pair, row)

    def test_nor_does_whoever_signs_in_again(self, pair: Pair) -> None:
        mine, _ = pair
        row, author = self.borrowed(pair, "typed"), responder(mine)
        sign_out(mine)
        mine.push(row)
        accounts.sign_in(tablet=mine.of.tablet, user=author, now=clock.now())
        waiting.take_all_waiting(now=clock.now())
        assert QuarantinedWrite.objects.get().applied_at
        self.is_of_nobody(pair, row)


class TestDeletions:
    @pytest.mark.parametrize("word", ["true", "false", 1, {"at": "noon"}])
    def test_a_word_that_is_neither_true_nor_false_deletes_nothing_and_loses_nothing(
        self, pair: Pair, word: Any
    ) -> None:
        mine, _ = pair
        row = mine.row(uuid7(), title="typed", _deleted=word)
        for save in (row, mine.row(uuid7(), title="typed", _deleted=word)):
            [answer] = mine.push(save)
            assert answer["sync_errors"] == ["/_deleted: Neither true nor false."]
        del row["newDocumentState"]["edit_no"]
        [answer] = push(mine, row)
        assert answer["sync_status"] == "quarantined"
        assert QuarantinedWrite.objects.count() == 3

    @pytest.mark.parametrize("assumed", [None, {}])
    def test_who_shows_nothing_of_a_document_deletes_nothing_of_what_others_wrote(
        self, pair: Pair, assumed: Any
    ) -> None:
        mine, theirs = pair
        id = mine.new(title="t")
        theirs.pull()
        theirs.save(id, number=3)
        bare = {"id": id, "editor": str(mine.of.instance), "edit_no": 50, "_deleted": True}
        row = {"newDocumentState": bare}
        [answer] = push(
            mine, row if assumed is None else {**row, "assumedMasterState": assumed}, to="pages"
        )
        assert (answer["number"], answer["_deleted"]) == (3, False)
        assert theirs.pull()[id]["number"] == 3


class TestSize:
    def test_what_the_server_has_put_in_does_not_count(self, pair: Pair) -> None:
        """Whoever sends back what they were sent has not typed that."""
        mine, _ = pair
        id = mine.new(title="t")
        row = mine.row(id, text="x" * (LARGEST_DOCUMENT - 1000), team="y" * 5000)
        assert mine.push(row) == []
        assert mine.pull()[id]["text"].startswith("xxx")
        [answer] = mine.save(id, text="x" * LARGEST_DOCUMENT, team="")
        assert answer["sync_status"] == "quarantined"


class TestTwoOfOneDocument:
    def test_are_taken_in_their_order_and_answered_once(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="t", text="x")
        theirs.pull()
        mine.save(id, text="x y")
        first = theirs.row(id, title="first")
        second = theirs.row(id, title="second")
        [answer] = theirs.push(first, second)
        assert (answer["title"], answer["text"]) == ("second", "x y")
        assert theirs.pull()[id]["rev"] == answer["rev"]

    def test_the_last_is_answered_as_it_stands_also_where_it_was_taken_as_sent(
        self, pair: Pair
    ) -> None:
        mine, _ = pair
        id = mine.new(title="t", text="x")
        refused, fine = mine.row(id, title="refuse"), mine.row(id, title="fine")
        [answer] = mine.push(refused, fine)
        assert (answer["title"], answer.get("sync_status")) == ("fine", None)
        assert QuarantinedWrite.objects.get().content["title"] == "refuse"


def test_half_an_emoji_holds_nothing_up(pair: Pair) -> None:
    """JavaScript cuts a text within a sign, and sends the half of it."""
    mine, theirs = pair
    ids = [str(uuid7()), str(uuid7())]
    rows = [mine.row(ids[0], text="cut \ud83d"), mine.row(ids[1], text="whole \U0001f600 \\ud83d")]
    body = json.dumps(rows).encode()
    for _ in range(2):
        answer = mine.client.post(
            "/api/v1/sync/pages/push", body, "application/json", headers=mine.of.headers
        )
        assert (answer.status_code, answer.json()) == (200, [])
    pages = theirs.pull()
    assert [pages[id]["text"] for id in ids] == ["cut \ufffd", "whole \U0001f600 \\ud83d"]


def test_a_round_trip_names_no_end_of_collections(pair: Pair) -> None:
    mine, _ = pair
    for member, value in (("push", []), ("pull", None)):
        body = {member: {f"c{'_' * n}": value for n in range(51)}}
        answer = mine.client.post("/api/v1/sync", body, "application/json", headers=mine.of.headers)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, f"/{member}")
