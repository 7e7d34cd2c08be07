"""Pulls and pushes go on until the server has answered, whatever comes instead of an answer."""

from __future__ import annotations

import asyncio
import json
import time

import httpx2
import pytest

from apps.simulator.tablet import replication
from tests.unit.simulator.scripted import (
    AT,
    EPOCH,
    OTHER_EPOCH,
    Rig,
    answered,
    page,
    refused,
)

PROBLEM = {"code": "invalid", "detail": "no"}


def run_pull(rig: Rig, collection: str = "facts") -> None:
    asyncio.run(rig.replication.pull(collection))


def push_once(rig: Rig) -> None:
    asyncio.run(rig.replication.push())


def tap(rig: Rig, id: str) -> None:
    rig.store.save("facts", {"id": id, "event": "en_route"}, at=AT)


def test_a_pull_goes_on_until_a_page_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replication, "PAGE", 2)
    rig = Rig(
        page({"id": "a", "rev": 1}, {"id": "b", "rev": 1}, checkpoint="1"),
        page({"id": "c", "rev": 1}, checkpoint="2"),
    )
    run_pull(rig)
    assert [document["id"] for document in rig.store.documents("facts")] == ["a", "b", "c"]
    asked = [request.url.params.get("checkpoint") for request in rig.server.requests]
    assert asked == [None, "1"]


def test_an_answer_older_than_what_was_seen_is_dropped() -> None:
    rig = Rig(
        page({"id": "a", "rev": 1, "text": "old"}, checkpoint="1", head="4.1"),
        page({"id": "a", "rev": 2, "text": "new"}, checkpoint="2", head="9.1"),
    )
    rig.store.has_seen("9.1")
    run_pull(rig)
    assert rig.store.documents("facts") == [{"id": "a", "rev": 2, "text": "new"}]
    assert rig.arrived == [("facts", [{"id": "a", "rev": 2, "text": "new"}])]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_given_the_time_it_asks_for(status: int) -> None:
    rig = Rig(refused(status, Retry_After="0.2"), page(checkpoint="1"))
    began = time.monotonic()
    run_pull(rig)
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(
    "instead",
    [
        httpx2.ReadError("lost"),
        httpx2.ConnectError("no coverage"),
        httpx2.ReadTimeout("silence"),
        refused(500),
        refused(502),
    ],
)
def test_a_push_without_an_answer_is_sent_again_unchanged(instead: object) -> None:
    rig = Rig(instead, answered([]))  # type: ignore[arg-type]
    tap(rig, "f1")
    push_once(rig)
    first, second = (json.loads(request.content) for request in rig.server.requests)
    assert first == second
    assert rig.store.outbox().unsent == 0


def test_a_tablet_that_is_shut_out_keeps_what_it_holds_and_asks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replication, "LONGEST_PAUSE", 0.0)
    rig = Rig(refused(401), refused(403), answered([]))
    tap(rig, "f1")
    push_once(rig)
    assert len(rig.server.requests) == 3
    assert rig.store.get("facts", "f1") is not None


def test_edits_go_in_batches_and_in_order() -> None:
    rig = Rig(answered([]), answered([]))
    for number in range(60):
        tap(rig, f"f{number:02}")
    push_once(rig)
    batches = [json.loads(request.content) for request in rig.server.requests]
    ids = [[row["newDocumentState"]["id"] for row in batch] for batch in batches]
    assert ids == [[f"f{n:02}" for n in range(50)], [f"f{n:02}" for n in range(50, 60)]]


def test_one_refused_row_leaves_the_outbox_with_the_others() -> None:
    rig = Rig(answered([{"id": "f1", "sync_status": "quarantined", "_deleted": False}]))
    tap(rig, "f1")
    tap(rig, "f2")
    push_once(rig)
    assert (rig.store.outbox().unsent, rig.store.outbox().refused) == (0, 1)


def test_every_request_says_who_asks_what_it_has_seen_and_what_its_clock_says() -> None:
    rig = Rig(page(checkpoint="1"), page(checkpoint="1"))
    run_pull(rig)
    run_pull(rig)
    first, second = (request.headers for request in rig.server.requests)
    assert first["Sync-Instance"] == second["Sync-Instance"] == str(rig.store.instance)
    assert "Sync-Seen" not in first
    assert second["Sync-Seen"] == "10.1"
    assert first["Sync-Clock"].isdigit()
    assert ";rtt=" in second["Sync-Clock"]


def test_another_history_is_served_after_everything_was_sent_again() -> None:
    rig = Rig()
    mine = {"id": "f1", "rev": 5, "edit_no": 1, "editor": str(rig.store.instance)}
    others = {"id": "f2", "rev": 2, "edit_no": 1, "editor": "x"}
    rig.server.answers = [
        page(mine, others, checkpoint="7"),
        refused(409, Sync_Epoch=OTHER_EPOCH),
        answered([], epoch=OTHER_EPOCH),
        page({**mine, "rev": 1}, checkpoint="1", epoch=OTHER_EPOCH),
    ]
    rig.store.follow(EPOCH)
    run_pull(rig)
    run_pull(rig)
    assert rig.store.epoch == OTHER_EPOCH
    pushed, pulled = rig.server.requests[-2:]
    sent = [row["newDocumentState"]["id"] for row in json.loads(pushed.content)]
    assert sent == ["f1"]  # another tablet's fact is for that tablet to send
    assert pushed.headers["Sync-Followed"] == EPOCH
    assert pulled.headers["Sync-Followed"] == OTHER_EPOCH
    assert pulled.url.params.get("checkpoint") is None
    assert set(rig.replication.wanted) == {"assignments", "facts"}
    assert [document["id"] for document in rig.store.documents("facts")] == ["f1"]


