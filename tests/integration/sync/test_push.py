"""What a push promises: a verdict for every row, nothing lost, nothing twice."""

from __future__ import annotations

import functools
import json
import logging
import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes.models import Change, StoredDocument
from apps.changes.reading import head
from apps.core.ids import uuid7
from apps.sync.headers import format_head
from apps.sync.models import QuarantinedWrite, TakenWrite
from tests.factories import NOON, EnrolledTablet, person, tablet

pytestmark = pytest.mark.django_db(transaction=True)

Document = dict[str, Any]


@pytest.fixture
def held() -> EnrolledTablet:
    return tablet(person())


def row(text: str = "typed", **fields: Any) -> Document:
    document = {"id": str(uuid7()), "text": text, "_deleted": False}
    return {"newDocumentState": document | fields}


def post(client: Client, of: EnrolledTablet, rows: Any, collection: str = "marks") -> Any:
    return client.post(
        f"/api/v1/sync/{collection}/push", rows, "application/json", headers=of.headers
    )


def push(client: Client, of: EnrolledTablet, *rows: Document, to: str = "marks") -> list[Document]:
    answer = post(client, of, list(rows), to)
    assert answer.status_code == 200, answer.content
    found: list[Document] = answer.json()
    return found


def pulled(client: Client, of: EnrolledTablet, collection: str = "marks") -> list[Document]:
    answer = client.get(f"/api/v1/sync/{collection}/pull?limit=1000", headers=of.headers)
    found: list[Document] = answer.json()["documents"]
    return found


def responder(of: EnrolledTablet) -> User:
    return of.tablet.sign_ins.get(ended_at=None).user


# --- taken ---


def test_what_is_applied_as_sent_is_not_returned(client: Client, held: EnrolledTablet) -> None:
    sent = row(editor=str(held.instance), edit_no=1)
    assert push(client, held, sent) == []
    [document] = pulled(client, held)
    assert document["text"] == "typed"
    assert document["author_id"] == str(responder(held).pk)
    taken = TakenWrite.objects.get()
    assert (taken.editor, taken.edit_no, taken.instance) == (held.instance, 1, held.instance)


def test_what_the_handler_changed_is_returned(client: Client, held: EnrolledTablet) -> None:
    [answer] = push(client, held, row("change"))
    assert (answer["text"], answer["_deleted"]) == ("changed", False)


def test_a_fact_goes_to_the_room_that_knows_its_kind(client: Client, held: EnrolledTablet) -> None:
    assert push(client, held, row(kind="probe"), to="facts") == []
    assert [d["kind"] for d in pulled(client, held, "facts")] == ["probe"]
    [answer] = push(client, held, row(kind="rumour"), to="facts")
    assert answer["sync_status"] == "quarantined"
    assert answer["sync_errors"][0].startswith("/kind: ")


def test_a_push_answers_with_the_head_it_made(client: Client, held: EnrolledTablet) -> None:
    answer = post(client, held, [row()])
    assert answer.headers["Sync-Head"] == format_head(head())
    assert UUID(answer.headers["Sync-Epoch"])


# --- once ---


def test_a_repeat_has_no_effect(client: Client, held: EnrolledTablet) -> None:
    sent = row()
    for _ in range(3):
        assert push(client, held, sent) == []
    assert len(pulled(client, held)) == 1
    assert StoredDocument.objects.get(collection="marks").rev == 1
    assert not QuarantinedWrite.objects.exists()


def test_a_repeat_with_what_the_server_wrote_is_a_repeat(
    client: Client, held: EnrolledTablet
) -> None:
    """After another history a client sends every document it holds, as it was served."""
    push(client, held, row(editor=str(held.instance), edit_no=4))
    [served] = pulled(client, held)
    assert {"rev", "author_id"} <= set(served)
    assert push(client, held, {"newDocumentState": {**served, "edit_no": 9}}) == []
    assert StoredDocument.objects.get(collection="marks").rev == 1


def test_a_repeat_within_one_request(client: Client, held: EnrolledTablet) -> None:
    sent = row()
    assert push(client, held, sent, sent) == []
    assert len(pulled(client, held)) == 1


