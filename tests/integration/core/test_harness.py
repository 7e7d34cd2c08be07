"""What the other tests stand on: a clean database, real processes, no network outside."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from uuid import UUID

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction

from apps.changes.models import Change, Epoch
from apps.changes.services import grant
from apps.core.ids import uuid7
from config.celery import app as celery_app
from tests.factories import person
from tests.reset import reset_database

DOCUMENTATION_ADDRESS = "192.0.2.1"  # RFC 5737: nobody's


def rows(query: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "second"])
def test_what_one_test_commits_the_next_does_not_see(time):
    assert Change.objects.filter(kind="doc").count() == 0
    assert not rows("select 1 from accounts_user")
    with transaction.atomic():
        grant(principal=uuid7(), scopes=["agency"])
    person()
    assert rows("select 1 from accounts_user")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("epochs", [1, 3000])
def test_what_the_migrations_put_in_is_put_back(epochs):
    tables = ("feed_epoch", "feed_grant", "feed_binding", "feed_change", "feed_commit")
    before = {table: rows(f"select * from {table}") for table in tables}
    assert all(before.values())
    person()
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into feed_epoch (id) select gen_random_uuid() from generate_series(1, %s)",
            [epochs],
        )
        cursor.execute("delete from feed_grant")
    reset_database()
    assert {table: rows(f"select * from {table}") for table in tables} == before
    assert rows("select 1 from django_content_type")
    assert not rows("select 1 from accounts_user")


@pytest.mark.django_db(transaction=True)
def test_triggers_and_numbering_go_on_after_a_reset():
    holder = UUID(int=7)
    reset_database()
    number = rows("select max(seq) from feed_commit")[0][0]
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into feed_change (kind, holder, scope, held)"
            " values ('hold', %s, 'agency', true)",
            [holder],
        )
    assert rows("select max(seq) from feed_commit")[0][0] > number
    assert rows(f"select scope from feed_holding where holder = '{holder}'") == [("agency",)]


def test_deferred_triggers_run_when_told(commit_now):
    before = rows("select max(seq) from feed_commit")[0][0]
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into feed_change (kind, holder, scope, held)"
            " values ('hold', gen_random_uuid(), 'agency', true)"
        )
    assert rows("select max(seq) from feed_commit")[0][0] == before
    commit_now()
    assert rows("select max(seq) from feed_commit")[0][0] > before


def test_application_role_is_taken_on_and_put_off(application_role):
    me = rows("select current_user")
    with application_role():
        assert rows("select current_user") != me
    with pytest.raises(ZeroDivisionError), application_role():
        _ = 1 / 0
    assert rows("select current_user") == me
    assert Epoch.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("time", ["first", "second"])
def test_redis_is_empty_at_the_start(time):
    assert cache.get("harness") is None
    cache.set("harness", 1)
    client = redis.Redis.from_url(settings.REDIS_URL)
    assert list(client.scan_iter(f"*{settings.REDIS_PREFIX}*harness"))
    client.close()


class TestNetworkOutside:
    @pytest.mark.parametrize("method", ["connect", "connect_ex"])
    def test_connections_are_refused(self, method):
        with socket.socket() as sock, pytest.raises(pytest.fail.Exception, match="outside"):
            getattr(sock, method)((DOCUMENTATION_ADDRESS, 9))

    def test_datagrams_are_refused(self):
        with (
            socket.socket(type=socket.SOCK_DGRAM) as sock,
            pytest.raises(pytest.fail.Exception, match="outside"),
        ):
            sock.sendto(b"x", (DOCUMENTATION_ADDRESS, 9))

    def test_names_are_not_looked_up(self):
        with pytest.raises(pytest.fail.Exception, match=r"example\.org"):
            socket.create_connection(("example.org", 80))

    def test_asyncio_is_refused_too(self):
        with pytest.raises(pytest.fail.Exception, match="outside"):
            asyncio.run(asyncio.open_connection(DOCUMENTATION_ADDRESS, 9))


class TestProcesses:
    def test_server_serves_the_tests_database_and_comes_back_where_it_was(self, server):
        with urllib.request.urlopen(f"{server.url}/healthz", timeout=60) as answer:
            assert answer.status == 200
        assert server.kill() == -9
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(f"{server.url}/healthz", timeout=60)
        server.start()
        with urllib.request.urlopen(f"{server.url}/healthz", timeout=60) as answer:
            assert answer.status == 200
        assert server.stop() in {0, -15}

    def test_worker_runs_what_beat_sends(self, processes, celery_worker, celery_beat):
        celery_app.send_task("core.heartbeat")
        celery_worker.wait_until(lambda: rows("select 1 from core_heartbeat"))
        assert celery_beat.stop() == 0
        assert celery_worker.stop() == 0

    def test_a_process_that_cannot_start_says_why(self, processes):
        with pytest.raises(AssertionError, match="TIME_SCALE must be a number"):
            processes.celery_worker(TIME_SCALE="nonsense")
