"""What is refused of a document that people change together, and what is deleted."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import Client

from apps.core.ids import uuid7
from apps.sync.models import QuarantinedWrite, Version
from apps.sync.services import quarantine
from tests.factories import NOON, person, tablet
from tests.integration.conftest import Elsewhere
from tests.integration.sync.conftest import Pages
from tests.integration.sync.test_access import id_of, mark, push
from tests.integration.sync.test_merged import Pair, supervisor

pytestmark = pytest.mark.django_db(transaction=True)


class TestRefused:
    def test_an_edit_comes_back_as_it_was_typed_and_the_document_stays(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="t", text="x")
        theirs.pull()
        [answer] = theirs.save(id, title="refuse", text="typed")
        assert (answer["title"], answer["text"]) == ("refuse", "typed")
        assert answer["sync_status"] == "quarantined"
        assert mine.pull()[id]["title"] == "t"
        [shown] = theirs.pull("quarantine").values()
        assert shown["content"]["text"] == "typed"
        assert shown["base"]["title"] == "t"

    def test_its_correction_is_judged_by_what_it_was_typed_on(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="t", text="x", number=0)
        theirs.pull()
        theirs.save(id, title="refuse", text="typed")
        mine.save(id, number=5)
        [answer] = theirs.save(id, title="fine")
        assert (answer["title"], answer["text"], answer["number"]) == ("fine", "typed", 5)
        assert "sync_status" not in answer
        [shown] = theirs.pull("quarantine").values()
        assert shown["status"] == "corrected"

    def test_a_new_document_stands_marked_where_it_was_typed(self, pair: Pair) -> None:
        mine, theirs = pair
        id = str(uuid7())
        [answer] = mine.save(id, title="refuse", text="typed")
        assert answer["sync_status"] == "quarantined"
        assert mine.pull()[id]["text"] == "typed"
        assert mine.believed[id]["sync_errors"] == ["/title: Not this one."]
        assert theirs.pull() == {}
        assert mine.save(id, title="fine") == []
        assert theirs.pull()[id]["title"] == "fine"
        assert "sync_status" not in theirs.believed[id]
        [shown] = mine.pull("quarantine").values()
        assert shown["status"] == "corrected"

    def test_a_refused_document_leaves_its_place_when_it_is_acknowledged(self, pair: Pair) -> None:
        mine, _ = pair
        id = str(uuid7())
        mine.save(id, title="refuse")
        write = QuarantinedWrite.objects.get()
        for _ in range(2):
            quarantine.acknowledge(write=write, by=supervisor(mine), now=NOON)
        assert mine.pull() == {}
        [shown] = mine.pull("quarantine").values()
        assert shown["status"] == "acknowledged"
        assert mine.save(id, title="fine") == []  # and may come after all
        assert mine.pull()[id]["title"] == "fine"

    def test_a_repeat_of_what_was_acknowledged_is_told_to_drop_it(self, pair: Pair) -> None:
        """Its first answer was lost, and its tablet may have been told before it asks again: no
        pull would tell it once more."""
        mine, _ = pair
        row, fact = mine.row(uuid7(), title="refuse"), mark(text="refuse")
        assert mine.push(row, lose=True)[0]["sync_status"] == "quarantined"
        assert push(mine, fact)[0]["sync_status"] == "quarantined"
        for write in QuarantinedWrite.objects.all():
            quarantine.acknowledge(write=write, by=supervisor(mine), now=NOON)
        for _ in range(2):
            assert mine.push(row) == [{"id": row["newDocumentState"]["id"], "_deleted": True}]
            assert push(mine, fact) == [{"id": id_of(fact), "_deleted": True}]
        shown = mine.pull("quarantine").values()
        assert [one["status"] for one in shown] == ["acknowledged"] * 2

    def test_a_refused_edit_makes_way_for_what_holds_when_it_is_acknowledged(
        self, pair: Pair
    ) -> None:
        mine, _ = pair
        id = mine.new(title="t")
        answer = mine.client.get("/api/v1/sync/pages/pull?limit=9", headers=mine.of.headers).json()
        mine.save(id, title="refuse")
        quarantine.acknowledge(write=QuarantinedWrite.objects.get(), by=supervisor(mine), now=NOON)
        later = mine.client.get(
            f"/api/v1/sync/pages/pull?limit=9&checkpoint={answer['checkpoint']['c']}",
            headers=mine.of.headers,
        ).json()
        assert [d["title"] for d in later["documents"]] == ["t"]

    def test_a_document_of_others_is_not_changed_and_not_shown(self, pair: Pair) -> None:
        mine, _ = pair
        id = mine.new(title="secret")
        stranger = Pages(mine.client, tablet(person()))
        assert stranger.save(id, title="mine now") == [{"id": id, "_deleted": True}]
        assert mine.pull()[id]["title"] == "secret"
        assert QuarantinedWrite.objects.get().content["title"] == "mine now"

    def test_one_bad_version_blocks_nothing(self, pair: Pair) -> None:
        mine, _ = pair
        good, bad = uuid7(), uuid7()
        answers = mine.push(mine.row(bad, title="refuse"), mine.row(good, title="fine"))
        assert [a["id"] for a in answers] == [str(bad)]
        assert mine.pull()[str(good)]["title"] == "fine"

    def test_nobody_covers_up_what_was_written_without_the_lock(self, pair: Pair) -> None:
        mine, _ = pair
        answer = mine.client.post(
            "/api/v1/sync/pages/push",
            [mine.row(uuid7(), title="overtaken")],
            "application/json",
            headers=mine.of.headers,
        )
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert mine.pull() == {}


class TestARowThatCannotBeRead:
    """Two who begin one document, as a note whose id both can work out. What one of them sends
    cannot even be read, while the other's is not committed yet."""

    @pytest.fixture
    def way(self, client: Client) -> Client:
        """Such a row goes the ordinary way alone."""
        return client

    @pytest.mark.parametrize("wrong", ["too large", "no number"])
    def test_waits_for_the_other_and_covers_nothing_up(
        self, pair: Pair, elsewhere: Elsewhere, wrong: str
    ) -> None:
        mine, theirs = pair
        id = str(uuid7())
        row = theirs.row(id, title="theirs", text="x" * (70_000 if wrong == "too large" else 1))
        if wrong == "no number":
            row["newDocumentState"]["edit_no"] = "first"
        with transaction.atomic():
            mine.push(mine.row(id, title="mine", text="of the first"))
            waiting = elsewhere.start(lambda: theirs.push(row))
            elsewhere.until_waiting(waiting)
        waiting.result(timeout=60)
        for one in pair:
            page = one.pull()[id]
            assert (page["title"], page["text"]) == ("mine", "of the first")
            assert "sync_status" not in page
        assert not QuarantinedWrite.objects.get().stands_in

    def test_of_a_fact_comes_again_and_covers_nothing_up(
        self, pair: Pair, elsewhere: Elsewhere
    ) -> None:
        """Facts have no lock: whoever has covered one up unseen is sent away, and comes again."""
        mine, theirs = pair
        fact = mark(text="of the first")
        strange = mark(id=id_of(fact), text="of the second", edit_no="first")

        def send() -> int:
            address, headers = "/api/v1/sync/marks/push", theirs.of.headers
            answer = Client().post(address, [strange], "application/json", headers=headers)
            return answer.status_code

        with transaction.atomic():
            push(mine, fact)
            waiting = elsewhere.start(send)
            elsewhere.until_waiting(waiting)
        assert waiting.result(timeout=60) == 503
        for _ in range(2):
            assert send() == 200
        assert theirs.pull("marks")[id_of(fact)]["text"] == "of the first"
        assert not QuarantinedWrite.objects.get().stands_in

    def test_may_be_refused_as_often_as_it_comes(self, pair: Pair) -> None:
        mine, _ = pair
        id = str(uuid7())
        for number in range(3):
            fact = mark(id=id, text=f"typed {number}", edit_no="first")
            [answer] = push(mine, fact)
            assert answer["sync_status"] == "quarantined"


