"""A server is put back in time, for real; the tablets bring back what it has lost."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from django.core.management import call_command
from django.db import connection

from apps.core.engine_host import claimed_host
from apps.core.engine_servers import Postgres, cluster_passwords
from apps.simulator.tablet.wire import NoAnswer, Refused
from apps.sync import recovery
from apps.sync.models import Comeback, Conflict, History, QuarantinedWrite, Setback
from tests.functional.sync.restoring import (
    PATIENCE,
    Crew,
    Programs,
    application_url,
    ask,
    connected_to,
    fresh_database,
    put_files_back,
    snapshot_of,
    standby_of,
    url_now,
    wait_for,
)
from tests.probe import rooms
from tests.probe.client import joined
from tests.processes import Processes, Server

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.probe.settings", "HEARTBEAT_SECONDS": "0.5"}


@pytest.fixture(autouse=True)
def _rooms() -> Iterator[None]:
    rooms.install()
    yield
    rooms.remove()


@pytest.fixture(scope="module")
def own() -> Iterator[Postgres]:
    """A PostgreSQL of our own, whose files are ours to put back. It survives being killed."""
    with claimed_host() as host:
        postgres = Postgres(host, cluster_passwords(host), durable=True)
        postgres.start()
        yield postgres
        postgres.stop()


@dataclass
class Stage:
    """A crew with its tablets, servers, and PostgreSQL's own programs."""

    crew: Crew
    programs: Programs
    run: Callable[..., Any]
    processes: Processes
    folder: Path

    def serve(self, **settings: str) -> Server:
        """Starts a server on the database of now, and the apps on the tablets at its address."""
        server = self.processes.server(**SETTINGS, **settings)
        self.run(self.crew.start(server.url))
        return server

    @contextmanager
    def restored(self, dump: Path) -> Iterator[None]:
        """A fresh database with what a dump holds; everything goes on there."""
        with fresh_database(url_now()) as url:
            self.programs.restore(dump, url)
            with connected_to(url):
                try:
                    yield
                finally:
                    self.processes.end()

    def come_back(self) -> None:
        """Every tablet comes; all of it is here, and everybody shows the same."""
        self.run(self.crew.settle())
        assert self.crew.lost() == set()
        assert self.crew.differences() == []
        assert self.run(self.crew.checked()) == [True] * 9
        assert not any(one.store.outbox().unsent for one in self.crew.tablets)
        open_ = Conflict.objects.open().count() + QuarantinedWrite.objects.open().count()
        assert {one.status.kept for one in self.crew.tablets} == {open_}


@pytest.fixture
def stage(own: Postgres, processes: Processes, tmp_path: Path) -> Iterator[Stage]:
    with asyncio.Runner() as runner:
        crew = Crew(tmp_path)
        yield Stage(crew, Programs(own.host), runner.run, processes, tmp_path)
        runner.run(crew.stop())


def command(name: str, *arguments: str) -> str:
    """What an operator's command says."""
    said = StringIO()
    call_command(name, *arguments, stdout=said)
    return said.getvalue()


def ready(server: Server) -> str:
    try:
        with urllib.request.urlopen(f"{server.url}/readyz") as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as answer:
        return answer.read().decode()


async def work(crew: Crew) -> dict[str, str]:
    """What is on record when the copy is made."""
    pages = {
        "kept": crew.page(0, title="kept since before", text="a line"),
        "changed": crew.page(1, title="before the copy"),
    }
    crew.mark(2, "a mark of before")
    await crew.settle()
    return pages


async def go_on(crew: Crew, pages: dict[str, str]) -> None:
    """What happens after the copy was made: all of it is acknowledged, but for what is typed last,
    without a signal. No text is replaced on every tablet: those no tablet could bring back."""
    crew.page(1, id=pages["changed"], title="after the copy")
    pages["new"] = crew.page(0, title="begun after the copy")
    crew.mark(0, "a mark that is lost")
    await crew.settle()
    crew.page(2, id=pages["new"], text="added by another after the copy")
    crew.mark(1, "a second mark that is lost")
    await crew.settle()
    crew.page(2, id=pages["kept"], text="a line, and more without a signal")
    crew.page(1, id=pages["changed"], text="added without a signal")
    crew.page(0, id=pages["changed"], title="typed at the same time")
    crew.mark(2, "a mark without a signal")


def test_what_a_dump_lacks_comes_back_with_the_tablets(stage: Stage) -> None:
    crew = stage.crew
    before = stage.serve()
    pages = stage.run(work(crew))
    stage.programs.dump(stage.folder / "dump")
    rooms.note("lost with the server", to=crew.team)
    stage.run(go_on(crew, pages))
    before.kill()
    with stage.restored(stage.folder / "dump"):
        assert crew.lost() > {"a mark that is lost", "begun after the copy"}
        said = command("new_history")
        assert "Another history has begun" in said
        assert "none was begun" in command("new_history")
        assert History.objects.count() == 1
        stage.serve()
        stage.come_back()
        assert all(one.store.get("pages", pages["new"]) for one in crew.tablets)
        came = Comeback.objects.exclude(followed_at=None)
        assert {c.instance for c in came} == {one.store.instance for one in crew.tablets}
        unopened = set(recovery._pushable()) - {"pages", "marks"}  # by these tablets
        assert "facts" in unopened
        assert all(set(c.pending) == unopened for c in came)
        assert all(c.seen_seq for c in came)
        assert sum(c.new for c in came) == 4  # three marks and a page
        report = command("recovery_report")
        assert "3 of 6" in report
        assert not any(text in report for text in crew.typed)
        assert command("new_history").startswith("Another history")


