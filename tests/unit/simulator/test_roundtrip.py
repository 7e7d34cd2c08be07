"""Everything in one request, and what is wrong with one collection touches no other."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest

from apps.simulator.tablet.roundtrip import RoundTrip
from apps.simulator.tablet.wire import NoAnswer
from tests.unit.simulator.scripted import AT, EPOCH, OTHER_EPOCH, Answer, Rig, answered, refused

BUSY = {"status": 503, "code": "busy"}
NOT_USABLE = {"status": 400, "code": "bad-checkpoint"}


def part(checkpoint: str | None, *documents: Any, more: bool = False) -> dict[str, Any]:
    return {
        "documents": list(documents),
        "checkpoint": checkpoint and {"c": checkpoint},
        "more": more,
    }


def trip(push: dict[str, Any], pull: dict[str, Any], **standing: str) -> Answer:
    return answered({"push": push, "pull": pull}, **standing)


def go(rig: Rig) -> list[dict[str, Any]]:
    """The bodies that were sent."""
    asyncio.run(RoundTrip(rig.store, rig.wire, rig.replication).once())
    return bodies(rig)


def bodies(rig: Rig) -> list[dict[str, Any]]:
    return [json.loads(request.content) for request in rig.server.requests]


def typed(rig: Rig, id: str = "a") -> None:
    rig.store.save("facts", {"id": id, "text": "typed"}, at=AT)


def test_pushes_and_pulls_all_at_once() -> None:
    rig = Rig(
        trip(
            {"facts": []},
            {"assignments": part("1", {"id": "x", "rev": 1}), "facts": part("1")},
        )
    )
    typed(rig)
    [body] = go(rig)
    assert [row["newDocumentState"]["id"] for row in body["push"]["facts"]] == ["a"]
    assert body["pull"] == {"assignments": None, "facts": None}
    assert rig.store.unsent(1) == []
    assert rig.store.checkpoint("assignments") == "1"
    assert [one["id"] for one in rig.store.documents("assignments")] == ["x"]
    assert rig.store.seen == "10.1"


def test_goes_on_while_there_is_more_also_where_there_was_no_room() -> None:
    rig = Rig(
        trip({}, {"assignments": part("1", more=True), "facts": part(None, more=True)}),
        trip({}, {"assignments": part("2"), "facts": part("9")}),
    )
    first, second = go(rig)
    assert first["pull"] == {"assignments": None, "facts": None}
    assert second["pull"] == {"assignments": "1", "facts": None}
    assert rig.store.checkpoint("facts") == "9"


def test_what_is_wrong_with_one_collection_touches_no_other() -> None:
    rig = Rig(trip({"facts": BUSY}, {"assignments": part("1"), "facts": BUSY}))
    typed(rig)
    with pytest.raises(NoAnswer):
        go(rig)
    assert rig.store.checkpoint("assignments") == "1"
    assert [edit.id for edit in rig.store.unsent(9)] == ["a"]


def test_a_checkpoint_that_is_no_good_begins_from_the_start() -> None:
    rig = Rig(
        trip({}, {"assignments": NOT_USABLE, "facts": part("1")}),
        trip({}, {"assignments": part("2")}),
    )
    rig.store.take("assignments", [{"id": "gone", "rev": 1}], prev=None, checkpoint="0", at=AT)
    first, second = go(rig)
    assert (first["pull"]["assignments"], second["pull"]) == ("0", {"assignments": None})
    assert rig.store.documents("assignments") == []


def test_an_older_answer_has_judged_and_shows_nothing() -> None:
    rig = Rig(
        trip({"facts": []}, {"assignments": part("1"), "facts": part("1")}, head="5.1"),
        trip({}, {"assignments": part("2"), "facts": part("2")}),
    )
    rig.store.has_seen("7.1")
    typed(rig)
    _, second = go(rig)
    assert second == {"push": {}, "pull": {"assignments": None, "facts": None}, "limit": 500}


def test_what_is_too_much_at_once_goes_by_itself() -> None:
    rig = Rig(
        refused(413, Sync_Epoch=EPOCH),
        answered([]),
        trip({}, {"assignments": part("1"), "facts": part("1")}),
    )
    typed(rig)
    go(rig)
    assert [request.url.path for request in rig.server.requests] == [
        "/api/v1/sync",
        "/api/v1/sync/facts/push",
        "/api/v1/sync",
    ]
    assert rig.store.unsent(1) == []


def test_a_row_that_is_not_understood_is_set_aside() -> None:
    invalid = {"status": 400, "code": "invalid"}
    rig = Rig(
        trip({"facts": invalid}, {"assignments": part("1"), "facts": part("1")}),
        refused(400, body=invalid),
    )
    typed(rig)
    go(rig)
    assert rig.store.outbox().refused == 1


def test_in_another_history_what_was_held_goes_out_first() -> None:
    def followed(request: httpx2.Request) -> str:
        return str(request.headers["Sync-Followed"])

    rig = Rig(
        trip({"facts": []}, {"assignments": part("1")}, epoch=OTHER_EPOCH),
        trip({}, {"facts": part("1")}, epoch=OTHER_EPOCH),
    )
    rig.store.follow(EPOCH)
    typed(rig)
    rig.store.begin_again(OTHER_EPOCH, at=AT)
    first, second = go(rig)
    assert (first["pull"], second["pull"]) == ({"assignments": None}, {"facts": None})
    assert [followed(request) for request in rig.server.requests] == [EPOCH, OTHER_EPOCH]
