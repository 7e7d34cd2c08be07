"""Every collection replicates, at any pace, also into a client that validates."""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from apps.assignments.models import Fact
from apps.core.ids import uuid7
from apps.sync.models import QuarantinedWrite
from tests.factories import tablet
from tests.functional.dispatch.street import Cast
from tests.functional.sync.rxdb.together import (
    EVERY,
    MARKS,
    VALIDATOR,
    Pair,
    given,
    held,
    served,
    text_of,
    wait_for_call,
)
from tests.probe import rooms
from tests.processes import Server
from tests.rxdb.client import Node
from tests.rxdb.proxy import Proxy


class TestReplication:
    @VALIDATOR
    def test_every_collection_replicates(
        self, node: Node, shared: Server, cast: Cast, validate: bool
    ) -> None:
        user = cast.crews["CARE21"][0]
        mine = node.tablet(tablet(user), shared, validate=validate, **EVERY)
        rooms.notes(["one", "two"], to=user)
        rooms.sign("a sign")
        given(shared, cast, "26000000001")
        mine.insert("pages", id=str(uuid7()), title="t", text="x", tags=["a"], number=1.5)
        mine.insert("marks", id=str(uuid7()), text="m")
        mine.insert("marks", id=str(uuid7()), text="refuse")
        mine.insert("facts", id=str(uuid7()), kind="probe", text="f")
        wait_for_call(mine, "26000000001")
        mine.settle()
        other = tablet(user)

        def same() -> bool:
            return all(held(mine, name) == served(shared, other, name) for name in EVERY)

        mine.until(same)
        assert all(held(mine, name) for name in EVERY)
        assert mine.kept["errors"] == []

    def test_a_fact_is_recorded_and_comes_back_with_what_the_server_adds(
        self, node: Node, shared: Server, cast: Cast
    ) -> None:
        user = cast.crews["CARE21"][0]
        mine = node.tablet(
            tablet(user), shared, assignments="pull_only", facts="append_only", validate=True
        )
        given(shared, cast, "26000000001")
        assignment = wait_for_call(mine, "26000000001")
        id = mine.insert(
            "facts",
            id=str(uuid7()),
            kind="assignment_event",
            assignment_id=assignment["id"],
            event="acknowledged",
            device_time=timezone.now().isoformat(),
            counter=1,
            data={"call_revision": 1},
        )["id"]
        mine.wait("assignments", assignment["id"], state="acknowledged", needs_ack=False)
        fact = mine.wait("facts", id, source="tablet", author_id=str(user.pk))
        row = Fact.objects.get(pk=id)
        assert (fact["order"], fact["editor"]) == (row.order, mine.instance)
        assert row.clock_offset_ms is not None

    def test_a_check_in_is_owed_and_told_and_harm_comes_back_to_its_author(
        self, node: Node, shared: Server, cast: Cast
    ) -> None:
        mine = node.tablet(
            tablet(cast.crews["CARE21"][0]),
            shared,
            assignments="pull_only",
            facts="append_only",
            validate=True,
        )
        given(shared, cast, "26000000001")
        assignment = wait_for_call(mine, "26000000001")

        def tap(number: int, event: str, **data: object) -> str:
            fact = mine.insert(
                "facts",
                id=str(uuid7()),
                kind="assignment_event",
                assignment_id=assignment["id"],
                event=event,
                device_time=timezone.now().isoformat(),
                counter=number,
                data=data,
            )
            return str(fact["id"])

        tap(1, "on_scene")
        owed = mine.wait("assignments", assignment["id"], state="on_scene")["check_in"]
        assert owed["prompt"] == {"sound": False, "bright": False, "haptic": True}
        mine.wait("facts", tap(2, "check_in"), source="tablet", flags=[])

        def due_at() -> str:
            return str(mine.documents("assignments")[assignment["id"]]["check_in"]["due_at"])

        mine.until(lambda: due_at() > owed["due_at"])
        mine.wait("facts", tap(3, "harm", kinds=["assault"]), source="tablet", flags=[])
        assert mine.kept["errors"] == []