def test_what_only_the_server_writes_does_not_wait_for_old_texts() -> None:
    rig = Rig(
        refused(409, Sync_Epoch=OTHER_EPOCH),
        page({"id": "a1", "rev": 1}, checkpoint="1", epoch=OTHER_EPOCH),
    )
    rig.store.follow(EPOCH)
    tap(rig, "f1")
    run_pull(rig, "assignments")
    assert rig.store.get("assignments", "a1") is not None
    assert rig.store.outbox().unsent == 1


def test_a_server_that_was_put_back_is_asked_slowly_and_keeps_being_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its operator has not come yet, so it names the history that the tablet follows."""
    waits: list[float] = []
    rig = Rig(
        page({"id": "f1", "rev": 5, "edit_no": 1, "editor": "x"}, checkpoint="7"),
        refused(409, body={"code": "another-history"}, Sync_Epoch=EPOCH),
        refused(409, body={"code": "another-history"}, Sync_Epoch=EPOCH),
        answered([]),
        page(checkpoint="8"),
    )

    async def pause(failures: int, least: float = 0.0) -> bool:
        waits.append(least)
        assert rig.replication.put_back
        if len(waits) == 2:
            tap(rig, "f2")
            await rig.replication.push()
        return False

    rig.store.follow(EPOCH)
    run_pull(rig)
    monkeypatch.setattr(rig.replication, "pause", pause)
    run_pull(rig)
    assert waits == [replication.LONGEST_PAUSE] * 2
    assert rig.store.get("facts", "f1") is not None
    assert rig.store.outbox().unsent == 0
    assert not rig.replication.put_back


def test_an_answer_from_before_another_history_leads_back_to_none() -> None:
    """A slow pull, overtaken by the answer that told of it."""
    rig = Rig()
    rig.store.follow(EPOCH)

    def slow(request: httpx2.Request) -> httpx2.Response:
        rig.store.begin_again(OTHER_EPOCH, at=AT)
        return page({"id": "a", "rev": 1}, checkpoint="1")(request)

    rig.server.answers = [slow, page({"id": "b", "rev": 1}, checkpoint="9", epoch=OTHER_EPOCH)]
    run_pull(rig)
    assert rig.store.epoch == OTHER_EPOCH
    assert [document["id"] for document in rig.store.documents("facts")] == ["b"]


def test_a_row_that_no_request_is_understood_with_is_set_aside_and_the_others_go_on() -> None:
    def judged(request: httpx2.Request) -> httpx2.Response:
        ids = [row["newDocumentState"]["id"] for row in json.loads(request.content)]
        return (refused(400, body=PROBLEM) if "f3" in ids else answered([]))(request)

    rig = Rig(*[judged] * 20)
    for number in range(7):
        tap(rig, f"f{number}")
    push_once(rig)
    assert (rig.store.outbox().unsent, rig.store.outbox().refused) == (0, 1)
    assert rig.store.problem("facts", "f3") == ["400 invalid no"]
    accepted = [f"f{n}" for n in range(7) if rig.store.accepted_at("facts", f"f{n}")]
    assert accepted == ["f0", "f1", "f2", "f4", "f5", "f6"]


def test_a_checkpoint_that_is_no_good_leads_to_a_pull_from_the_start() -> None:
    rig = Rig(
        page({"id": "a", "rev": 1}, {"id": "b", "rev": 1}, checkpoint="1"),
        refused(400, body={"code": "bad-checkpoint"}),
        page({"id": "b", "rev": 1}, checkpoint="2"),
    )
    run_pull(rig)
    run_pull(rig)
    assert [document["id"] for document in rig.store.documents("facts")] == ["b"]
    assert [r.url.params.get("checkpoint") for r in rig.server.requests] == [None, "1", None]


def test_a_call_for_help_goes_before_everything_that_waits() -> None:
    rig = Rig(answered([]), answered([]))
    tap(rig, "f1")
    rig.store.save("facts", {"id": "help", "event": "emergency"}, at=AT, urgent=True)
    push_once(rig)
    sent = [json.loads(request.content) for request in rig.server.requests]
    ids = [[row["newDocumentState"]["id"] for row in batch] for batch in sent]
    assert ids == [["help"], ["f1"]]


def test_what_waits_is_told_by_its_kinds_and_what_a_digest_came_to_is_told_once() -> None:
    rig = Rig(
        page({"id": "a", "rev": 1}, checkpoint="1"),
        answered({"count": 2, "sha256": "0" * 64, "left_out": []}, head="12.1"),
        refused(204),
        refused(204),
    )

    async def play() -> None:
        await rig.replication.pull("assignments")
        assert await rig.replication.check("assignments") is False
        for number, kind in enumerate(("assignment_event", "note_signature", "assignment_event")):
            rig.store.save("facts", {"id": f"f{number}", "kind": kind}, at=AT)
        await rig.replication.tell()
        rig.store.save("facts", {"id": "f4", "kind": "note_signature"}, at=AT)
        await rig.replication.tell()

    asyncio.run(play())
    first, second = (json.loads(request.content) for request in rig.server.requests[-2:])
    waits = {"count": 3, "kinds": {"assignment_event": 2, "note_signature": 1}}
    assert waits.items() <= first["unsent"]["facts"].items()
    assert first["digests"] == {"assignments": {"head": "12.1", "count": 1, "agrees": False}}
    assert second["unsent"]["facts"]["count"] == 4
    assert second["digests"] == {}
