"""The server was put back in time, and a tablet has what it lost."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from apps.changes.models import StoredDocument
from apps.core.ids import uuid7
from apps.sync.models import Conflict, QuarantinedWrite
from tests.factories import tablet
from tests.functional.sync.rxdb.together import (
    Pair,
    held,
    served,
    text_of,
)
from tests.probe import rooms
from tests.processes import Processes, Server
from tests.rxdb.client import Node
from tests.rxdb.proxy import Proxy


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
