"""A client that we have not written: RxDB 17.6, unmodified, through the adapter in tests/rxdb."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts import services as accounts
from apps.accounts.models import User
from apps.assignments.models import Fact
from apps.changes import scopes
from apps.changes.models import StoredDocument
from apps.changes.services import grant, revoke
from apps.core.ids import uuid7
from apps.sync import documents
from apps.sync.models import Conflict, QuarantinedWrite, Version
from tests.factories import EnrolledTablet, person, tablet, team
from tests.functional.dispatch.street import PLAIN, Cast, call, on_duty
from tests.probe import rooms
from tests.processes import Processes, Server
from tests.rxdb.client import PATIENCE, Document, Node, RxTablet, missing
from tests.rxdb.proxy import Proxy

if why := missing():
    pytest.skip(why, allow_module_level=True)

pytestmark = pytest.mark.django_db(transaction=True)

EVERY = {
    "assignments": "pull_only",
    "facts": "append_only",
    "marks": "append_only",
    "notes": "pull_only",
    "pages": "merged",
    "quarantine": "pull_only",
    "reference": "pull_only",
    "signs": "pull_only",
}
PAGES = {"pages": "merged", "quarantine": "pull_only"}
MARKS = {"marks": "append_only", "quarantine": "pull_only"}
VALIDATOR = pytest.mark.parametrize("validate", [False, True], ids=["plain", "validating"])
Pair = tuple[User, User]


@pytest.fixture(autouse=True)
def _rooms() -> Iterator[None]:
    rooms.install()
    yield
    rooms.remove()


@pytest.fixture(scope="module")
def shared(application_rights: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    processes = Processes(tmp_path_factory.mktemp("server"))
    yield processes.server(DJANGO_SETTINGS_MODULE="tests.probe.settings", HEARTBEAT_SECONDS="0.5")
    processes.end()


@pytest.fixture(scope="module")
def one_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = Node(tmp_path_factory.mktemp("node") / "said.txt")
    yield node
    node.end()


@pytest.fixture
def node(one_node: Node) -> Iterator[Node]:
    yield one_node
    one_node.close_all()


@pytest.fixture
def proxy(shared: Server) -> Iterator[Proxy]:
    proxy = Proxy(shared)
    yield proxy
    proxy.end()


@pytest.fixture
def users(transactional_db: None) -> Pair:
    """Two responders who see what their team sees."""
    ours = team()
    people = person(of=ours), person(of=ours)
    for user in people:
        with transaction.atomic():
            grant(principal=user.pk, scopes=[scopes.team(ours.pk)])
    return people


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return on_duty(CARE21=2)


def served(server: Server, of: EnrolledTablet, collection: str) -> dict[str, Document]:
    """What any client of this person gets that pulls from the start, by id."""
    request = urllib.request.Request(
        f"{server.url}/api/v1/sync/{collection}/pull?limit=1000", headers=of.headers
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        found = json.load(answer)["documents"]
    return {one.pop("id"): one for one in found if not one.pop("_deleted")}


def held(of: RxTablet, collection: str) -> dict[str, Document]:
    return {
        id: {k: v for k, v in one.items() if k != "id"}
        for id, one in of.documents(collection).items()
    }


def given(server: Server, cast: Cast, number: str) -> None:
    """CAD gives a call to CARE21."""
    request = urllib.request.Request(
        server.url + PLAIN,
        json.dumps(call(number)).encode(),
        {"Authorization": f"Bearer {cast.cad_token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status in {200, 201}


def text_of(id: str) -> Any:
    """What holds on the server under a page's id."""
    collection = rooms.PAGES
    present = documents.read(collection, UUID(id)).present
    return present and present.content.get("text")


def wait_for_call(of: RxTablet, number: str) -> Document:
    """The assignment of a call, as soon as it is on a tablet."""
    [found] = of.do(
        "find", collection="assignments", selector={"cad_number": number}, seconds=PATIENCE
    )
    return found


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


