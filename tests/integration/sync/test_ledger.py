"""What tablets declare: what they have not sent, and what they have dropped."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import Tablet
from apps.core import clock
from apps.core.ids import uuid7
from apps.sync.models import Outbox, PurgeReceipt
from tests.factories import EnrolledTablet, person, tablet
from tests.probe import rooms

pytestmark = pytest.mark.django_db(transaction=True)
AT = "2026-03-04T12:31:02.007-08:00"


@pytest.fixture
def mine() -> EnrolledTablet:
    return tablet(person())


def declare(client: Client, of: EnrolledTablet, body: Any, **headers: str) -> Any:
    return client.put(
        *("/api/v1/sync/outbox", body, "application/json"), headers={**of.headers, **headers}
    )


def purged(client: Client, of: EnrolledTablet, body: Any) -> Any:
    return client.post("/api/v1/sync/purged", body, "application/json", headers=of.headers)


class TestOutbox:
    def test_the_last_word_of_a_local_database_stands(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        first = {
            "unsent": {
                "facts": {"count": 2, "oldest_at": "2026-03-04T12:03:11-08:00"},
                "pages": {"count": 1, "oldest_at": "2026-03-04T12:20:00-08:00"},
            },
            "refused": {"pages": {"count": 3}},
            "at": AT,
        }
        assert declare(client, mine, first).status_code == 204
        row = Outbox.objects.get()
        assert (row.unsent_count, row.refused_count) == (3, 3)
        assert row.unsent["facts"]["count"] == 2
        assert declare(client, mine, {"unsent": {}, "at": AT}).status_code == 204
        row = Outbox.objects.get()
        assert (row.unsent, row.refused, row.oldest_at) == ({}, {}, None)

    def test_two_local_databases_of_a_tablet_speak_for_themselves(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        other = EnrolledTablet(mine.tablet, mine.token, uuid7())
        for of, count in ((mine, 1), (other, 2)):
            declare(client, of, {"unsent": {"facts": {"count": count}}, "at": AT})
        assert {row.pk: row.unsent_count for row in Outbox.objects.all()} == {
            mine.instance: 1,
            other.instance: 2,
        }

    def test_times_are_told_by_the_servers_clock(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        """A tablet three hours fast says that a note waits since "three hours from now"."""
        now = clock.now()
        fast = now + timedelta(hours=3)
        body = {"unsent": {"facts": {"count": 1, "oldest_at": fast.isoformat()}}}
        declare(client, mine, {**body, "at": fast.isoformat()})
        row = Outbox.objects.get()
        assert abs(row.oldest_at - now) < timedelta(seconds=30)
        measured = str(int(fast.timestamp() * 1000))
        declare(client, mine, {**body, "at": now.isoformat()}, **{"Sync-Clock": measured})
        row = Outbox.objects.get()
        assert abs(row.oldest_at - now) < timedelta(seconds=30)

    @pytest.mark.parametrize(
        ("body", "pointers"),
        [
            ([], [""]),
            ({}, ["/at"]),
            ({"at": "yesterday"}, ["/at"]),
            ({"at": "2026-03-04T12:00:00"}, ["/at"]),
            ({"at": "0001-01-01T00:00:00+14:00"}, ["/at"]),
            ({"at": AT, "unsent": []}, ["/unsent"]),
            ({"at": AT, "unsent": {str(n): {} for n in range(51)}}, ["/unsent"]),
            ({"at": AT, "unsent": {"Mr. Doe/x": {"count": 1}}}, ["/unsent/Mr. Doe~1x"]),
            ({"at": AT, "unsent": {"facts": 3}}, ["/unsent/facts"]),
            ({"at": AT, "refused": {"facts": {"count": -1}}}, ["/refused/facts"]),
            ({"at": AT, "refused": {"facts": {"count": True}}}, ["/refused/facts"]),
            ({"at": AT, "refused": {"facts": {"count": 2**31}}}, ["/refused/facts"]),
            ({"at": AT, "unsent": {"facts": {"count": 1, "oldest_at": 3}}}, ["/unsent/facts"]),
        ],
    )
    def test_what_is_wrong_is_named_and_nothing_is_kept(
        self, client: Client, mine: EnrolledTablet, body: Any, pointers: list[str]
    ) -> None:
        answer = declare(client, mine, body)
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers
        assert not Outbox.objects.exists()

    def test_is_a_contact(self, client: Client, mine: EnrolledTablet) -> None:
        declare(client, mine, {"at": AT})
        assert Tablet.objects.get().last_seen_at is not None


class TestPurged:
    def test_is_recorded_once_for_each_order_to_drop(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        user = mine.tablet.sign_ins.get().user
        id = rooms.note("x", to=user)
        said = [{"collection": "notes", "ids": [str(id)]}]
        for _ in range(2):
            rooms.withdraw(id)
            for _ in range(2):
                assert purged(client, mine, said).status_code == 204
            rooms.note("x", to=user, id=id)
        receipts = PurgeReceipt.objects.order_by("seq")
        assert [(r.local_database_id, r.collection, r.doc_id) for r in receipts] == [
            (mine.instance, "notes", id)
        ] * 2
        assert receipts[0].seq < receipts[1].seq

    def test_counts_once_where_the_order_is_forgotten(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        said = [{"collection": "notes", "ids": [str(uuid7())] * 2}]
        for _ in range(2):
            assert purged(client, mine, said).status_code == 204
        assert PurgeReceipt.objects.get().seq == 0

    def test_copies_that_arrive_together_are_one(self, mine: EnrolledTablet) -> None:
        id = rooms.note("x", to=mine.tablet.sign_ins.get().user)
        rooms.withdraw(id)
        said = [{"collection": "notes", "ids": [str(id), str(uuid7())]}]
        barrier = threading.Barrier(4)
        statuses = []

        def go() -> None:
            try:
                barrier.wait()
                statuses.append(purged(Client(), mine, said).status_code)
            finally:
                connection.close()

        threads = [threading.Thread(target=go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [204] * 4
        assert PurgeReceipt.objects.count() == 2

    @pytest.mark.parametrize(
        ("body", "pointers"),
        [
            ({}, [""]),
            ([3], ["/0"]),
            ([{"collection": "notes"}], ["/0"]),
            ([{"collection": "Mr. Doe", "ids": []}], ["/0"]),
            ([{"collection": "notes", "ids": ["x", 3]}], ["/0/ids/0", "/0/ids/1"]),
            ([{"collection": "notes", "ids": [str(uuid7()) for _ in range(1001)]}], [""]),
        ],
    )
    def test_what_is_wrong_is_named_and_nothing_is_recorded(
        self, client: Client, mine: EnrolledTablet, body: Any, pointers: list[str]
    ) -> None:
        answer = purged(client, mine, body)
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers
        assert not PurgeReceipt.objects.exists()

    def test_receipts_are_not_changed(self, client: Client, mine: EnrolledTablet) -> None:
        purged(client, mine, [{"collection": "notes", "ids": [str(uuid7())]}])
        with pytest.raises(Exception, match="append-only"):
            PurgeReceipt.objects.update(seq=9)
