"""One round trip for everything: pushes, then pulls, each collection for itself."""

from __future__ import annotations

import gzip
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connection
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import Entry
from apps.changes.reading import Head
from apps.core.ids import uuid7
from apps.sync import checkpoints, registry, roundtrip
from apps.sync.models import Outbox, PurgeReceipt
from apps.sync.registry import Collection
from tests.factories import EnrolledTablet, person, tablet
from tests.probe import rooms

pytestmark = pytest.mark.django_db(transaction=True)
Document = dict[str, Any]


@pytest.fixture
def held() -> EnrolledTablet:
    return tablet(person())


def responder(of: EnrolledTablet) -> User:
    user: User = of.tablet.sign_ins.get(ended_at=None).user
    return user


def trip(client: Client, of: EnrolledTablet, headers: Any = None, **body: Any) -> Document:
    answer = client.post(
        "/api/v1/sync", body, "application/json", headers={**of.headers, **(headers or {})}
    )
    assert answer.status_code == 200, answer.content
    found: Document = answer.json()
    return found


def mark(text: str = "m", **fields: Any) -> Document:
    return {"newDocumentState": {"id": str(uuid7()), "text": text, **fields}}


class TestAtOnce:
    def test_what_is_pushed_is_taken_and_what_is_new_comes(
        self, client: Client, held: EnrolledTablet
    ) -> None:
        note = rooms.note("n", to=responder(held))
        row = mark()
        found = trip(client, held, push={"marks": [row]}, pull={"notes": None, "marks": None})
        assert found["push"] == {"marks": []}
        [document] = found["pull"]["notes"]["documents"]
        assert document == {"id": str(note), "text": "n", "rev": 1, "_deleted": False}
        # What was pushed a moment ago is in the same answer.
        [document] = found["pull"]["marks"]["documents"]
        assert document["id"] == row["newDocumentState"]["id"]
        assert found["pull"]["notes"]["more"] is False

    def test_checkpoints_go_on_as_those_of_a_pull(
        self, client: Client, held: EnrolledTablet
    ) -> None:
        rooms.note("a", to=responder(held))
        at = trip(client, held, pull={"notes": None})["pull"]["notes"]["checkpoint"]["c"]
        second = rooms.note("b", to=responder(held))
        [document] = trip(client, held, pull={"notes": at})["pull"]["notes"]["documents"]
        assert document["id"] == str(second)
        pulled = client.get("/api/v1/sync/notes/pull", {"checkpoint": at}, headers=held.headers)
        assert [d["id"] for d in pulled.json()["documents"]] == [str(second)]

    def test_it_says_where_the_server_stands(self, client: Client, held: EnrolledTablet) -> None:
        for body in ({}, {"pull": {"notes": None}}, {"push": {"marks": [mark()]}}):
            answer = client.post("/api/v1/sync", body, "application/json", headers=held.headers)
            assert answer["Sync-Epoch"]
            assert answer["Sync-Head"].count(".") == 1

    def test_the_head_is_at_least_the_pushs_own(self, client: Client, held: EnrolledTablet) -> None:
        body = {"push": {"marks": [mark()]}, "pull": {"notes": None}}
        answer = client.post("/api/v1/sync", body, "application/json", headers=held.headers)
        seen = answer["Sync-Head"]
        found = trip(client, held, headers={"Sync-Seen": seen}, pull={"marks": None})
        assert len(found["pull"]["marks"]["documents"]) == 1

    def test_every_document_that_is_handed_out_is_on_record(
        self, client: Client, held: EnrolledTablet
    ) -> None:
        note = rooms.note("n", to=responder(held))
        row = mark()
        trip(client, held, push={"marks": [row]}, pull={"notes": None, "marks": None})
        read = {
            (entry.subject_type, id)
            for entry in Entry.objects.filter(action="read")
            for id in entry.subject_ids
        }
        assert read == {("note", note), ("mark", UUID(row["newDocumentState"]["id"]))}

    def test_a_row_that_is_not_applied_as_sent_comes_back(
        self, client: Client, held: EnrolledTablet
    ) -> None:
        refused, changed = mark("refuse"), mark("change")
        found = trip(client, held, push={"marks": [refused, changed, mark()]})["push"]["marks"]
        assert {d["id"]: d["text"] for d in found} == {
            refused["newDocumentState"]["id"]: "refuse",
            changed["newDocumentState"]["id"]: "changed",
        }


