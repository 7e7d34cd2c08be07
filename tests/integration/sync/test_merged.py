"""Documents that people change together: what holds, what is kept, who learns of it."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import Role, User
from apps.audit.services import SYSTEM
from apps.changes import scopes
from apps.changes.models import Member, StoredDocument
from apps.core import clock
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.sync import documents, recovery
from apps.sync.models import Choice, Conflict, QuarantinedWrite, Version
from apps.sync.services import versions
from tests.factories import NOON, person
from tests.integration.sync.conftest import Pages
from tests.probe import rooms

pytestmark = pytest.mark.django_db(transaction=True)
Pair = tuple[Pages, Pages]


def responder(of: Pages) -> User:
    user: User = of.of.tablet.sign_ins.get(ended_at=None).user
    return user


def supervisor(of: Pages) -> User:
    return person(Role.SUPERVISOR, of=of.of.tablet.team)


class TestWhatHolds:
    def test_a_version_that_goes_on_from_the_last_holds_as_it_was_sent(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(text="one")
        for text in ("two", "three", "two"):
            assert mine.save(id, text=text) == []
        assert theirs.pull()[id]["text"] == "two"
        assert theirs.believed[id]["rev"] == 4
        assert [v.content["text"] for v in Version.objects.order_by("rev")] == [
            *("one", "two", "three", "two")
        ]
        assert not Conflict.objects.exists()

    def test_two_who_change_different_fields(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="t", text="x")
        theirs.pull()
        assert mine.save(id, title="mine") == []
        [answer] = theirs.save(id, number=7)
        assert (answer["title"], answer["number"]) == ("mine", 7)
        assert answer["editor"] == str(documents.SERVER_EDITOR)
        assert not Conflict.objects.exists()

    def test_two_who_change_one_text_in_two_places(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(text="He sat there. He was calm.")
        theirs.pull()
        mine.save(id, text="He sat on the kerb. He was calm.")
        [answer] = theirs.save(id, text="He sat there. He was calm. He has a dog.")
        assert answer["text"] == "He sat on the kerb. He was calm. He has a dog."

    def test_what_the_handler_changed_is_returned(self, pair: Pair) -> None:
        mine, _ = pair
        [answer] = mine.save(uuid7(), title="change")
        assert answer["title"] == "changed"
        assert answer["rev"] == 1

    def test_the_same_text_from_two_is_written_once(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(text="x")
        theirs.pull()
        mine.save(id, text="y")
        assert theirs.save(id, text="y") == []
        assert StoredDocument.objects.get(doc_id=id).rev == 2

    def test_two_tablets_that_begin_one_document(self, pair: Pair) -> None:
        """An encounter has an id that both can work out."""
        mine, theirs = pair
        id = uuid7()
        assert mine.save(id, title="mine", tags=["a"]) == []
        [answer] = theirs.save(id, title="theirs", tags=["b"], number=1)
        assert (answer["title"], answer["tags"], answer["number"]) == ("mine", ["a", "b"], 1)
        assert Conflict.objects.get().kept == {"title": "theirs"}


class TestLostAnswers:
    def test_then_the_same_again(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(text="x")
        row = mine.row(id, text="y")
        mine.push(row, lose=True)
        assert mine.push(row) == []
        assert theirs.pull()[id]["rev"] == 2

    def test_then_typed_on(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(text="x")
        mine.save(id, text="x y", lose=True)
        assert mine.save(id, text="x y z") == []
        assert theirs.pull()[id]["text"] == "x y z"

    def test_then_gone_back(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(text="A")
        mine.save(id, text="B", lose=True)
        assert mine.save(id, text="A") == []
        assert theirs.pull()[id]["text"] == "A"

    def test_then_another_writes_then_typed_on(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="zero", number=0)
        mine.save(id, title="one", lose=True)
        theirs.pull()
        theirs.save(id, number=9)
        [answer] = mine.save(id, title="two")
        assert (answer["title"], answer["number"]) == ("two", 9)
        assert not Conflict.objects.exists()

    def test_of_a_merge_then_the_same_again(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="t", number=0)
        theirs.pull()
        mine.save(id, number=1)
        row = theirs.row(id, title="u")
        [first] = theirs.push(row, lose=True)
        assert theirs.push(row) == [first]
        assert Version.objects.filter(doc_id=id).count() == 3

    def test_a_late_copy_of_an_older_save_changes_nothing(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(text="x")
        old = mine.row(id, text="y")
        mine.push(old)
        mine.save(id, text="z")
        [answer] = mine.push(old)
        assert answer["text"] == "z"
        assert theirs.pull()[id]["text"] == "z"
        assert not Conflict.objects.exists()

    def test_a_tablet_that_was_put_back_in_time_counts_anew(self, pair: Pair) -> None:
        mine, _ = pair
        id = mine.new(text="x")
        mine.save(id, text="y")
        mine.saves = 1
        [answer] = mine.save(id, text="something else")
        assert answer["text"] == "y"
        assert Conflict.objects.get().kept == {"text": "something else"}

    def test_the_right_that_was_lost_before_the_retry(self, pair: Pair) -> None:
        mine, theirs = pair
        id = theirs.new(text="x")
        user = responder(mine)
        mine.pull()
        row = mine.row(id, text="y")
        mine.push(row, lose=True)
        rooms.withdraw(UUID(id), collection="pages")
        assert mine.push(row) == [{"id": id, "_deleted": True}]
        assert not QuarantinedWrite.objects.filter(author=user).exists()


class TestConflicts:
    @pytest.fixture
    def conflict(self, pair: Pair) -> Conflict:
        mine, theirs = pair
        id = mine.new(title="t")
        theirs.pull()
        mine.save(id, title="mine")
        [answer] = theirs.save(id, title="theirs")
        assert answer["title"] == "mine"
        return Conflict.objects.get()

    def test_says_who_when_what_won_and_what_was_kept(self, pair: Pair, conflict: Conflict) -> None:
        _, theirs = pair
        assert (conflict.fields, conflict.won, conflict.kept) == (
            *(["title"], {"title": "mine"}, {"title": "theirs"}),
        )
        assert conflict.author == responder(theirs)
        assert Version.objects.get(pk=conflict.version).content["title"] == "theirs"

    def test_comes_to_its_author_and_the_supervisors_and_nobody_else(
        self, pair: Pair, conflict: Conflict
    ) -> None:
        mine, theirs = pair
        shown = theirs.pull("quarantine")[str(conflict.pk)]
        assert (shown["kind"], shown["status"]) == ("conflict", "open")
        assert (shown["kept"], shown["won"]) == ({"title": "theirs"}, {"title": "mine"})
        assert Conflict.objects.visible_to(responder(theirs)).count() == 1
        assert Conflict.objects.visible_to(supervisor(mine)).count() == 1
        assert not Conflict.objects.visible_to(person(Role.SUPERVISOR)).exists()

    def test_what_was_kept_can_be_put_back(self, pair: Pair, conflict: Conflict) -> None:
        mine, theirs = pair
        by = responder(theirs)
        versions.settle_conflict(conflict=conflict, choice=Choice.KEPT, by=by, now=NOON)
        id = str(conflict.doc_id)
        assert mine.pull()[id]["title"] == "theirs"
        assert theirs.pull("quarantine")[str(conflict.pk)]["status"] == "kept"
        again = versions.settle_conflict(conflict=conflict, choice=Choice.KEPT, by=by, now=NOON)
        assert again.choice == Choice.KEPT
        with pytest.raises(ProblemError):
            versions.settle_conflict(conflict=conflict, choice=Choice.STAYS, by=by, now=NOON)
        # Nobody has typed it on the server's own version: the next edit goes on from there.
        assert mine.save(id, title="next") == []

    def test_cannot_be_put_back_by_who_does_not_see_the_document(self, conflict: Conflict) -> None:
        stranger = person(Role.SUPERVISOR)
        with pytest.raises(ProblemError):
            versions.settle_conflict(conflict=conflict, choice=Choice.KEPT, by=stranger, now=NOON)

    def test_every_version_can_be_restored(self, pair: Pair, conflict: Conflict) -> None:
        mine, _ = pair
        first = Version.objects.filter(doc_id=conflict.doc_id).order_by("rev").first()
        assert first is not None
        versions.restore(version=first, by=supervisor(mine), now=NOON)
        assert mine.pull()[str(conflict.doc_id)]["title"] == "t"

    def test_what_was_added_since_to_a_list_that_only_grows_outlives_a_restore(
        self, pair: Pair
    ) -> None:
        mine, _ = pair
        early, late = ({"id": name, "text": name} for name in ("early", "late"))
        id = mine.new(title="first", log=[early])
        mine.save(id, title="second", log=[{**early, "text": "changed"}, late])
        first = Version.objects.filter(doc_id=id).earliest("rev")
        versions.restore(version=first, by=supervisor(mine), now=NOON)
        stands = mine.pull()[id]
        assert (stands["title"], stands["log"]) == ("first", [early, late])
        rev = stands["rev"]
        versions.restore(version=first, by=supervisor(mine), now=NOON)
        assert mine.pull()[id]["rev"] == rev

    def test_what_may_not_stand_is_not_put_back_and_the_reasons_are_told(self, pair: Pair) -> None:
        mine, _ = pair
        id = mine.new(title="t")
        mine.saves = 0  # put back in time: what it sends now is kept, and never held
        mine.push(mine.row(id, title="refuse"))
        by = supervisor(mine)
        kept = Version.objects.get(fate="kept")
        for put_back in (
            lambda: versions.restore(version=kept, by=by, now=NOON),
            lambda: versions.settle_conflict(
                conflict=Conflict.objects.get(), choice=Choice.KEPT, by=by, now=NOON
            ),
        ):
            with pytest.raises(ProblemError) as raised:
                put_back()
            assert raised.value.status_code == 400
            assert [error.pointer for error in raised.value.errors] == ["/title"]
        assert mine.pull()[id]["title"] == "t"
        assert Conflict.objects.open().count() == 1

    @staticmethod
    def people(conflict: Conflict) -> set[str]:
        """Whom it comes to, but for the team's supervisors."""
        shown = Member.objects.filter(collection="quarantine", doc_id=conflict.pk)
        return {scope for (scope,) in shown.values_list("scope") if not scope.startswith("team:")}

    def test_what_a_later_version_covers_is_of_whoever_had_written_it(self, pair: Pair) -> None:
        """After a restore: what stands here is older than what is handed over, and gives way."""
        mine, theirs = pair
        id = mine.new(title="t", text="mine")
        theirs.pull()
        theirs.save(id, title="theirs")
        row = mine.row(id, based=False, title="later", text="later")
        row["newDocumentState"]["rev"] = 9
        mine.push(row)
        assert theirs.pull()[id]["title"] == "later"
        found = {one.author: one.kept for one in Conflict.objects.all()}
        assert found == {
            responder(theirs): {"title": "theirs"},
            responder(mine): {"text": "mine"},
        }
        for conflict in Conflict.objects.all():
            assert theirs.pull("quarantine")[str(conflict.pk)]["author"] == str(conflict.author)
            assert self.people(conflict) == {scopes.responder(conflict.author.pk)}
        assert Conflict.objects.visible_to(supervisor(mine)).count() == 2

    def test_what_is_handed_over_of_another_is_theirs(self, pair: Pair) -> None:
        mine, theirs = pair
        id = theirs.new(title="t")
        mine.pull()
        mine.save(id, title="here")
        recovery.begin(actor=SYSTEM, now=clock.now())
        for title, editor, author in (
            ("of the lost time", theirs.of.instance, responder(theirs)),
            ("of nobody known", uuid7(), None),
            ("put together there", documents.SERVER_EDITOR, None),
        ):
            row = mine.row(id, based=False, title=title)
            row["newDocumentState"] |= {"editor": str(editor), "edit_no": 7, "rev": 2}
            mine.push(row)
            conflict = Conflict.objects.latest("at")
            assert conflict.kept == {"title": title}
            assert conflict.author == author
            assert Version.objects.latest("id").author == author
            assert self.people(conflict) == ({scopes.responder(author.pk)} if author else set())

    def test_nothing_of_it_is_readable_in_the_database(self, conflict: Conflict) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select v::text from sync_version v")
            stored = str(cursor.fetchall())
            cursor.execute("select c::text from sync_conflict c")
            stored += str(cursor.fetchall())
        for word in ("mine", "theirs"):
            assert word not in stored
            assert word.encode().hex() not in stored

    def test_history_cannot_be_changed(self, conflict: Conflict) -> None:
        with pytest.raises(Exception, match="append-only"):
            Version.objects.update(rev=9)


