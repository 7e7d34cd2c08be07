"""What tablets declare: what they have not sent, and what they have dropped."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import Role, Tablet
from apps.changes.reading import head
from apps.changes.services import forget
from apps.core import clock
from apps.core.ids import short, uuid7
from apps.sync.models import CheckedDigest, Outbox, PurgeReceipt, QuarantinedWrite
from apps.sync.services import quarantine
from tests.factories import EnrolledTablet, person, tablet, team
from tests.integration.sync.conftest import Pages
from tests.integration.sync.test_admin import Desk
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
        assert abs(row.oldest_at - now) < timedelta(minutes=10)
        measured = str(int(fast.timestamp() * 1000))
        declare(client, mine, {**body, "at": now.isoformat()}, **{"Sync-Clock": measured})
        row = Outbox.objects.get()
        assert abs(row.oldest_at - now) < timedelta(minutes=10)

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
            ({"at": AT, "unsent": {"facts": {"count": 1, "kinds": []}}}, ["/unsent/facts"]),
            (
                {"at": AT, "unsent": {"facts": {"count": 1, "kinds": {"Mr. Doe": 1}}}},
                ["/unsent/facts"],
            ),
            ({"at": AT, "unsent": {"facts": {"count": 1, "kinds": {"a": -1}}}}, ["/unsent/facts"]),
            ({"at": AT, "digests": [1]}, ["/digests"]),
            ({"at": AT, "digests": {"facts": {"head": "9.1", "count": 1}}}, ["/digests/facts"]),
            (
                {"at": AT, "digests": {"facts": {"head": "9", "count": 1, "agrees": True}}},
                ["/digests/facts"],
            ),
            (
                {"at": AT, "digests": {"facts": {"head": "9.1", "count": "1", "agrees": True}}},
                ["/digests/facts"],
            ),
        ],
    )
    def test_what_is_wrong_is_named_and_nothing_is_kept(
        self, client: Client, mine: EnrolledTablet, body: Any, pointers: list[str]
    ) -> None:
        answer = declare(client, mine, body)
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers
        assert not Outbox.objects.exists()

    def test_of_digests_the_last_word_of_each_collection_stands(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        differs = {"head": "20.7", "count": 3, "agrees": False}
        agrees = {"head": "21.8", "count": 4, "agrees": True}
        declare(client, mine, {"at": AT, "digests": {"notes": differs, "pages": differs}})
        declare(client, mine, {"at": AT, "digests": {"notes": agrees}})
        declare(client, mine, {"at": AT})  # an older app says nothing of it
        found = {row.collection: row for row in CheckedDigest.objects.all()}
        assert {name: (row.agrees, row.count, row.head_seq) for name, row in found.items()} == {
            "notes": (True, 4, 21),
            "pages": (False, 3, 20),
        }
        [row] = listed(Role.SUPERVISOR, mine)
        said = [(one["collection"], one["agrees"], one["count"]) for one in row["digests"]]
        assert said == [("notes", True, 4), ("pages", False, 3)]
        desk = Desk(person(Role.SUPERVISOR, of=mine.tablet.team))
        page = desk.read(f"tablet/{mine.tablet.pk}/change/", base="/admin/accounts/")
        assert "<td>NO</td>" in re.sub(r"<td[^>]*>", "<td>", page)
        for chosen, shown in (("differs", True), ("refused", False)):
            listing = desk.read(f"tablet/?look={chosen}", base="/admin/accounts/")
            assert (mine.tablet.label in listing) == shown

    def test_kinds_are_told_apart_and_those_of_a_newer_app_are_kept(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        facts = {"count": 3, "kinds": {"assignment_event": 2, "of_a_newer_app": 1}}
        declare(client, mine, {"at": AT, "unsent": {"facts": facts, "pages": {"count": 1}}})
        other = EnrolledTablet(mine.tablet, mine.token, uuid7())
        declare(client, other, {"at": AT, "unsent": {"facts": {**facts, "count": 5}}})
        [row] = listed(Role.SUPERVISOR, mine)
        assert row["outbox"]["unsent"] == {"facts": 8, "pages": 1}
        assert row["outbox"]["kinds"] == {"facts": {"assignment_event": 4, "of_a_newer_app": 2}}
        desk = Desk(person(Role.SUPERVISOR, of=mine.tablet.team))
        page = desk.read(f"tablet/{mine.tablet.pk}/change/", base="/admin/accounts/")
        assert "4 assignment_event, 2 of_a_newer_app" in page

    def test_that_was_declared_before_kinds_were_is_shown(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        declare(client, mine, {"at": AT})
        Outbox.objects.update(unsent={"facts": {"count": 2, "oldest_at": None}}, unsent_count=2)
        outbox = listed(Role.SUPERVISOR, mine)[0]["outbox"]
        assert (outbox["unsent"], outbox["kinds"]) == ({"facts": 2}, {})

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

    def test_the_same_again_after_the_order_was_forgotten_is_a_repeat(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        id = rooms.note("x", to=mine.tablet.sign_ins.get().user)
        rooms.withdraw(id)
        said = [{"collection": "notes", "ids": [str(id)]}]
        purged(client, mine, said)
        forget(holder=mine.instance, collection="notes", before=head().seq + 1)
        purged(client, mine, said)
        assert PurgeReceipt.objects.get().seq == head().seq

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


class TestReceipts:
    """What supervisors read of what was dropped."""

    def test_say_which_tablet_dropped_which_document_and_when(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        [first, second] = rooms.notes(["a", "b"], to=mine.tablet.sign_ins.get().user)
        rooms.withdraw(first)
        purged(client, mine, [{"collection": "notes", "ids": [str(first)]}])
        purged(client, mine, [{"collection": "marks", "ids": [str(second)]}])
        found = receipts(Role.SUPERVISOR, mine)
        assert [(row["collection"], row["document"], row["ordered"]) for row in found] == [
            ("marks", str(second), False),
            ("notes", str(first), True),
        ]
        assert {row["label"] for row in found} == {mine.tablet.label}
        assert {row["tablet"] for row in found} == {str(mine.tablet.pk)}
        assert len(receipts(Role.DISPATCHER, mine, document=str(first))) == 1
        assert len(receipts(Role.DISPATCHER, mine, collection="marks")) == 1
        assert receipts(Role.DISPATCHER, mine, tablet=str(uuid7())) == []
        desk = Desk(person(Role.SUPERVISOR, of=mine.tablet.team))
        page = desk.read("purgereceipt/")
        assert mine.tablet.label in page
        assert short(first) in page
        one = PurgeReceipt.objects.get(doc_id=first)
        assert short(first) in desk.read(f"purgereceipt/{one.pk}/change/")
        narrowed = desk.read(f"purgereceipt/?tablet={mine.tablet.pk}")
        assert short(first) in narrowed

    def test_are_for_those_who_answer_for_the_tablet(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        purged(client, mine, [{"collection": "notes", "ids": [str(uuid7())]}])
        stranger = Desk(person(Role.SUPERVISOR))
        assert mine.tablet.label not in stranger.read("purgereceipt/")
        assert stranger.client.get("/api/v1/purge-receipts").json()["results"] == []
        assert stranger.client.get("/api/v1/purge-receipts?tablet=x").status_code == 400
        assert mine.tablet.label in Desk(person(Role.ADMINISTRATOR)).read("purgereceipt/")


class TestTablets:
    """What supervisors and the dispatch desk see of each tablet."""

    def test_says_what_was_not_sent_since_when_and_by_whom(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        waits = {"facts": {"count": 2, "oldest_at": "2026-03-04T12:03:11-08:00"}}
        body = {"unsent": waits, "refused": {"pages": {"count": 1}}, "at": AT}
        declare(client, mine, body)
        other = EnrolledTablet(mine.tablet, mine.token, uuid7())
        declare(client, other, {"unsent": {"facts": {"count": 1}, "pages": {"count": 0}}, "at": AT})
        [row] = listed(Role.SUPERVISOR, mine)
        assert row["label"] == mine.tablet.label
        assert row["signed_in"]["display_name"] == mine.tablet.sign_ins.get().user.display_name
        outbox = row["outbox"]
        assert (outbox["unsent"], outbox["unsent_count"]) == ({"facts": 3}, 3)
        assert outbox["refused_count"] == 1
        assert outbox["oldest_at"] is not None

    def test_says_since_when_there_was_no_contact(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        [row] = listed(Role.SUPERVISOR, mine)
        assert (row["in_contact"], row["last_seen_at"], row["outbox"]) == (False, None, None)
        declare(client, mine, {"at": AT})
        assert listed(Role.SUPERVISOR, mine)[0]["in_contact"]
        Tablet.objects.update(last_seen_at=clock.now() - timedelta(minutes=5))
        assert not listed(Role.SUPERVISOR, mine)[0]["in_contact"]

    @pytest.mark.parametrize(("seconds", "suspect"), [(119, False), (-121, True), (10_800, True)])
    def test_marks_a_wrong_clock(self, mine: EnrolledTablet, seconds: int, suspect: bool) -> None:
        Tablet.objects.update(clock_offset_ms=seconds * 1000)
        [row] = listed(Role.SUPERVISOR, mine)
        assert row["clock"] == {"offset_ms": seconds * 1000, "suspect": suspect}

    def test_counts_what_was_told_to_drop_until_it_is_said_or_passed(
        self, client: Client, mine: EnrolledTablet
    ) -> None:
        ids = rooms.notes(["a", "b", "c"], to=mine.tablet.sign_ins.get().user)
        for id in ids[:2]:
            rooms.withdraw(id)
        assert listed(Role.SUPERVISOR, mine)[0]["still_holds"] == 2
        purged(client, mine, [{"collection": "notes", "ids": [str(ids[0])]}])
        assert listed(Role.SUPERVISOR, mine)[0]["still_holds"] == 1
        rooms.note("a", to=mine.tablet.sign_ins.get().user, id=ids[0])
        rooms.withdraw(ids[0])  # the earlier word does not count for it
        assert listed(Role.SUPERVISOR, mine)[0]["still_holds"] == 2
        forget(holder=mine.instance, collection="notes", before=head().seq + 1)
        assert listed(Role.SUPERVISOR, mine)[0]["still_holds"] == 0

    def test_counts_what_is_open(self, pair: tuple[Pages, Pages]) -> None:
        mine, theirs = pair
        id = mine.new(title="t")
        theirs.pull()
        mine.save(id, title="mine")
        theirs.save(id, title="theirs")
        mine.save(uuid7(), title="refuse")
        open = {
            row["label"]: (row["quarantine_open"], row["conflicts_open"])
            for row in listed(Role.SUPERVISOR, mine.of)
        }
        assert open == {mine.of.tablet.label: (1, 0), theirs.of.tablet.label: (0, 1)}
        quarantine.acknowledge(
            write=QuarantinedWrite.objects.get(), by=person(Role.SUPERVISOR), now=clock.now()
        )
        assert sum(row["quarantine_open"] for row in listed(Role.SUPERVISOR, mine.of)) == 0

    def test_is_for_the_own_team_and_the_dispatch_desk(self, mine: EnrolledTablet) -> None:
        tablet()
        assert [row["id"] for row in listed(Role.SUPERVISOR, mine)] == [str(mine.tablet.pk)]
        assert len(listed(Role.DISPATCHER, mine)) == 2
        assert listed(Role.SUPERVISOR, tablet(of=team()))[0]["id"] != str(mine.tablet.pk)

    def test_costs_the_same_for_any_number(
        self, mine: EnrolledTablet, django_assert_max_num_queries: Any
    ) -> None:
        counts = []
        for _ in range(2):
            with django_assert_max_num_queries(60) as captured:
                listed(Role.DISPATCHER, mine)
            counts.append(len(captured))
            for _ in range(5):
                tablet(person(of=mine.tablet.team))
        assert counts[0] == counts[1]


def listed(role: str, of: EnrolledTablet) -> list[dict[str, Any]]:
    """The list as a person of this role reads it; a supervisor is the tablet's."""
    user = person(role, of=of.tablet.team if role == Role.SUPERVISOR else None)
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    found: list[dict[str, Any]] = browser.get("/api/v1/tablets").json()["results"]
    return found


def receipts(role: str, of: EnrolledTablet, **query: str) -> list[dict[str, Any]]:
    """As `listed`, of what was dropped."""
    user = person(role, of=of.tablet.team if role == Role.SUPERVISOR else None)
    found: list[dict[str, Any]] = []
    address: str | None = f"/api/v1/purge-receipts?limit=1&{urlencode(query)}"
    while address:
        answer = Desk(user).client.get(address).json()
        found += answer["results"]
        address = answer["next"]
    return found
