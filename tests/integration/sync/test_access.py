"""Who may write what, whoever holds the tablet by the time it arrives."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes import scopes
from apps.changes.services import revoke
from apps.core import clock
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.sync import tasks
from apps.sync.models import Conflict, QuarantinedWrite, TakenWrite, Version
from apps.sync.services import waiting
from apps.sync.services.applying import apply_quarantined
from tests.factories import NOON, person, tablet
from tests.integration.sync.conftest import Pages

pytestmark = pytest.mark.django_db(transaction=True)
Pair = tuple[Pages, Pages]
Document = dict[str, Any]


def responder(of: Pages) -> User:
    user: User = of.of.tablet.sign_ins.latest("started_at", "pk").user
    return user


def supervisor(of: Pages) -> User:
    return person(Role.SUPERVISOR, of=of.of.tablet.team)


def mark(**fields: Any) -> Document:
    return {"newDocumentState": {"id": str(uuid7()), "_deleted": False, **fields}}


def push(of: Pages, *rows: Document, to: str = "marks") -> list[Document]:
    answer = of.client.post(
        f"/api/v1/sync/{to}/push", list(rows), "application/json", headers=of.of.headers
    )
    assert answer.status_code == 200, answer.content
    found: list[Document] = answer.json()
    return found


class TestTakenAfterAll:
    """A supervisor has a refused row taken."""

    def test_corrected(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(title="t", text="x")
        theirs.pull()
        mine.save(id, title="refuse", text="x y")
        theirs.save(id, number=7)
        write, by = QuarantinedWrite.objects.get(), supervisor(mine)
        document = {**write.content, "title": "better"}
        for _ in range(2):
            row = apply_quarantined(write=write, by=by, document=document, now=NOON)
            assert row.applied_by == by
        page = mine.pull()[id]
        assert (page["title"], page["text"], page["number"]) == ("better", "x y", 7)
        assert Version.objects.latest("rev").author == responder(mine)
        assert mine.pull("quarantine")[str(write.pk)]["status"] == "applied"
        assert Entry.objects.filter(action="apply", actor_id=by.pk).count() == 1

    def test_new_under_its_id(self, pair: Pair) -> None:
        mine, theirs = pair
        id = str(uuid7())
        mine.save(id, title="refuse", number=1)
        write, by = QuarantinedWrite.objects.get(), supervisor(mine)
        apply_quarantined(write=write, by=by, document={"id": id, "number": 2}, now=NOON)
        assert theirs.pull()[id]["number"] == 2
        assert "sync_status" not in mine.pull()[id]

    def test_whose_author_may_not_see_the_page_any_more(self, pair: Pair) -> None:
        """The supervisor may, and answers for it."""
        mine, theirs = pair
        id = theirs.new(title="t")
        mine.pull()
        with transaction.atomic():
            revoke(principal=responder(mine).pk, scopes=[scopes.team(mine.of.tablet.team.pk)])
        assert mine.save(id, number=2) == [{"id": id, "_deleted": True}]
        write, by = QuarantinedWrite.objects.get(), supervisor(mine)
        apply_quarantined(write=write, by=by, now=NOON)
        assert theirs.pull()[id]["number"] == 2

    def test_a_fact(self, pair: Pair) -> None:
        mine, theirs = pair
        sent = mark(text="refuse")
        [answer] = push(mine, sent)
        write, by = QuarantinedWrite.objects.get(), supervisor(mine)
        id = sent["newDocumentState"]["id"]
        apply_quarantined(write=write, by=by, document={"id": id, "text": "taken"}, now=NOON)
        assert theirs.pull("marks")[id]["text"] == "taken"
        assert theirs.pull("marks")[id]["author_id"] == str(responder(mine).pk)
        # Its tablet says it once more, and gets what holds.
        [answer] = push(mine, sent)
        assert (answer["text"], answer.get("sync_status")) == ("taken", None)
        assert QuarantinedWrite.objects.count() == 1

    def test_what_still_cannot_be_taken_stays_open(self, pair: Pair) -> None:
        mine, _ = pair
        mine.save(uuid7(), title="refuse")
        write, by = QuarantinedWrite.objects.get(), supervisor(mine)
        with pytest.raises(ProblemError) as raised:
            apply_quarantined(write=write, by=by, now=NOON)
        assert [error.pointer for error in raised.value.errors] == ["/title"]
        assert QuarantinedWrite.objects.open().count() == 1
        other = {"id": str(uuid7())}
        with pytest.raises(ProblemError) as raised:
            apply_quarantined(write=write, by=by, document=other, now=NOON)
        assert [error.pointer for error in raised.value.errors] == ["/id"]

    def test_is_not_for_another_teams_supervisor(self, pair: Pair) -> None:
        mine, _ = pair
        mine.save(uuid7(), title="refuse")
        write = QuarantinedWrite.objects.get()
        with pytest.raises(ProblemError) as raised:
            apply_quarantined(write=write, by=person(Role.SUPERVISOR), now=NOON)
        assert raised.value.status_code == 403

    def test_where_nobody_knows_the_author_one_is_named(self, pair: Pair) -> None:
        mine, _ = pair
        author = responder(mine)
        accounts.sign_out(tablet=mine.of.tablet, by=SYSTEM, now=NOON)
        mine.save(id := str(uuid7()), title="typed")
        write, by = QuarantinedWrite.objects.get(), supervisor(mine)
        assert write.author is None
        with pytest.raises(ProblemError):
            apply_quarantined(write=write, by=by, now=NOON)
        apply_quarantined(write=write, by=by, author=author, now=NOON)
        accounts.sign_in(tablet=mine.of.tablet, user=author, now=NOON)
        assert mine.pull()[id]["title"] == "typed"
        assert not Conflict.objects.exists()


def named(author: User, **fields: Any) -> Document:
    return mark(author_id=str(author.pk), **fields)


def id_of(row: Document) -> str:
    return str(row["newDocumentState"]["id"])


def sign_in(of: Pages, user: User | None = None) -> User:
    """Somebody else takes the tablet: a person of its team who was granted nothing more."""
    user = user or person(of=of.of.tablet.team)
    accounts.sign_in(tablet=of.of.tablet, user=user, now=clock.now())
    return user


def sign_out(of: Pages) -> None:
    accounts.sign_out(tablet=of.of.tablet, by=SYSTEM, now=clock.now())


class TestTheAuthor:
    """Is who typed it, whoever is signed in when it arrives."""

    def test_is_who_typed_it(self, pair: Pair) -> None:
        mine, theirs = pair
        author = responder(mine)
        page = mine.row(uuid7(), title="page", author_id=str(author.pk))
        fact = named(author, text="fact")
        other = sign_in(mine)
        for row, to in ((page, "pages"), (fact, "marks")):
            assert push(mine, row, to=to) == [{"id": id_of(row), "_deleted": True}]
            entry = Entry.objects.get(action="push", subject_type=to)
            assert (entry.actor_id, entry.tablet_id) == (author.pk, mine.of.tablet.pk)
            assert entry.detail == {"signed_in": str(other.pk)}
        assert Version.objects.get().author == author
        assert "author_id" not in Version.objects.get().content
        assert theirs.pull("marks")[id_of(fact)]["author_id"] == str(author.pk)
        assert theirs.pull()[id_of(page)]["title"] == "page"
        assert mine.pull() == mine.pull("marks") == {}
        assert not QuarantinedWrite.objects.exists()

    def test_whoever_is_signed_in_keeps_what_they_may_see_of_it(self, pair: Pair) -> None:
        mine, theirs = pair
        author, other = responder(mine), responder(theirs)
        id = mine.new(title="t", number=1)
        row = mine.row(id, number=2, author_id=str(author.pk))
        sign_in(mine, other)
        assert mine.push(row) == []
        assert mine.pull()[id]["number"] == 2
        refused = mine.row(id, title="refuse", author_id=str(author.pk))
        [answer] = mine.push(refused)
        assert (answer["title"], answer.get("sync_status")) == ("t", None)
        assert QuarantinedWrite.objects.get().author == author

    def test_decides_what_may_be_changed(self, pair: Pair) -> None:
        """Not the sight of whoever has the tablet now."""
        mine, theirs = pair
        author = responder(mine)
        id = theirs.new(title="t")
        mine.pull()
        row = mine.row(id, number=2, author_id=str(author.pk))
        with transaction.atomic():
            revoke(principal=author.pk, scopes=[scopes.team(mine.of.tablet.team.pk)])
        sign_in(mine, responder(theirs))
        [answer] = mine.push(row)
        assert answer["title"] == "t"
        assert answer.get("number") is None
        write = QuarantinedWrite.objects.get()
        assert (write.author, write.content["number"]) == (author, 2)

    @pytest.mark.parametrize("who", ["elsewhere", "nobody", "gone"])
    def test_is_believed_of_those_who_had_the_tablet_alone(self, pair: Pair, who: str) -> None:
        mine, theirs = pair
        author = responder(mine)
        name = {"elsewhere": str(responder(theirs).pk), "nobody": "R. Ortega"}.get(who)
        sign_in(mine)
        if who == "gone":
            name = str(author.pk)
            author.is_active = False
            accounts.save_user(user=author, by=SYSTEM, now=NOON)
        row = mark(text="typed", author_id=name)
        for _ in range(2):
            assert push(mine, row) == [{"id": id_of(row), "_deleted": True}]
        write = QuarantinedWrite.objects.get()
        assert [error["pointer"] for error in write.errors] == ["/author_id"]
        assert write.content == row["newDocumentState"]
        assert write.author == (author if who == "gone" else None)
        assert not theirs.pull("marks")

    def test_of_a_served_document_is_no_claim(self, pair: Pair) -> None:
        """A plain client sends back what it was served; who began a page did not edit it here."""
        mine, theirs = pair
        id = theirs.new(title="t")
        mine.pull()
        mine.believed[id]["author_id"] = str(responder(theirs).pk)
        assert mine.save(id, number=3) == []
        assert Version.objects.latest("rev").author == responder(mine)

    def test_of_a_fact_that_is_here_is_not_asked(self, pair: Pair) -> None:
        """In another history a client sends everything that it holds, whoever recorded it."""
        mine, theirs = pair
        row = mark(text="theirs")
        push(theirs, row)
        served = mine.pull("marks")[id_of(row)]
        assert push(mine, {"newDocumentState": served}) == []
        TakenWrite.objects.all().delete()  # as of one that no tablet sent
        assert push(mine, {"newDocumentState": served}) == []
        assert not QuarantinedWrite.objects.exists()


class TestNobodyIsSignedIn:
    def test_it_is_taken_when_its_author_signs_in_again(self, pair: Pair) -> None:
        mine, theirs = pair
        author = responder(mine)
        id = mine.new(title="t", text="x")
        rows = [
            mine.row(id, title="late", author_id=str(author.pk)),
            mine.row(uuid7(), title="new", author_id=str(author.pk)),
            mine.row(uuid7(), title="refuse", author_id=str(author.pk)),
        ]
        fact = named(author, text="fact", editor=str(mine.of.instance), edit_no=90)
        sign_out(mine)
        theirs.pull()
        theirs.save(id, number=7)
        assert push(mine, *rows, to="pages") == [
            {"id": id_of(row), "_deleted": True} for row in rows
        ]
        assert push(mine, fact) == [{"id": id_of(fact), "_deleted": True}]
        assert QuarantinedWrite.objects.waiting().filter(author=author).count() == 4
        assert id_of(fact) not in theirs.pull("marks")
        another = Pages(mine.client, tablet(of=mine.of.tablet.team))
        sign_in(another, author)
        pages = another.pull()
        assert (pages[id]["title"], pages[id]["number"]) == ("late", 7)
        assert pages[id_of(rows[1])]["title"] == "new"
        assert another.pull("marks")[id_of(fact)]["author_id"] == str(author.pk)
        [left] = QuarantinedWrite.objects.open()
        assert left.content["title"] == "refuse"
        assert [error["pointer"] for error in left.errors] == ["/title"]
        assert pages[id_of(rows[2])]["sync_errors"] == ["/title: Not this one."]
        assert not QuarantinedWrite.objects.waiting().exists()

    def test_by_somebody_else_or_in_another_team_it_is_not(self, pair: Pair) -> None:
        mine, _ = pair
        author = responder(mine)
        row = named(author, text="late")
        sign_out(mine)
        push(mine, row)
        sign_in(mine)
        sign_in(Pages(mine.client, tablet()), author)
        assert QuarantinedWrite.objects.waiting().count() == 1
        assert waiting.take_all_waiting(now=clock.now()) == 0

    def test_the_tick_takes_what_a_sign_in_left(
        self, pair: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mine, theirs = pair
        author = responder(mine)
        rows = [named(author, text=str(number)) for number in range(3)]
        sign_out(mine)
        push(mine, *rows)
        monkeypatch.setattr(waiting, "MOST_AT_ONCE", 1)
        sign_in(mine, author)
        assert QuarantinedWrite.objects.waiting().count() == 2
        tasks.take_waiting()
        tasks.take_waiting()
        assert len(theirs.pull("marks")) == 3

    def test_a_repeat_is_no_second_text(self, pair: Pair) -> None:
        """It was taken, the answer was lost, and then the sign-in ended."""
        mine, _ = pair
        page, fact = mine.row(uuid7(), title="once"), mark(text="once")
        mine.push(page, lose=True)
        push(mine, fact)
        sign_out(mine)
        assert push(mine, page, to="pages") == [{"id": id_of(page), "_deleted": True}]
        assert push(mine, fact) == [{"id": id_of(fact), "_deleted": True}]
        assert not QuarantinedWrite.objects.exists()