def test_another_content_under_a_taken_id_is_kept_and_the_taken_one_returned(
    client: Client, held: EnrolledTablet
) -> None:
    sent = row("first")
    push(client, held, sent)
    other = {"newDocumentState": {**sent["newDocumentState"], "text": "second"}}
    [answer] = push(client, held, other)
    assert (answer["text"], answer["rev"]) == ("first", 1)
    assert "sync_status" not in answer
    kept = QuarantinedWrite.objects.get()
    assert kept.content["text"] == "second"


@pytest.mark.parametrize("copies", [2, 4])
def test_copies_that_arrive_together_are_taken_once(held: EnrolledTablet, copies: int) -> None:
    sent = [row(str(n)) for n in range(10)]
    barrier = threading.Barrier(copies)
    answers: list[tuple[int, list[Document]]] = []

    def go() -> None:
        try:
            barrier.wait()
            answer = post(Client(), held, sent)
            answers.append((answer.status_code, answer.json()))
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(copies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(200, [])] * copies
    assert TakenWrite.objects.count() == 10
    assert set(StoredDocument.objects.values_list("rev", flat=True)) == {1}
    assert not QuarantinedWrite.objects.exists()


# --- one bad row ---


@pytest.mark.parametrize("text", ["refuse", "integrity", "deferred", "break"])
def test_one_bad_row_blocks_nothing(
    client: Client, held: EnrolledTablet, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    before, bad, after = row("before"), row(text), row("after")
    with caplog.at_level(logging.CRITICAL):
        [answer] = push(client, held, before, bad, after)
    assert answer["id"] == bad["newDocumentState"]["id"]
    assert answer["text"] == text
    assert answer["sync_status"] == "quarantined"
    assert answer["sync_errors"]
    seen = {d["text"]: d.get("sync_status") for d in pulled(client, held)}
    assert seen == {"before": None, "after": None, text: "quarantined"}
    kept = QuarantinedWrite.objects.get()
    assert kept.content["text"] == text
    assert kept.author == responder(held)


def test_a_broken_handler_raises_an_alarm_without_the_text(
    client: Client, held: EnrolledTablet, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        push(client, held, row("break"))
    assert "a push handler failed" in caplog.text


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"id": "not-a-uuid"}, "/id"),
        ({"id": "01931F6E-7F42-7C3A-9A51-0D7A8F4B2C11"}, "/id"),
        ({"editor": "somebody"}, "/editor"),
        ({"edit_no": 0}, "/edit_no"),
        ({"edit_no": "7"}, "/edit_no"),
        ({"edit_no": 2**70}, "/edit_no"),
        ({"text": "x" * 70_000}, "/"),
    ],
)
def test_what_cannot_be_a_document_is_kept_whole(
    client: Client, held: EnrolledTablet, fields: Document, pointer: str
) -> None:
    sent = row(**fields)
    [answer] = push(client, held, sent, row("fine"))[:1]
    assert answer["sync_errors"][0].startswith(f"{pointer}: ")
    kept = QuarantinedWrite.objects.get()
    assert kept.content == sent["newDocumentState"]
    assert kept.doc_id == sent["newDocumentState"]["id"]
    assert TakenWrite.objects.count() == 1


def test_a_quarantined_row_is_one_row_however_often_it_is_sent(
    client: Client, held: EnrolledTablet
) -> None:
    sent = row("refuse")
    [first] = push(client, held, sent)
    [again] = push(client, held, sent)
    assert first == again
    assert QuarantinedWrite.objects.count() == 1
    push(client, held, {"newDocumentState": {**sent["newDocumentState"], "edit_no": 2}})
    assert QuarantinedWrite.objects.count() == 2  # another save of the same text


def test_a_refused_row_can_be_corrected(client: Client, held: EnrolledTablet) -> None:
    [answer] = push(client, held, row("refuse", edit_no=1, editor=str(held.instance)))
    corrected = {**answer, "text": "better", "edit_no": 2}
    sent = {"newDocumentState": corrected, "assumedMasterState": answer}
    assert push(client, held, sent) == []
    [document] = pulled(client, held)
    assert document["text"] == "better"
    assert "sync_status" not in document
    assert not QuarantinedWrite.objects.open().exists()


