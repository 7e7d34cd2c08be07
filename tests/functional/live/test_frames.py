"""What is published reaches the sockets of those who may see it, and nobody else's."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import connection, transaction

from apps.accounts import services as accounts
from apps.accounts.models import User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from tests.factories import NOON, EnrolledTablet, person, tablet
from tests.functional.live.conftest import taking_part
from tests.probe import rooms
from tests.probe.client import PATIENCE, SocketClient, joined
from tests.processes import Server


@pytest.fixture
def user() -> User:
    return person()


@pytest.fixture
def held(user: User) -> EnrolledTablet:
    return tablet(user)


@pytest.fixture
def client(shared: Server, held: EnrolledTablet) -> Iterator[SocketClient]:
    with joined(shared.ws_url, held) as client:
        yield client


def test_a_frame_arrives_after_publishing(client: SocketClient, user: User) -> None:
    id = rooms.note("come", to=user)
    client.until(lambda: client.has(id))
    document = {"id": str(id), "text": "come", "rev": 1, "_deleted": False}
    assert client.documents[str(id)] == document
    assert client.frames[-1]["collection"] == "notes"


def test_every_version_continues_the_one_before(client: SocketClient, user: User) -> None:
    id = rooms.note("1", to=user)
    client.until(lambda: client.has(id))
    for text in ("2", "3"):
        rooms.note(text, to=user, id=id)
        client.until(lambda: client.documents[str(id)]["text"] == text)  # noqa: B023
    rooms.withdraw(id)
    client.until(lambda: not client.has(id))


def test_many_documents_of_one_commit_are_all_there(client: SocketClient, user: User) -> None:
    made = rooms.notes([str(n) for n in range(250)], to=user)
    client.until(lambda: client.has(*made))
    assert len(client.received) == 250
    assert max(len(frame["documents"]) for frame in client.frames) <= 100


def publish_both(user: User) -> tuple[UUID, UUID]:
    """In one commit: what a tablet wrote, and what it is called to."""
    mark, note = rooms.uuid7(), rooms.uuid7()
    with transaction.atomic():
        rooms.note("a tap", to=user, id=mark, collection="marks")
        rooms.note("a call", to=user, id=note)
    return mark, note


@pytest.fixture
def live(shared: Server, held: EnrolledTablet, user: User) -> Iterator[SocketClient]:
    with taking_part(shared, held, user) as client:
        yield client


def test_a_call_goes_before_everything_else_of_its_commit(live: SocketClient, user: User) -> None:
    for _ in range(3):
        mark, note = publish_both(user)
        live.until(lambda: live.has(mark, note))  # noqa: B023
        assert [one["id"] for one in live.received[-2:]] == [str(note), str(mark)]


@contextlib.contextmanager
def readings_of_a_mark_fail(when: str = "true") -> Iterator[None]:
    """The audit log takes no entry about a mark where that holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "create sequence test_readings; grant usage on sequence test_readings to public;"
            "create function test_fail() returns trigger language plpgsql as $$ begin "
            f"if new.subject_type = 'mark' and {when} then "
            "raise exception 'no reading'; end if; return new; end $$;"
            "create trigger test_fail before insert on audit_entry "
            "for each row execute function test_fail()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            "drop trigger test_fail on audit_entry; drop function test_fail; "
            "drop sequence test_readings"
        )


@pytest.fixture
def one_reading_of_a_mark_fails() -> Iterator[None]:
    """The audit log cannot take the next entry about a mark; the one after it can be taken."""
    with readings_of_a_mark_fail(when="nextval('test_readings') = 1"):
        yield


@pytest.fixture
def no_reading_of_a_mark_can_be_written_down() -> Iterator[None]:
    with readings_of_a_mark_fail():
        yield


def test_what_follows_a_call_and_cannot_be_written_down_comes_by_catching_up(
    live: SocketClient, user: User, one_reading_of_a_mark_fails: None
) -> None:
    mark, note = publish_both(user)
    live.until(lambda: live.has(mark, note))
    assert [one["id"] for one in live.received] == [str(note), str(mark)]
    with connection.cursor() as cursor:
        cursor.execute("select last_value from test_readings")
        assert cursor.fetchone() == (2,)
    again = rooms.note("and on it goes", to=user, collection="marks")
    live.until(lambda: live.has(again))


def test_what_cannot_be_sent_to_one_silences_nobody_else(
    shared: Server,
    client: SocketClient,
    user: User,
    no_reading_of_a_mark_can_be_written_down: None,
) -> None:
    client.until(lambda: client.heartbeats)
    stranger = person()
    with joined(shared.ws_url, tablet(stranger)) as other:
        other.until(lambda: other.heartbeats)
        rooms.note("breaks", to=user, collection="marks")
        assert client.closed() == (1013, "something broke here: dial again later")
        for text in ("comes by catching up", "comes with a round"):
            note = rooms.note(text, to=stranger)
            other.until(lambda: other.has(note))  # noqa: B023


def test_nobody_gets_what_is_not_theirs(shared: Server, client: SocketClient, user: User) -> None:
    stranger = person()
    with joined(shared.ws_url, tablet(stranger)) as other:
        mine, theirs = rooms.note("mine", to=user), rooms.note("theirs", to=stranger)
        client.until(lambda: client.has(mine))
        other.until(lambda: other.has(theirs))
        assert (set(client.documents), set(other.documents)) == ({str(mine)}, {str(theirs)})


