"""What a pull promises, over HTTP and on PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import services as accounts
from apps.accounts.models import LocalDatabase, Role
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes.reading import head
from apps.core.ids import uuid7
from apps.sync.headers import format_head
from tests.factories import NOON, EnrolledTablet, person, tablet, team
from tests.probe import rooms

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held() -> EnrolledTablet:
    return tablet(person())


def pull(
    client: Client, of: EnrolledTablet, collection: str = "notes", **options: Any
) -> tuple[list[dict[str, Any]], str]:
    headers = of.headers | options.pop("headers", {})
    answer = client.get(f"/api/v1/sync/{collection}/pull", options, headers=headers)
    assert answer.status_code == 200, answer.content
    body = answer.json()
    return body["documents"], body["checkpoint"]["c"]


def responder(of: EnrolledTablet) -> Any:
    return of.tablet.sign_ins.get(ended_at=None).user


def test_a_document_comes_with_its_revision(client: Client, held: EnrolledTablet) -> None:
    id = rooms.note("first", to=responder(held))
    rooms.note("second", to=responder(held), id=id)
    documents, _ = pull(client, held)
    assert documents == [{"id": str(id), "text": "second", "rev": 2, "_deleted": False}]


def test_a_checkpoint_continues(client: Client, held: EnrolledTablet) -> None:
    first = rooms.note("a", to=responder(held))
    documents, checkpoint = pull(client, held)
    assert [d["id"] for d in documents] == [str(first)]
    second = rooms.note("b", to=responder(held))
    documents, checkpoint = pull(client, held, checkpoint=checkpoint)
    assert [d["id"] for d in documents] == [str(second)]
    assert pull(client, held, checkpoint=checkpoint) == ([], checkpoint)


def test_a_page_is_full_or_the_last(client: Client, held: EnrolledTablet) -> None:
    made = rooms.notes([str(n) for n in range(7)], to=responder(held))  # one commit
    made += rooms.notes([str(n) for n in range(3)], to=responder(held))
    found: list[str] = []
    sizes = []
    checkpoint = ""
    while True:
        documents, checkpoint = pull(client, held, limit=4, checkpoint=checkpoint)
        sizes.append(len(documents))
        found += [d["id"] for d in documents]
        if len(documents) < 4:
            break
    assert sizes == [4, 4, 2]
    assert sorted(found) == sorted(map(str, made))
    assert len(set(found)) == 10


def test_a_tablet_that_holds_nothing_gets_a_checkpoint_too(
    client: Client, held: EnrolledTablet
) -> None:
    documents, checkpoint = pull(client, held)
    assert documents == []
    assert pull(client, held, checkpoint=checkpoint) == ([], checkpoint)


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "1e3", "ten", "", "99999999999"])
def test_a_limit_out_of_range_is_named(client: Client, held: EnrolledTablet, limit: str) -> None:
    answer = client.get(f"/api/v1/sync/notes/pull?limit={limit}", headers=held.headers)
    assert answer.status_code == 400
    assert "limit is a whole number from 1 to 1000" in answer.json()["detail"]
    assert answer.json()["errors"][0]["pointer"] == "/limit"


def test_a_withdrawn_document_is_an_order_to_drop_it(client: Client, held: EnrolledTablet) -> None:
    id = rooms.note("x", to=responder(held))
    _, checkpoint = pull(client, held)
    rooms.withdraw(id)
    documents, _ = pull(client, held, checkpoint=checkpoint)
    assert documents == [{"id": str(id), "_deleted": True}]


def test_another_responder_on_the_tablet_purges_and_fills(
    client: Client, held: EnrolledTablet
) -> None:
    first, second = responder(held), person()
    mine, theirs = rooms.note("mine", to=first), rooms.note("theirs", to=second)
    documents, checkpoint = pull(client, held)
    assert [d["id"] for d in documents] == [str(mine)]
    accounts.sign_in(tablet=held.tablet, user=second, now=NOON)
    documents, _ = pull(client, held, checkpoint=checkpoint)
    assert {d["id"]: d["_deleted"] for d in documents} == {str(mine): True, str(theirs): False}


def test_nobody_signed_in_gets_tombstones_only(client: Client, held: EnrolledTablet) -> None:
    user = responder(held)
    mine = rooms.note("mine", to=user)
    rooms.sign("for everyone")
    _, checkpoint = pull(client, held)
    accounts.sign_out(tablet=held.tablet, by=SYSTEM, now=NOON)
    rooms.note("later", to=user)
    documents, _ = pull(client, held, checkpoint=checkpoint)
    assert documents == [{"id": str(mine), "_deleted": True}]
    documents, at = pull(client, held, "signs")
    assert documents == []
    accounts.sign_in(tablet=held.tablet, user=user, now=NOON)
    assert len(pull(client, held, "signs", checkpoint=at)[0]) == 1


def test_reference_data_is_the_same_for_all(client: Client, held: EnrolledTablet) -> None:
    rooms.sign("a code list")
    other = tablet(person())
    documents, checkpoint = pull(client, held, "signs")
    assert [d["text"] for d in documents] == ["a code list"]
    assert pull(client, other, "signs") == (documents, checkpoint)
    assert pull(client, other, "signs", checkpoint=checkpoint) == ([], checkpoint)


# --- who asks ---


def test_a_server_that_cannot_write_notes_no_contact_and_answers(
    client: Client, held: EnrolledTablet
) -> None:
    """A standby: 15 seconds after the last contact that it knows of there is one to be noted."""
    with connection.cursor() as cursor:
        cursor.execute("set default_transaction_read_only = on")
    try:
        assert pull(client, held)[0] == []
    finally:
        with connection.cursor() as cursor:
            cursor.execute("set default_transaction_read_only = off")
    held.tablet.refresh_from_db()
    assert held.tablet.last_seen_at is None


def test_a_retired_tablet_is_shut_out(client: Client, held: EnrolledTablet) -> None:
    accounts.retire_tablet(tablet=held.tablet, by=SYSTEM, now=NOON)
    answer = client.get("/api/v1/sync/notes/pull", headers=held.headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_no_instance_is_a_clear_error(client: Client, held: EnrolledTablet) -> None:
    headers = {"Authorization": f"Bearer {held.token}"}
    answer = client.get("/api/v1/sync/notes/pull", headers=headers)
    assert answer.status_code == 400
    assert "Sync-Instance" in answer.json()["detail"]


def test_a_new_local_database_is_known_at_its_first_contact(
    client: Client, held: EnrolledTablet
) -> None:
    id = rooms.note("x", to=responder(held))
    fresh = EnrolledTablet(held.tablet, held.token, uuid7())
    documents, _ = pull(client, fresh)
    assert [d["id"] for d in documents] == [str(id)]
    assert LocalDatabase.objects.get(pk=fresh.instance).tablet_id == held.tablet.pk


def test_the_local_database_of_another_tablet_is_refused(
    client: Client, held: EnrolledTablet
) -> None:
    other = tablet(person())
    rooms.note("secret", to=responder(other))
    stranger = EnrolledTablet(held.tablet, held.token, other.instance)
    answer = client.get("/api/v1/sync/notes/pull", headers=stranger.headers)
    assert answer.status_code == 409
    assert b"secret" not in answer.content
    assert "another tablet" in answer.json()["detail"]


@pytest.mark.parametrize("collection", ["nothing", "alerts_of_others"])
def test_an_unknown_collection(client: Client, held: EnrolledTablet, collection: str) -> None:
    answer = client.get(f"/api/v1/sync/{collection}/pull", headers=held.headers)
    assert answer.status_code == 404
    assert answer.json()["code"] == "unknown-collection"


def test_a_browser_session_pulls_nothing(client: Client) -> None:
    client.force_login(person(Role.SUPERVISOR), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/v1/sync/notes/pull").status_code in {401, 403}


# --- checkpoints and histories ---


def refused(client: Client, of: EnrolledTablet, checkpoint: str, **headers: str) -> Any:
    return client.get(
        "/api/v1/sync/notes/pull", {"checkpoint": checkpoint}, headers=of.headers | headers
    )


def test_the_checkpoint_of_another_is_refused(client: Client, held: EnrolledTablet) -> None:
    other = tablet(person())
    _, theirs = pull(client, other)
    answer = refused(client, held, theirs)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad-checkpoint"
    _, of_marks = pull(client, held, "marks")
    assert refused(client, held, of_marks).status_code == 400
    assert refused(client, held, of_marks[:-4] + "AAAA").status_code == 400


def put_back_in_time(seq: int) -> None:
    """As a restored dump: the commit is not there, or is another one under the same number."""
    with connection.cursor() as cursor:
        cursor.execute("alter table feed_commit disable trigger user")
        cursor.execute("update feed_commit set nonce = nonce + 1 where seq >= %s", [seq])
        cursor.execute("alter table feed_commit enable trigger user")


def test_a_checkpoint_of_another_history_gets_no_documents(
    client: Client, held: EnrolledTablet
) -> None:
    rooms.note("x", to=responder(held))
    _, checkpoint = pull(client, held)
    put_back_in_time(head().seq)
    rooms.note("of the new history", to=responder(held))
    answer = refused(client, held, checkpoint)
    assert answer.status_code == 409
    assert answer.json()["code"] == "another-history"
    assert b"of the new history" not in answer.content
    assert answer.headers["Sync-Epoch"]
    assert answer.headers["Sync-Head"] == format_head(head())


def test_a_head_of_another_history_gets_no_documents(client: Client, held: EnrolledTablet) -> None:
    rooms.note("x", to=responder(held))
    seen = format_head(head())
    put_back_in_time(head().seq)
    assert refused(client, held, "", **{"Sync-Seen": seen}).status_code == 409


def test_a_head_beyond_ours_is_another_history_too(client: Client, held: EnrolledTablet) -> None:
    """A primary has everything that was ever committed; only a standby can be behind."""
    answer = refused(client, held, "", **{"Sync-Seen": f"{head().seq + 5}.77"})
    assert answer.status_code == 409


def test_what_was_seen_here_is_served(client: Client, held: EnrolledTablet) -> None:
    rooms.note("x", to=responder(held))
    assert len(pull(client, held, headers={"Sync-Seen": format_head(head())})[0]) == 1


def test_every_answer_says_where_the_server_stands(client: Client, held: EnrolledTablet) -> None:
    rooms.note("x", to=responder(held))
    answer = client.get("/api/v1/sync/notes/pull", headers=held.headers)
    assert answer.headers["Sync-Head"] == format_head(head())
    assert UUID(answer.headers["Sync-Epoch"])
    assert answer.headers["Content-Type"] == "application/json"


# --- one bad document ---


def test_an_unreadable_document_is_flagged_and_the_others_come(
    client: Client, held: EnrolledTablet, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = rooms.notes(["Harald", "b"], to=responder(held))
    with connection.cursor() as cursor:
        cursor.execute(
            "update feed_document set body = set_byte(body, 30, get_byte(body, 30) # 1) "
            "where doc_id = %s",
            [bad],
        )
    with caplog.at_level(logging.ERROR):
        documents, _ = pull(client, held)
    by_id = {d["id"]: d for d in documents}
    assert by_id[str(bad)] == {
        "id": str(bad),
        "rev": 1,
        "sync_status": "unreadable",
        "_deleted": False,
    }
    assert by_id[str(good)]["text"] == "b"
    assert [r.levelname for r in caplog.records] == ["ERROR"]
    assert "Harald" not in caplog.text


# --- audit ---


def test_a_pull_is_one_audit_entry(client: Client, held: EnrolledTablet) -> None:
    made = rooms.notes(["a", "b"], to=responder(held))
    _, checkpoint = pull(client, held)
    entry = Entry.objects.get(action="read")
    assert (entry.actor_kind, entry.actor_id, entry.tablet_id) == (
        "tablet",
        responder(held).pk,
        held.tablet.pk,
    )
    assert (entry.subject_type, sorted(entry.subject_ids)) == ("note", sorted(made))
    pull(client, held, checkpoint=checkpoint)
    rooms.withdraw(made[0])
    pull(client, held, checkpoint=checkpoint)
    assert Entry.objects.filter(action="read").count() == 1  # nothing, or a tombstone: no reading


def test_reference_data_is_not_audited(client: Client, held: EnrolledTablet) -> None:
    rooms.sign("x")
    assert len(pull(client, held, "signs")[0]) == 1
    assert not Entry.objects.filter(action="read").exists()


def test_no_entry_no_documents(
    client: Client, held: EnrolledTablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms.note("x", to=responder(held))
    with connection.cursor() as cursor:
        cursor.execute("alter table audit_entry rename to audit_away")
    try:
        client.raise_request_exception = False
        answer = client.get("/api/v1/sync/notes/pull", headers=held.headers)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("alter table audit_away rename to audit_entry")
    assert answer.status_code >= 500
    assert b'"x"' not in answer.content


# --- clock and contact ---


def test_the_clock_is_measured_and_written_when_it_says_something_new(
    client: Client, held: EnrolledTablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = int(NOON.timestamp() * 1000)
    monkeypatch.setattr("apps.core.clock.now", lambda: NOON)

    def offset(device_ms: int) -> int | None:
        pull(client, held, headers={"Sync-Clock": f"{device_ms};rtt=100"})
        held.tablet.refresh_from_db()
        return held.tablet.clock_offset_ms

    assert offset(now_ms + 5000) == 5050
    assert held.tablet.last_seen_at == NOON
    assert offset(now_ms + 5500) == 5050  # within a second and within 15 s
    assert offset(now_ms + 7000) == 7050


# --- cost ---


def test_an_idle_poll_takes_four_statements(
    client: Client, held: EnrolledTablet, count: Callable[..., int]
) -> None:
    rooms.note("x", to=responder(held))
    _, checkpoint = pull(client, held)
    # The tablet by its token, who is signed in, the local database, and the feed.
    assert count(lambda: pull(client, held, checkpoint=checkpoint)) == 4


def test_a_page_takes_an_audit_entry_more(
    client: Client, held: EnrolledTablet, count: Callable[..., int]
) -> None:
    rooms.notes([str(n) for n in range(300)], to=responder(held))
    pull(client, held, limit=1)
    assert count(lambda: pull(client, held, limit=300)) == 5


@pytest.fixture
def count() -> Callable[..., int]:
    def counting(act: Callable[[], object]) -> int:
        with CaptureQueriesContext(connection) as captured:
            act()
        return len(captured)

    return counting


def test_the_team_is_not_everyone(client: Client) -> None:
    ours, theirs = team(), team()
    rooms.note("for our team", to=ours)
    supervisor = tablet(person(Role.SUPERVISOR, of=ours), of=ours)
    stranger = tablet(person(Role.SUPERVISOR, of=theirs), of=theirs)
    assert len(pull(client, supervisor)[0]) == 1
    assert pull(client, stranger)[0] == []


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_tablet_that_calls_itself_a_desk_gets_nothing_of_it(
    client: Client, signed_in: bool
) -> None:
    desk, stolen = person(Role.DISPATCHER), tablet(person() if signed_in else None)
    rooms.note("on the desk", to=desk)
    answer = client.get(
        "/api/v1/sync/notes/pull", headers={**stolen.headers, "Sync-Instance": str(desk.pk)}
    )
    assert answer.status_code == 409
    assert b"on the desk" not in answer.content