class TestDeletion:
    def test_withdraws_it_and_keeps_its_history(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="t")
        row = mine.row(id, _deleted=True)
        assert mine.push(row) == []
        assert theirs.pull() == {}
        assert mine.push(row) == [{"id": id, "_deleted": True}]
        assert Version.objects.get(fate="deleted").result["title"] == "t"
        assert not QuarantinedWrite.objects.exists()

    def test_of_what_never_came_here_is_answered(self, pair: Pair) -> None:
        mine, _ = pair
        assert mine.push(mine.row(uuid7(), title="t", _deleted=True)) == []

    def test_takes_back_what_was_refused_though_the_answer_was_lost(self, pair: Pair) -> None:
        mine, _ = pair
        id = str(uuid7())
        mine.save(id, title="refuse", lose=True)
        assert mine.pull()[id]["sync_status"] == "quarantined"
        mine.believed.clear()  # and the pull, too
        assert mine.push(mine.row(id, title="refuse", _deleted=True)) == []
        assert mine.pull() == {}
        [shown] = mine.pull("quarantine").values()
        assert shown["status"] == "corrected"

    def test_that_was_not_carried_out_says_so_to_every_repeat(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="t")
        theirs.pull()
        theirs.save(id, title="theirs")
        row = mine.row(id, _deleted=True)
        mine.push(row, lose=True)
        theirs.save(id, title="t")  # what was sent is covered again, and the document is there
        [answer] = mine.push(row)
        assert (answer["title"], answer["_deleted"]) == ("t", False)

    def test_of_what_its_own_editor_sent_last_needs_no_answer_to_that(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="t")
        mine.save(id, title="more", lose=True)
        assert mine.push(mine.row(id, title="more", _deleted=True)) == []
        assert theirs.pull() == {}

    def test_a_purge_that_comes_back_is_none(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="t")
        assert mine.push({"newDocumentState": {"id": id, "_deleted": True}}) == []
        assert theirs.pull()[id]["title"] == "t"

    def test_what_another_has_written_meanwhile_outlives_it(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="t")
        theirs.pull()
        theirs.save(id, title="theirs")
        row = mine.row(id, _deleted=True)
        for _ in range(2):
            [answer] = mine.push(row)
            assert (answer["title"], answer["_deleted"]) == ("theirs", False)
        assert not QuarantinedWrite.objects.exists()
        assert theirs.pull()[id]["title"] == "theirs"