def test_two_local_databases_of_one_tablet_both_get_it(
    shared: Server, client: SocketClient, user: User, held: EnrolledTablet
) -> None:
    second = EnrolledTablet(held.tablet, held.token, rooms.uuid7())
    with joined(shared.ws_url, second) as other:
        id = rooms.note("both", to=user)
        client.until(lambda: client.has(id))
        other.until(lambda: other.has(id))


def test_an_unreadable_document_is_flagged_and_the_others_come(
    client: SocketClient, user: User
) -> None:
    with transaction.atomic():
        bad, good = rooms.notes(["a", "b"], to=user)
        with connection.cursor() as cursor:
            cursor.execute("update feed_document set body = 'not sealed' where doc_id = %s", [bad])
    client.until(lambda: client.has(bad, good))
    assert client.documents[str(bad)]["sync_status"] == "unreadable"
    assert client.documents[str(good)]["text"] == "b"


# --- audit ---


def test_a_frame_is_one_audit_entry(client: SocketClient, user: User, held: EnrolledTablet) -> None:
    made = rooms.notes(["a", "b"], to=user)
    client.until(lambda: client.has(*made))
    entry = Entry.objects.get(action="read")
    assert (entry.actor_kind, entry.actor_id) == ("tablet", user.pk)
    assert (entry.tablet_id, entry.subject_type) == (held.tablet.pk, "note")
    assert sorted(entry.subject_ids) == sorted(made)


def test_no_frame_leaves_before_its_audit_entry_is_committed(
    client: SocketClient, user: User
) -> None:
    with contextlib.closing(connection.copy()) as other:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("lock table audit_entry in share mode")  # nobody can write it now
        id = rooms.note("x", to=user)
        for _ in range(3):
            assert client.next()["type"] == "heartbeat"
        assert not client.has(id)
        other.rollback()
    client.until(lambda: client.has(id))
    assert Entry.objects.filter(action="read", subject_ids__contains=[id]).exists()


# --- who is on the tablet ---


def test_another_responder_purges_and_fills(
    client: SocketClient, user: User, held: EnrolledTablet
) -> None:
    second = person()
    mine, theirs = rooms.note("mine", to=user), rooms.note("theirs", to=second)
    client.until(lambda: client.has(mine))
    accounts.sign_in(tablet=held.tablet, user=second, now=NOON)
    client.until(lambda: client.has(theirs) and not client.has(mine))
    entry = Entry.objects.get(action="read", subject_ids__contains=[theirs])
    assert entry.actor_id == second.pk


def test_signing_out_purges(client: SocketClient, user: User, held: EnrolledTablet) -> None:
    mine = rooms.note("mine", to=user)
    client.until(lambda: client.has(mine))
    accounts.sign_out(tablet=held.tablet, by=SYSTEM, now=NOON)
    client.until(lambda: not client.has(mine))
    rooms.note("later", to=user)
    for _ in range(2):
        assert client.next()["type"] == "heartbeat"
    assert client.documents == {}


def test_what_everyone_may_see_comes_to_whoever_is_signed_in(shared: Server, user: User) -> None:
    first = rooms.sign("a code list")
    held = tablet(of=user.team)
    with joined(shared.ws_url, held) as client:
        for _ in range(2):
            assert client.next()["type"] == "heartbeat"
        accounts.sign_in(tablet=held.tablet, user=user, now=NOON)
        client.until(lambda: client.has(first))
        second = rooms.sign("another")
        client.until(lambda: client.has(second))


def test_a_retired_tablet_is_purged_and_its_socket_closed_at_once(
    shared: Server, client: SocketClient, user: User, held: EnrolledTablet
) -> None:
    mine = rooms.note("mine", to=user)
    client.until(lambda: client.has(mine))
    accounts.retire_tablet(tablet=held.tablet, by=SYSTEM, now=NOON)
    assert client.closed() == (4401, "this access was ended")  # and not looked up later
    assert client.documents == {}
    request = urllib.request.Request(f"{shared.url}/api/v1/sync/notes/pull", headers=held.headers)
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=PATIENCE)
    assert raised.value.code == 401
    raised.value.close()


# --- what a client can check ---


def test_a_heartbeat_says_where_the_frames_have_come_to(client: SocketClient, user: User) -> None:
    id = rooms.note("x", to=user)
    client.until(lambda: client.has(id))
    client.until(lambda: client.next()["type"] == "heartbeat")
    beat = client.heartbeats[-1]
    assert beat["checkpoints"]["notes"] == client.checkpoints["notes"]
    assert beat["epoch"] == client.welcome["epoch"]
    seq = int(beat["head"].partition(".")[0])
    assert seq >= int(client.welcome["head"].partition(".")[0]) + 1


def test_a_pull_leads_to_the_checkpoint_of_the_frames(
    shared: Server, client: SocketClient, user: User, held: EnrolledTablet
) -> None:
    made = rooms.notes(["a", "b", "c"], to=user)
    client.until(lambda: client.has(*made))
    request = urllib.request.Request(f"{shared.url}/api/v1/sync/notes/pull", headers=held.headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert client.checkpoints["notes"] in answer.read().decode()


# --- plain clients ---


def test_a_plain_client_is_told_to_pull_and_sent_nothing(
    shared: Server, user: User, held: EnrolledTablet
) -> None:
    rooms.note("before", to=user)
    with joined(shared.ws_url, held, mode="resync") as client:
        client.until(lambda: client.resyncs == 1)
        rooms.note("after", to=user)
        client.until(lambda: client.resyncs == 2)
        assert client.frames == []
        client.until(lambda: client.heartbeats)
        assert "checkpoints" not in client.heartbeats[-1]
    assert not Entry.objects.filter(action="read").exists()