class TestAtOnce:
    def test_copies_of_one_request(self, pair: Pair) -> None:
        mine, _ = pair
        rows = [mine.row(uuid7(), title=str(n)) for n in range(8)]
        answers = self._together([(mine, rows), (mine, list(reversed(rows)))])
        assert answers == [(200, []), (200, [])]
        assert Version.objects.count() == 8
        assert set(StoredDocument.objects.filter(collection="pages").values_list("rev")) == {(1,)}

    def test_two_tablets_that_write_the_same_documents_crosswise(self, pair: Pair) -> None:
        mine, theirs = pair
        ids = [mine.new(text="") for _ in range(10)]
        theirs.pull()
        requests = [
            (mine, [mine.row(id, text="from me ") for id in ids]),
            (theirs, [theirs.row(id, title="from them") for id in reversed(ids)]),
        ]
        assert [status for status, _ in self._together(requests)] == [200, 200]
        for page in mine.pull().values():
            assert (page["text"], page["title"]) == ("from me ", "from them")

    @staticmethod
    def _together(requests: list[tuple[Pages, list[Any]]]) -> list[tuple[int, Any]]:
        barrier = threading.Barrier(len(requests))
        answers: list[tuple[int, Any]] = []

        def go(of: Pages, rows: list[Any]) -> None:
            try:
                barrier.wait()
                answer = Client().post(
                    "/api/v1/sync/pages/push", rows, "application/json", headers=of.of.headers
                )
                answers.append((answer.status_code, answer.json()))
            finally:
                connection.close()

        threads = [threading.Thread(target=go, args=request) for request in requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers


class TestASaveInAnothersName:
    """Somebody who may write a document names the local database of a colleague, and a number that
    the colleague will never come to."""

    HIGHEST = 2**62

    def forged(self, by: Pages, of: Pages, id: str) -> dict[str, Any]:
        row = by.row(id, text="forged")
        row["newDocumentState"] |= {"editor": str(of.of.instance), "edit_no": self.HIGHEST}
        return row

    def test_keeps_nothing_of_theirs_from_holding(self, pair: Pair) -> None:
        theirs, forger = pair
        id = theirs.new(text="begun")
        forger.pull()
        forger.push(self.forged(forger, theirs, id))
        theirs.pull()
        theirs.save(id, text="typed after it")
        assert forger.pull()[id]["text"] == "typed after it"

    def test_is_no_answer_to_what_they_have_not_sent(self, pair: Pair) -> None:
        theirs, forger = pair
        id = theirs.new(text="begun")
        forger.pull()
        forger.push(self.forged(forger, theirs, id))
        assert theirs.pull()[id].get("editor") != str(theirs.of.instance)
        saved = Version.objects.latest("id")
        assert (saved.editor, saved.instance) == (None, forger.of.instance)