def test_the_later_text_stands_although_its_author_had_saved_before(stage: Stage) -> None:
    """One saves, another goes on from it, and after the copy the first one from that: what the
    server still has of the first one's saves is older than what it has of the other's."""
    crew = stage.crew
    before = stage.serve()
    page = crew.page(0, title="the first title", text="the first text")
    stage.run(crew.settle())
    crew.page(1, id=page, title="the second title", text="the second text")
    stage.run(crew.settle())
    stage.programs.dump(stage.folder / "dump")
    crew.page(0, id=page, title="the third title", text="the third text")
    stage.run(crew.settle())
    before.kill()
    with stage.restored(stage.folder / "dump"):
        command("new_history")
        stage.serve()
        stage.come_back()
        for one in crew.tablets:
            shown = one.store.get("pages", page)
            assert shown is not None
            assert (shown["title"], shown["text"]) == ("the third title", "the third text")


def test_a_tablet_of_before_is_served_nothing_that_it_may_still_owe(stage: Stage) -> None:
    crew = stage.crew
    before = stage.serve()
    stage.run(work(crew))
    note = rooms.note("of the server alone", to=crew.team)
    command("new_history")
    first = crew.tablets[0]
    headers = {**crew.enrolled[0].headers, "Sync-Instance": str(first.store.instance)}

    def pull(collection: str, **more: str) -> httpx2.Response:
        address = f"{before.url}/api/v1/sync/{collection}/pull"
        return httpx2.get(address, headers=headers | more, timeout=PATIENCE, trust_env=False)

    epoch = str(recovery.epochs.current())
    assert pull("notes").status_code == 200  # nobody writes these on a tablet: they do not wait
    assert str(note) in pull("notes").text
    for following in ({}, {"Sync-Followed": first.store.followed or ""}):
        for point in ({}, {"Sync-Seen": first.store.seen or ""}):
            refused = pull("pages", **following, **point)
            assert (refused.status_code, refused.json()["code"]) == (409, "another-history")
            assert refused.headers["Sync-Epoch"] == epoch
    assert pull("pages", **{"Sync-Followed": epoch}).status_code == 200
    assert pull("marks").status_code == 409  # each collection for itself
    assert pull("pages").status_code == 200

    def trip(**more: str) -> Any:
        body = {"pull": {"marks": None, "notes": None}}
        answer = httpx2.post(
            f"{before.url}/api/v1/sync",
            json=body,
            headers=headers | more,
            timeout=PATIENCE,
            trust_env=False,
        )
        return answer.json()["pull"]

    refused_marks = trip()
    assert refused_marks["marks"]["code"] == "another-history"
    assert "documents" in refused_marks["notes"]
    assert len(trip(**{"Sync-Followed": epoch})["marks"]["documents"]) == 1
    assert not Setback.objects.exists()  # whoever is awaited is no alarm


def test_without_another_history_nothing_older_is_ever_served(stage: Stage) -> None:
    """The operator has forgotten it, or does not know yet."""
    crew = stage.crew
    before = stage.serve()
    pages = stage.run(work(crew))
    stage.programs.dump(stage.folder / "dump")
    stage.run(go_on(crew, pages))
    before.kill()
    with stage.restored(stage.folder / "dump"):
        after = stage.serve()
        assert '"history":true' in ready(after).replace(" ", "")
        shown = crew.shown()
        for one in crew.tablets:
            for name in one.replication.collections:
                with pytest.raises(Refused, match="another-history"):
                    stage.run(one.replication.pull_once(name))
        assert crew.shown() == shown
        with joined(
            after.ws_url,
            crew.enrolled[0],
            seen=crew.tablets[0].store.seen,
        ) as socket:
            assert socket.closed()[0] == 4409
            assert socket.received == []
        setback = Setback.objects.get()
        assert setback.seen_seq > setback.head_seq
        assert '"history":false' in ready(after).replace(" ", "")
        assert after.said().count("put back in time") == 1
        # What is typed is taken all the same.
        for one in crew.tablets:
            stage.run(one.replication.push())
            assert one.store.outbox().unsent == 0
        assert not {"added without a signal", "a mark without a signal"} & crew.lost()
        command("new_history")
        assert '"history":true' in ready(after).replace(" ", "")
        stage.come_back()


def on_its_own(own: Postgres, programs: Programs, folder: Path) -> str:
    """The tests' database as it is now, on a server of our own; its address."""
    programs.dump(folder / "first")
    name = urlsplit(url_now()).path.lstrip("/")
    url = urlsplit(own.owner_url)._replace(path=f"/{name}").geturl()
    for statement in (f"drop database if exists {name} with (force)", f"create database {name}"):
        programs.run("psql", "--quiet", f"--dbname={own.owner_url}", "-c", statement)
    programs.restore(folder / "first", url)
    return url