class TestOneCollectionsTrouble:
    def test_touches_no_other_push(self, client: Client, held: EnrolledTablet) -> None:
        found = trip(
            client,
            held,
            push={
                "nowhere": [mark()],
                "notes": [mark()],
                "pages": {"not": "a list"},
                "facts": [{"newDocumentState": {"no": "id"}}],
                "marks": [mark()],
            },
        )["push"]
        assert found["marks"] == []
        codes = {name: one["code"] for name, one in found.items() if name != "marks"}
        assert codes == {
            "nowhere": "unknown-collection",
            "notes": "pull-only",
            "pages": "invalid",
            "facts": "invalid",
        }

    def test_touches_no_other_pull(self, client: Client, held: EnrolledTablet) -> None:
        rooms.note("n", to=responder(held))
        foreign = checkpoints.sign(
            checkpoints.Position(Head(10**6, 7), uuid7()),
            holder=held.instance,
            collection="pages",
            schema=1,
        )
        found = trip(
            client,
            held,
            pull={"nowhere": None, "alerts": None, "marks": "?", "pages": foreign, "notes": None},
        )["pull"]
        assert len(found["notes"]["documents"]) == 1
        codes = {name: one["code"] for name, one in found.items() if name != "notes"}
        assert codes == {
            "nowhere": "unknown-collection",
            "alerts": "unknown-collection",
            "marks": "bad-checkpoint",
            "pages": "another-history",
        }

    def test_is_no_reason_to_send_the_others_again(
        self, client: Client, held: EnrolledTablet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The database is lost between the pushes and the pulls: the verdicts arrive."""

        def lost(**_: object) -> None:
            raise OperationalError

        monkeypatch.setattr(roundtrip, "read", lost)
        found = trip(client, held, push={"marks": [mark()]}, pull={"notes": None, "marks": None})
        assert found["push"]["marks"] == []
        assert [found["pull"][name]["code"] for name in ("notes", "marks")] == ["busy", "busy"]

    def test_of_the_server_is_told_in_its_place(
        self, client: Client, held: EnrolledTablet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rooms.note("n", to=responder(held))
        whole = Collection.shape

        def broken(self: Collection, *arguments: Any) -> Any:
            if self.name == "pages":
                raise RuntimeError("a fault of a schema")
            return whole(self, *arguments)

        monkeypatch.setattr(Collection, "shape", broken)
        row = {"newDocumentState": {"id": str(uuid7()), "text": "x", "edit_no": 1}}
        row["newDocumentState"]["editor"] = str(held.instance)
        trip(client, held, headers={"Sync-Schema": "2"}, push={"pages": [row]})
        found = trip(client, held, pull={"pages": None, "notes": None})["pull"]
        assert found["pages"]["code"] == "failed"
        assert len(found["notes"]["documents"]) == 1


class TestBounds:
    def test_limit_is_for_all_and_what_nothing_may_delay_comes_first(
        self, client: Client, held: EnrolledTablet
    ) -> None:
        rooms.notes(["1", "2", "3"], to=responder(held))
        trip(client, held, push={"marks": [mark(), mark()]})
        given = {"signs": None, "marks": None, "notes": None}
        found = trip(client, held, pull=given, limit=4)["pull"]
        sizes = {name: (len(one["documents"]), one["more"]) for name, one in found.items()}
        assert sizes == {"notes": (3, False), "marks": (1, True), "signs": (0, True)}
        assert found["signs"]["checkpoint"] is None
        given = {name: (one["checkpoint"] or {}).get("c") for name, one in found.items()}
        found = trip(client, held, pull=given, limit=4)["pull"]
        assert [len(found[name]["documents"]) for name in ("notes", "marks")] == [0, 1]

    def test_calls_come_before_all_others(self) -> None:
        assert roundtrip._in_order({"reference": None, "facts": None, "assignments": None}) == [
            *("assignments", "facts", "reference")
        ]

    def test_too_many_rows_are_refused_before_any_is_taken(
        self, client: Client, held: EnrolledTablet, settings: Any
    ) -> None:
        settings.ROUND_TRIP_ROWS = 3
        body = {"push": {"marks": [mark(), mark()], "facts": [mark(), mark()]}}
        answer = client.post("/api/v1/sync", body, "application/json", headers=held.headers)
        assert answer.status_code == 400
        assert answer.json()["errors"] == [
            {"pointer": "/push", "detail": "At most 3 rows in all, not 4."}
        ]
        assert trip(client, held, pull={"marks": None})["pull"]["marks"]["documents"] == []

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ([], ""),
            ({"push": []}, "/push"),
            ({"push": 7}, "/push"),
            ({"pull": ["notes"]}, "/pull"),
            ({"pull": {"notes": 7}}, "/pull"),
            ({"limit": 0}, "/limit"),
            ({"limit": 1001}, "/limit"),
            ({"limit": True}, "/limit"),
            ({"limit": "9"}, "/limit"),
        ],
    )
    def test_a_request_that_is_none_is_an_error_of_the_whole(
        self, client: Client, held: EnrolledTablet, body: Any, pointer: str
    ) -> None:
        answer = client.post("/api/v1/sync", body, "application/json", headers=held.headers)
        assert answer.status_code == 400
        assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


class TestDeclarations:
    def test_are_kept(self, client: Client, held: EnrolledTablet) -> None:
        note = rooms.note("n", to=responder(held))
        trip(client, held, pull={"notes": None})
        rooms.withdraw(note)
        found = trip(
            client,
            held,
            outbox={
                "unsent": {"marks": {"count": 2, "oldest_at": "2026-03-04T20:00:00Z"}},
                "at": "2026-03-04T20:01:00Z",
            },
            purged=[{"collection": "notes", "ids": [str(note)]}],
        )
        assert found == {"push": {}, "pull": {}, "outbox": None, "purged": None}
        assert Outbox.objects.get().unsent_count == 2
        assert PurgeReceipt.objects.get().doc_id == note

    def test_that_are_wrong_are_told_in_their_place(
        self, client: Client, held: EnrolledTablet
    ) -> None:
        found = trip(client, held, outbox={"at": "?"}, purged=7, push={"marks": [mark()]})
        assert found["push"] == {"marks": []}
        assert (found["outbox"]["code"], found["purged"]["code"]) == ("invalid", "invalid")


def tombstones(of: EnrolledTablet) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from feed_item where holder = %s and not visible", [of.instance]
        )
        return int(cursor.fetchone()[0])


def test_what_a_tablet_has_dropped_is_forgotten(client: Client, held: EnrolledTablet) -> None:
    """A checkpoint that is presented here was read from the tablet's disk."""
    note = rooms.note("n", to=responder(held))
    at = trip(client, held, pull={"notes": None})["pull"]["notes"]["checkpoint"]["c"]
    rooms.withdraw(note)
    rooms.note("later", to=responder(held))
    found = trip(client, held, pull={"notes": at})["pull"]["notes"]
    assert found["documents"][0] == {"id": str(note), "_deleted": True}
    assert tombstones(held) == 1  # its answer may be lost
    trip(client, held, pull={"notes": found["checkpoint"]["c"]})
    assert tombstones(held) == 0


def test_a_tablet_without_a_responder_hands_over_and_is_emptied(
    client: Client, held: EnrolledTablet
) -> None:
    note = rooms.note("n", to=responder(held))
    at = trip(client, held, pull={"notes": None})["pull"]["notes"]["checkpoint"]["c"]
    client.post("/api/v1/sign-out", headers=held.headers)
    row = mark()
    found = trip(client, held, push={"marks": [row]}, pull={"notes": at, "signs": None})
    assert found["push"]["marks"] == [{"id": row["newDocumentState"]["id"], "_deleted": True}]
    assert found["pull"]["notes"]["documents"] == [{"id": str(note), "_deleted": True}]
    assert found["pull"]["signs"]["documents"] == []


def test_an_app_that_is_too_old_hands_over_and_is_told_to_update(
    client: Client, held: EnrolledTablet, settings: Any
) -> None:
    settings.OLDEST_SCHEMA_SERVED = 2
    found = trip(
        client,
        held,
        headers={"Sync-Schema": "1"},
        push={"marks": [mark()]},
        pull={"notes": None},
    )
    assert found["push"] == {"marks": []}
    assert found["pull"]["notes"]["code"] == "upgrade-required"


class TestPacking:
    def texts(self, held: EnrolledTablet) -> None:
        rooms.notes(["much the same"] * 100, to=responder(held))

    def test_of_a_round_trip_and_of_a_pull(self, client: Client, held: EnrolledTablet) -> None:
        self.texts(held)
        headers = {**held.headers, "Accept-Encoding": "gzip"}
        body = {"pull": {"notes": None}}
        for answer in (
            client.post("/api/v1/sync", body, "application/json", headers=headers),
            client.get("/api/v1/sync/notes/pull", headers=headers),
        ):
            assert answer["Content-Encoding"] == "gzip"
            assert answer["Vary"] == "Accept-Encoding"
            assert gzip.decompress(answer.content).count(b"much the same") == 100
            assert answer["Content-Length"] == str(len(answer.content))

    def test_is_never_for_a_browsers_session(self, client: Client, held: EnrolledTablet) -> None:
        """A page elsewhere could read a secret from the size (BREACH)."""
        user = person("supervisor")
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        for path in ("/api/v1/me", "/api/v1/schemas/facts", "/api/v1/incidents", "/admin/"):
            answer = client.get(path, headers={"Accept-Encoding": "gzip"})
            assert "Content-Encoding" not in answer
            assert len(answer.content) > 0

    def test_not_where_nobody_asked(self, client: Client, held: EnrolledTablet) -> None:
        self.texts(held)
        answer = client.get("/api/v1/sync/notes/pull", headers=held.headers)
        assert "Content-Encoding" not in answer


def test_a_collection_that_a_desk_alone_has_is_none_here() -> None:
    desk = registry.get("alerts")
    assert desk is not None
    assert desk.audience == "desk"
