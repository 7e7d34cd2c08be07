"""Who is let in no more: sign-ins that have run out, and tablets that are lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apps.accounts import services as accounts
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.sync.models import LostIntake, QuarantinedWrite
from apps.sync.services.applying import apply_quarantined
from tests.factories import NOON, tablet
from tests.integration.sync.conftest import Pages
from tests.integration.sync.test_access import (
    Document,
    Pair,
    id_of,
    mark,
    named,
    push,
    responder,
    sign_in,
    supervisor,
)
from tests.probe import rooms

pytestmark = pytest.mark.django_db(transaction=True)


class TestASignInThatHasRunOut:
    """Without any tick."""

    def test_holds_nothing_and_loses_nothing(self, pair: Pair, settings: Any) -> None:
        mine, theirs = pair
        author = responder(mine)
        id = mine.new(title="t")
        row = mine.row(id, title="typed", author_id=str(author.pk))
        settings.SIGN_IN_HOURS = 16
        for one in (mine, theirs):
            one.of.tablet.sign_ins.update(started_at=clock.now() - timedelta(hours=15))
        assert set(mine.pull()) == {id}
        mine.of.tablet.sign_ins.update(started_at=clock.now() - timedelta(hours=17))
        answer = mine.client.get("/api/v1/sync/pages/pull", headers=mine.of.headers)
        assert answer.json()["documents"] == [{"id": id, "_deleted": True}]
        assert push(mine, row, to="pages") == [{"id": id, "_deleted": True}]
        assert theirs.pull()[id]["title"] == "t"
        sign_in(mine, author)
        assert mine.pull()[id]["title"] == "typed"

    def test_a_new_local_database_gets_nothing_either(self, pair: Pair, settings: Any) -> None:
        mine, _ = pair
        mine.new(title="t")
        settings.SIGN_IN_HOURS = 16
        fresh = Pages(mine.client, replace(mine.of, instance=uuid7()))
        assert fresh.pull() == {}


class TestALostTablet:
    def lose(self, of: Pages) -> None:
        accounts.mark_lost(tablet=of.of.tablet, by=SYSTEM, now=clock.now())

    def test_drops_what_it_holds_and_hands_in_what_was_typed(self, pair: Pair) -> None:
        mine, theirs = pair
        author = responder(mine)
        id = mine.new(title="t")
        rooms.note("come", to=author)
        row = mine.row(id, title="typed", author_id=str(author.pk))
        fact = named(author, text="typed")
        self.lose(mine)
        for collection in ("pages", "notes"):
            answer = mine.client.get(f"/api/v1/sync/{collection}/pull", headers=mine.of.headers)
            assert [d["_deleted"] for d in answer.json()["documents"]] == [True]
        assert push(mine, row, to="pages") == [{"id": id, "_deleted": True}]
        assert push(mine, fact) == [{"id": id_of(fact), "_deleted": True}]
        assert theirs.pull()[id]["title"] == "t"
        assert {write.author for write in QuarantinedWrite.objects.open()} == {author}
        # It does not come in by itself: a supervisor looks at it.
        sign_in(Pages(mine.client, tablet(of=mine.of.tablet.team)), author)
        assert QuarantinedWrite.objects.open().count() == 2
        assert not QuarantinedWrite.objects.waiting().exists()
        write = QuarantinedWrite.objects.get(doc_id=id)
        apply_quarantined(write=write, by=supervisor(mine), now=clock.now())
        assert theirs.pull()[id]["title"] == "typed"

    def test_drops_what_everyone_may_see_and_gets_it_back_when_it_is_found(
        self, pair: Pair
    ) -> None:
        mine, _ = pair
        author = responder(mine)
        signs = {str(rooms.sign(f"sign {number}")) for number in range(3)}
        at: str | None = None

        def pull(limit: int) -> list[Document]:
            nonlocal at
            path = f"/api/v1/sync/signs/pull?limit={limit}" + (f"&checkpoint={at}" if at else "")
            answer = mine.client.get(path, headers=mine.of.headers)
            assert answer.status_code == 200, answer.content
            at = answer.json()["checkpoint"]["c"]
            found: list[Document] = answer.json()["documents"]
            return found

        assert len(pull(9)) == 3
        self.lose(mine)
        dropped = pull(2) + pull(2)
        assert {d["id"] for d in dropped} == signs
        assert all(d == {"id": d["id"], "_deleted": True} for d in dropped)
        assert pull(2) == []
        body = {"pull": {"signs": None}}
        trip = mine.client.post("/api/v1/sync", body, "application/json", headers=mine.of.headers)
        assert all(d["_deleted"] for d in trip.json()["pull"]["signs"]["documents"])
        accounts.mark_found(tablet=mine.of.tablet, by=SYSTEM, now=NOON)
        assert pull(9) == []
        sign_in(mine, author)
        back = pull(9)
        assert {d["id"] for d in back} == signs
        assert not any(d["_deleted"] for d in back)
        assert pull(9) == []

    def test_may_hand_in_so_much_and_no_more(
        self, pair: Pair, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        mine, _ = pair
        settings.LOST_TABLET_ROWS = 3
        self.lose(mine)
        rows = [mark(text=f"secret {number}") for number in range(6)]
        tombstones = [{"id": id_of(row), "_deleted": True} for row in rows]
        assert push(mine, *rows) == tombstones
        assert push(mine, *rows) == tombstones
        assert QuarantinedWrite.objects.count() == 3
        assert LostIntake.objects.get().dropped >= 3
        [told] = [r for r in caplog.records if "lost tablet" in r.getMessage()]
        assert "secret" not in told.getMessage()
        accounts.mark_found(tablet=mine.of.tablet, by=SYSTEM, now=NOON)
        assert not LostIntake.objects.exists()

    def test_what_comes_again_after_a_lost_answer_counts_once(
        self, pair: Pair, settings: Any
    ) -> None:
        """Retries must not use up what is kept of what was typed since."""
        mine, _ = pair
        settings.LOST_TABLET_ROWS = 3
        self.lose(mine)
        rows = [mark(text=f"text {number}") for number in range(3)]
        for row in (rows[0], rows[0], rows[0], rows[0], *rows):
            push(mine, row)
        assert QuarantinedWrite.objects.count() == 3
        intake = LostIntake.objects.get()
        assert (intake.rows, intake.dropped) == (3, 0)

    def test_may_hand_in_so_many_bytes(self, pair: Pair, settings: Any) -> None:
        mine, _ = pair
        settings.LOST_TABLET_BYTES = 5000
        self.lose(mine)
        push(mine, *[mark(text="x" * 2000) for _ in range(4)])
        assert QuarantinedWrite.objects.count() == 2

    def test_is_let_in_nowhere_else(self, pair: Pair) -> None:
        mine, _ = pair
        self.lose(mine)
        doors = [
            *("POST /sign-in", "POST /sign-out", "POST /socket-ticket", "GET /me"),
            *("GET /schemas/pages", "GET /assignments", "GET /incidents", "GET /quarantine"),
        ]
        for door in doors:
            method, path = door.split()
            answer = mine.client.generic(
                method, f"/api/v1{path}", b"{}", "application/json", headers=mine.of.headers
            )
            assert answer.status_code in {401, 403}, door
            assert "enrol it anew" in answer.json()["detail"], door

    def test_that_is_compromised_is_answered_nothing(self, pair: Pair) -> None:
        mine, _ = pair
        self.lose(mine)
        accounts.mark_compromised(tablet=mine.of.tablet, by=SYSTEM, now=NOON)
        answer = mine.client.get("/api/v1/sync/pages/pull", headers=mine.of.headers)
        assert answer.status_code == 401
        answer = mine.client.post(
            "/api/v1/sync/marks/push", [mark()], "application/json", headers=mine.of.headers
        )
        assert answer.status_code == 401
        assert not QuarantinedWrite.objects.exists()