def test_what_a_snapshot_of_the_files_lacks_comes_back_too(own: Postgres, stage: Stage) -> None:
    """The server's processes run through it all. Sockets are closed when the database is put back,
    and again, whoever has dialled meanwhile, when another history begins."""
    crew = stage.crew
    url = on_its_own(own, stage.programs, stage.folder)
    with connected_to(url):
        server = stage.serve(DATABASE_URL=application_url(own))
        pages = stage.run(work(crew))
        snapshot = snapshot_of(own)
        stage.run(go_on(crew, pages))
        with joined(server.ws_url, crew.enrolled[0]) as socket:
            socket.until(lambda: socket.heartbeats)
            put_files_back(own, snapshot)
            connection.close()
            assert socket.closed()[0] == 4409
        with joined(server.ws_url, crew.enrolled[1]) as socket:
            socket.until(lambda: socket.heartbeats)
            command("new_history")
            fresh = rooms.note("of the new history", to=crew.team)
            assert socket.closed()[0] == 4409
            assert not socket.has(fresh)
        stage.come_back()


def test_what_a_standby_had_not_heard_of_comes_back_too(own: Postgres, stage: Stage) -> None:
    crew = stage.crew
    url = on_its_own(own, stage.programs, stage.folder)
    standby = standby_of(own)
    try:
        with connected_to(url):
            primary = stage.serve(DATABASE_URL=application_url(own))
            pages = stage.run(work(crew))
            reached = ask(own, "select pg_current_wal_lsn()")
            wait_for(standby, f"select pg_last_wal_replay_lsn() >= '{reached}'")
            ask(standby, "alter system set primary_conninfo = ''")
            ask(standby, "select pg_reload_conf()")
            wait_for(standby, "select count(*) = 0 from pg_stat_wal_receiver")
            stage.run(go_on(crew, pages))
            own.kill()
            primary.kill()
        assert ask(standby, "select pg_promote()")
        address = urlsplit(url)._replace(netloc=urlsplit(standby.owner_url).netloc).geturl()
        with connected_to(address):
            command("new_history")
            stage.serve(DATABASE_URL=application_url(standby))
            stage.come_back()
    finally:
        standby.stop()
        own.start()


def test_a_standby_that_lags_serves_nothing_older_and_alarms_nobody(
    own: Postgres, stage: Stage
) -> None:
    """A server that asks one, by mistake or before its promotion, says that it is behind: nothing
    was lost, so nobody is sent to begin another history."""
    crew = stage.crew
    url = on_its_own(own, stage.programs, stage.folder)
    standby = standby_of(own)
    try:
        with connected_to(url):
            stage.serve(DATABASE_URL=application_url(own))
            pages = stage.run(work(crew))
            ask(standby, "select pg_wal_replay_pause()")
            wait_for(standby, "select pg_get_wal_replay_pause_state() = 'paused'")
            stage.run(go_on(crew, pages))
            shown = crew.shown()
            lagging = stage.serve(DATABASE_URL=application_url(standby))
            for one in crew.tablets:
                for name in one.replication.collections:
                    with pytest.raises(NoAnswer, match="behind"):
                        stage.run(one.replication.pull_once(name))
            assert crew.shown() == shown
            assert "put back in time" not in lagging.said()
            assert not Setback.objects.exists()
            assert '"writes": false' in ready(lagging)
            stage.serve(DATABASE_URL=application_url(own))
            stage.come_back()
    finally:
        standby.stop()


def test_a_second_restore_after_the_first_loses_nothing_either(stage: Stage) -> None:
    """The copy is of the time after the first one, and was put back again: a third history. One
    tablet has slept through the second and knows nothing of it."""
    crew = stage.crew
    before = stage.serve()
    pages = stage.run(work(crew))
    stage.programs.dump(stage.folder / "dump")
    stage.run(go_on(crew, pages))
    before.kill()
    with stage.restored(stage.folder / "dump"):
        command("new_history")
        second = stage.serve()
        stage.run(crew.settle(0, 1))
        crew.page(0, title="typed in the second history", text="and lost with it")
        crew.mark(1, "a mark of the second history")
        stage.programs.dump(stage.folder / "another")
        stage.run(crew.settle(0, 1))
        epochs = {one.store.epoch for one in crew.tablets}
        assert len(epochs) == 2  # the third one still follows the first
        second.kill()
        with stage.restored(stage.folder / "another"):
            assert "a mark of the second history" in crew.lost()
            command("new_history", "--again")
            assert History.objects.count() == 2
            stage.serve()
            stage.come_back()
            [epoch] = {one.store.epoch for one in crew.tablets}
            assert epoch not in epochs
            newest = Comeback.objects.filter(epoch=epoch).exclude(followed_at=None)
            assert {c.instance for c in newest} == {one.store.instance for one in crew.tablets}
