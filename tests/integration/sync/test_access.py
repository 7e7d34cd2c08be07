"""Who may write what, whoever holds the tablet by the time it arrives."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.sync.models import Conflict, QuarantinedWrite, Version
from apps.sync.services.applying import apply_quarantined
from tests.factories import NOON, person
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