def test_quarantine_is_sealed_and_names_its_base(client: Client, held: EnrolledTablet) -> None:
    sent = row("refuse", name="Harald")
    sent["assumedMasterState"] = {"id": sent["newDocumentState"]["id"], "text": "Sigrid"}
    push(client, held, sent)
    with connection.cursor() as cursor:
        cursor.execute("select q::text from sync_quarantinedwrite q")
        [(stored,)] = cursor.fetchall()
    for word in ("Harald", "Sigrid"):
        assert word not in stored
        assert word.encode().hex() not in stored
    assert QuarantinedWrite.objects.get().base["text"] == "Sigrid"


def test_quarantine_is_for_the_author_and_the_tablets_supervisors(
    client: Client, held: EnrolledTablet
) -> None:
    push(client, held, row("refuse"))
    own = person(Role.SUPERVISOR, of=held.tablet.team)
    for user, sees in ((own, 1), (responder(held), 1), (person(Role.SUPERVISOR), 0)):
        assert QuarantinedWrite.objects.visible_to(user).count() == sees


def test_the_admin_shows_content_on_its_page_alone_and_writes_it_down(
    client: Client, held: EnrolledTablet
) -> None:
    push(client, held, row("refuse", name="Harald"))
    kept = QuarantinedWrite.objects.get()
    supervisor = person(Role.SUPERVISOR, of=held.tablet.team)
    client.force_login(supervisor, backend="django.contrib.auth.backends.ModelBackend")
    listed = client.get("/admin/sync/quarantinedwrite/")
    assert listed.status_code == 200
    assert str(kept) in listed.content.decode()
    assert b"Harald" not in listed.content
    page = client.get(f"/admin/sync/quarantinedwrite/{kept.pk}/change/")
    assert b"Harald" in page.content
    entry = Entry.objects.filter(action="read", actor_id=supervisor.pk).latest("at")
    assert entry.subject_ids == [kept.pk]
    stranger = person(Role.SUPERVISOR)
    client.force_login(stranger, backend="django.contrib.auth.backends.ModelBackend")
    assert b"Harald" not in client.get(f"/admin/sync/quarantinedwrite/{kept.pk}/change/").content


# --- deletions, lost rights, nobody ---


def test_a_purge_that_comes_back_is_no_deletion(client: Client, held: EnrolledTablet) -> None:
    sent = row()
    push(client, held, sent)
    id = sent["newDocumentState"]["id"]
    assert push(client, held, {"newDocumentState": {"id": id, "_deleted": True}}) == []
    assert [d["id"] for d in pulled(client, held)] == [id]
    assert not QuarantinedWrite.objects.exists()


def test_a_recorded_fact_cannot_be_deleted(client: Client, held: EnrolledTablet) -> None:
    sent = row()
    push(client, held, sent)
    gone = {**sent["newDocumentState"], "_deleted": True, "edit_no": 2}
    [answer] = push(client, held, {"newDocumentState": gone})
    assert (answer["text"], answer["_deleted"]) == ("typed", False)
    assert QuarantinedWrite.objects.get().content["_deleted"] is True


def test_the_document_of_another_is_not_shown_to_whoever_names_its_id(
    client: Client, held: EnrolledTablet
) -> None:
    other = tablet(person())
    sent = row("secret")
    push(client, other, sent)
    mine = {"newDocumentState": {**sent["newDocumentState"], "text": "mine"}}
    [answer] = push(client, held, mine)
    assert answer == {"id": sent["newDocumentState"]["id"], "_deleted": True}
    assert QuarantinedWrite.objects.get().content["text"] == "mine"


def test_what_is_pushed_when_nobody_is_signed_in_is_kept(
    client: Client, held: EnrolledTablet
) -> None:
    accounts.sign_out(tablet=held.tablet, by=SYSTEM, now=NOON)
    sent = row("typed before the end of the shift")
    [answer] = push(client, held, sent)
    assert answer == {"id": sent["newDocumentState"]["id"], "_deleted": True}
    kept = QuarantinedWrite.objects.get()
    assert kept.author is None
    assert kept.content["text"] == "typed before the end of the shift"
    supervisor = person(Role.SUPERVISOR, of=held.tablet.team)
    assert QuarantinedWrite.objects.visible_to(supervisor).get() == kept