def dump() -> None:
    """Keeps every table as it is now."""
    with connection.cursor() as cursor:
        cursor.execute("create schema backup")
        cursor.execute("select tablename from pg_tables where schemaname = 'public'")
        for (name,) in cursor.fetchall():
            cursor.execute(f'create table backup."{name}" as table "{name}"')


def put_back() -> None:
    """Every table as it was kept, the way `reset` puts back what the migrations had put in."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("alter schema pristine rename to aside")
        cursor.execute("alter schema backup rename to pristine")
        cursor.execute("select aside.reset()")
        cursor.execute("drop schema pristine cascade")
        cursor.execute("alter schema aside rename to pristine")


class TestAnotherHistory:
    @pytest.fixture
    def server(self, processes: Processes) -> Server:
        return processes.server(
            DJANGO_SETTINGS_MODULE="tests.probe.settings", HEARTBEAT_SECONDS="0.5"
        )

    @pytest.fixture
    def proxy(self, server: Server) -> Iterator[Proxy]:
        proxy = Proxy(server)
        yield proxy
        proxy.end()

    def test_what_a_restored_server_has_lost_comes_back(
        self, node: Node, server: Server, proxy: Proxy, users: Pair
    ) -> None:
        collections = {"pages": "merged", "marks": "append_only", "notes": "pull_only"}
        mine = node.tablet(tablet(users[0]), server, url=proxy.url, **collections)
        theirs = node.tablet(tablet(users[1]), server, **collections)
        old, changed, purged = (
            mine.insert("pages", id=str(uuid7()), title="t", text=text)["id"]
            for text in ("old", "before", "purged")
        )
        mark = mine.insert("marks", id=str(uuid7()), text="old")["id"]
        for id in (old, changed, purged):
            theirs.wait("pages", id, rev=1)
        theirs.wait("marks", mark, rev=1)
        dump()
        mine.patch("pages", changed, text="after")
        new = mine.insert("pages", id=str(uuid7()), text="new")["id"]
        late = mine.insert("marks", id=str(uuid7()), text="late")["id"]
        note = str(rooms.note("lost", to=users[0]))
        rooms.withdraw(UUID(purged), collection="pages")
        for one in (mine, theirs):
            one.wait("pages", changed, text="after", rev=2)
            one.wait("pages", new, rev=1)
            one.wait("marks", late, rev=1)
            one.wait_gone("pages", purged)
        mine.wait("notes", note, rev=1)
        first = mine.kept["epoch"]
        put_back()
        call_command("new_history")
        with proxy.delaying("/pages/push"), proxy.delaying("/marks/push"):
            mine.wait_gone("notes", note)  # what nobody can write on a tablet comes at once
            proxy.until(lambda: proxy.waiting, "it hands over what it holds")
            served_before = [e for e in proxy.of("/pages/pull") if e.status == 200]
            mine.do("resync")
            mine.settle("notes")
            assert [e for e in proxy.of("/pages/pull") if e.status == 200] == served_before
            assert mine.kept["owed"] != []
            theirs.until(lambda: theirs.kept["owed"] == [])
            # A fact is handed over by who wrote it, and by nobody else.
            assert not StoredDocument.objects.filter(collection="marks", doc_id=late).exists()
        for one in (mine, theirs):
            one.wait("pages", purged, text="purged")  # the restored server's, and no deletion
            one.wait("pages", changed, text="after")
            one.wait("pages", new, text="new")
            one.wait("marks", late, text="late")
        assert "text" not in mine.stored("notes", note)[0]
        assert mine.kept["epoch"] != first
        for one, user in ((mine, users[0]), (theirs, users[1])):
            one.settle()
            other = tablet(user)
            for name in collections:
                one.until(lambda o=one, n=name, t=other: held(o, n) == served(server, t, n))
        assert {text_of(id) for id in (old, changed, purged, new)} == {
            *("old", "after", "purged", "new")
        }
        assert not QuarantinedWrite.objects.exists()
        assert not Conflict.objects.exists()


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