class TestPace:
    def test_a_stuck_push_delays_no_assignment(
        self, node: Node, shared: Server, proxy: Proxy, cast: Cast
    ) -> None:
        user = cast.crews["CARE21"][0]
        mine = node.tablet(
            *(tablet(user), shared), url=proxy.url, assignments="pull_only", pages="merged"
        )
        with proxy.holding("/pages/push"):
            id = mine.insert("pages", id=str(uuid7()), text="x")["id"]
            proxy.until(lambda: proxy.count("/pages/push"), "the server has it")
            given(shared, cast, "26000000001")
            wait_for_call(mine, "26000000001")
            assert "rev" not in mine.documents("pages")[id]
        mine.wait("pages", id, rev=1)

    def test_a_pull_that_overtakes_the_answer_to_a_push_is_not_lost(
        self, node: Node, shared: Server, proxy: Proxy, users: Pair
    ) -> None:
        """RxDB passes over what it has not yet heard to be taken, and never asks for it again."""
        mine = node.tablet(tablet(users[0]), shared, url=proxy.url, pages="merged")
        mine.settle()
        seen = mine.kept["seen"]
        with proxy.holding("/pages/push"):
            with proxy.delaying("/pages/pull"):
                mine.do("resync")
                proxy.until(lambda: proxy.waiting, "it pulls")
                id = mine.insert("pages", id=str(uuid7()), text="x")["id"]
                proxy.until(lambda: proxy.count("/pages/push"), "the server has it")
            mine.until(lambda: mine.kept["seen"] != seen)
        mine.wait("pages", id, rev=1)

    def test_a_busy_server_is_given_the_time_it_asks_for(
        self, node: Node, shared: Server, proxy: Proxy, users: Pair
    ) -> None:
        mine = node.tablet(tablet(users[0]), shared, url=proxy.url, pages="merged")
        proxy.refuse_once("/pages/push")
        id = mine.insert("pages", id=str(uuid7()), text="x")["id"]
        mine.wait("pages", id, rev=1)
        first, second = proxy.of("/pages/push")
        assert second.at - first.at >= 1
        assert mine.kept["errors"] == []

    def test_an_answer_that_was_overtaken_takes_nothing_back(
        self, node: Node, shared: Server, proxy: Proxy, users: Pair
    ) -> None:
        mine = node.tablet(tablet(users[0]), shared, url=proxy.url, pages="merged")
        id = mine.insert("pages", id=str(uuid7()), text="old")["id"]
        mine.wait("pages", id, rev=1)
        other = node.tablet(tablet(users[1]), shared, pages="merged")
        other.wait("pages", id, text="old")
        mine.do("watch", collection="pages", id=id)
        with proxy.holding("/pages/pull"):
            before = proxy.count("/pages/pull")
            other.patch("pages", id, number=1)
            proxy.until(lambda: proxy.count("/pages/pull") > before, "a pull is on its way")
            mine.patch("pages", id, text="new")
            proxy.until(lambda: text_of(id) == "new", "it is acknowledged")
            mine.do("acknowledged", collection="pages")
        mine.wait("pages", id, text="new", number=1)
        shown = [one["text"] for one in mine.do("watched")]
        assert "old" not in shown[shown.index("new") :]


class TestValidator:
    def test_tombstones_stubs_and_refused_texts_pass(
        self, node: Node, shared: Server, users: Pair
    ) -> None:
        user = users[0]
        collections = {**MARKS, "notes": "pull_only"}
        first = node.tablet(tablet(user), shared, **MARKS)
        id = str(uuid7())
        first.insert("marks", id=id, text="refuse")
        first.wait("marks", id, sync_status="quarantined")
        gone, bad, good = rooms.notes(["gone", "bad", "good"], to=user)
        mine = node.tablet(tablet(user), shared, validate=True, **collections)
        mine.wait("notes", str(good), text="good")
        rooms.withdraw(gone)
        mine.wait_gone("notes", str(gone))
        with connection.cursor() as cursor:
            cursor.execute(
                "update feed_document set body = set_byte(body, 30, get_byte(body, 30) # 1) "
                "where doc_id = %s",
                [bad],
            )
        late = node.tablet(tablet(user), shared, validate=True, **collections)
        late.wait("notes", str(bad), sync_status="unreadable")
        late.wait("notes", str(good), text="good")
        for one in (mine, late):
            one.wait("marks", id, sync_status="quarantined")
            one.wait("quarantine", str(QuarantinedWrite.objects.get().pk), status="open")
            assert one.kept["errors"] == []