def test_a_push_is_taken_whatever_history_the_tablet_has_seen(
    client: Client, held: EnrolledTablet
) -> None:
    ahead = EnrolledTablet(held.tablet, held.token, held.instance)
    headers = ahead.headers | {"Sync-Seen": "999999.1"}
    answer = client.post("/api/v1/sync/marks/push", [row()], "application/json", headers=headers)
    assert (answer.status_code, answer.json()) == (200, [])


# --- the request as a whole ---


def test_pull_only(client: Client, held: EnrolledTablet) -> None:
    answer = post(client, held, [row()], "notes")
    assert (answer.status_code, answer.json()["code"]) == (403, "pull-only")


def test_unknown_collection(client: Client, held: EnrolledTablet) -> None:
    answer = post(client, held, [row()], "nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-collection")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[1,]"])
def test_what_is_not_json(client: Client, held: EnrolledTablet, body: bytes) -> None:
    answer = client.post("/api/v1/sync/marks/push", body, "application/json", headers=held.headers)
    assert answer.status_code == 400
    assert answer.json()["code"] == "unparsable"


@pytest.mark.parametrize(("levels", "status"), [(150, 200), (230, 400), (900, 400)])
@pytest.mark.parametrize("place", ["newDocumentState", "assumedMasterState"])
def test_what_can_be_read_and_not_be_written_again_is_named(
    client: Client, held: EnrolledTablet, levels: int, status: int, place: str
) -> None:
    deep = row()
    deep["assumedMasterState"] = {"id": deep["newDocumentState"]["id"]}
    deep[place]["text"] = functools.reduce(lambda inner, _: [inner], range(levels), "x")
    body = json.dumps([deep])
    answer = client.post("/api/v1/sync/marks/push", body, "application/json", headers=held.headers)
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["errors"][0]["pointer"] == "/0"


def test_a_body_that_is_too_large(client: Client, held: EnrolledTablet, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = post(client, held, [row("x" * 1000)])
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert "1000 bytes" in answer.json()["detail"]


def test_many_rows_are_many_transactions(client: Client, held: EnrolledTablet) -> None:
    assert push(client, held, *[row(str(n)) for n in range(120)]) == []
    assert Change.objects.filter(collection="marks").values("commit_id").distinct().count() == 3


def test_a_retired_tablet_is_shut_out(client: Client, held: EnrolledTablet) -> None:
    accounts.retire_tablet(tablet=held.tablet, by=SYSTEM, now=NOON)
    assert post(client, held, [row()]).status_code == 401


def test_a_database_that_is_too_busy_asks_to_come_back(
    client: Client, held: EnrolledTablet
) -> None:
    """Another publisher holds the order of commits for longer than the lock's time-out."""
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("select pg_advisory_xact_lock(7301, 1)")
                locked.set()
                done.wait(60)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(60)
    try:
        with connection.cursor() as cursor:
            cursor.execute("set lock_timeout = '100ms'")
        sent = row()
        answer = post(client, held, [sent])
    finally:
        done.set()
        holder.join()
        with connection.cursor() as cursor:
            cursor.execute("reset lock_timeout")
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert push(client, held, sent) == []
    assert len(pulled(client, held)) == 1


# --- schemas ---


def test_tombstones_and_stubs_are_valid_under_every_published_schema(
    client: Client, held: EnrolledTablet
) -> None:
    import jsonschema  # noqa: PLC0415

    push(client, held, row(kind="probe"), to="facts")
    [fact] = pulled(client, held, "facts")
    for collection in ("facts", "notes", "marks", "signs"):
        answer = client.get(f"/api/v1/schemas/{collection}", headers=held.headers)
        schema = answer.json()
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        validator.validate({"id": str(uuid7()), "_deleted": True})
        validator.validate({"id": str(uuid7()), "sync_status": "unreadable", "_deleted": False})
    schema = client.get("/api/v1/schemas/facts", headers=held.headers).json()
    jsonschema.Draft202012Validator(schema).validate(fact)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({**fact, "text": 5})
