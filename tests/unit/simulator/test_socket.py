"""Frames that continue what the tablet has are taken; anything else makes it pull."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from apps.simulator.radio import Radio
from apps.simulator.tablet.socket import Socket
from tests.unit.simulator.scripted import EPOCH, OTHER_EPOCH, Impatient, Rig, page

WELCOME = {"type": "welcome", "head": "5.1", "epoch": EPOCH, "heartbeat_seconds": 5}


def frame(prev: str | None, checkpoint: str, *documents: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "frame",
        "collection": "facts",
        "prev": prev,
        "documents": list(documents),
        "checkpoint": checkpoint,
    }


def heartbeat(**more: Any) -> dict[str, Any]:
    return {"type": "heartbeat", "head": "6.1", "epoch": EPOCH} | more


Speak = Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]


async def converse(rig: Rig, speak: Speak, sessions: int = 1, mode: str = "frames") -> list[bool]:
    """So many sessions with a real server that speaks after each hello and then closes."""

    async def handle(connection: ServerConnection) -> None:
        await speak(connection, json.loads(await connection.recv()))

    async with serve(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        dial = Radio(Impatient()).dial
        socket = Socket(f"ws://127.0.0.1:{port}", rig.store, rig.replication, dial, mode=mode)
        return [await socket.session() for _ in range(sessions)]


def play(rig: Rig, *messages: dict[str, Any], mode: str = "frames") -> None:
    async def speak(connection: ServerConnection, hello: dict[str, Any]) -> None:
        for message in (WELCOME, *messages):
            await connection.send(json.dumps(message))

    asyncio.run(converse(rig, speak, mode=mode))


def test_frames_that_continue_are_taken() -> None:
    rig = Rig()
    frames = frame(None, "1", {"id": "a", "rev": 1}), frame("1", "2", {"id": "b", "rev": 1})
    play(rig, *frames)
    assert [document["id"] for document in rig.store.documents("facts")] == ["a", "b"]
    assert rig.replication.wanted == ()


def test_a_missing_frame_makes_it_pull_and_nothing_is_taken_in_between() -> None:
    rig = Rig()
    frames = frame(None, "1", {"id": "a", "rev": 1}), frame("2", "3", {"id": "c", "rev": 1})
    play(rig, *frames)
    assert rig.replication.wanted == ("facts",)
    assert [document["id"] for document in rig.store.documents("facts")] == ["a"]


def test_a_doubled_frame_changes_nothing() -> None:
    rig = Rig()
    first = frame(None, "1", {"id": "a", "rev": 1})
    play(rig, first, first, heartbeat())
    assert len(rig.arrived) == 1
    assert rig.replication.wanted == ()


def test_a_heartbeat_shows_that_the_last_frame_went_missing() -> None:
    rig = Rig()
    beat = heartbeat(checkpoints={"facts": "9", "assignments": None})
    play(rig, beat)
    assert rig.replication.wanted == ("facts",)


def test_a_heartbeat_that_agrees_asks_for_nothing() -> None:
    rig = Rig()
    first = frame(None, "1", {"id": "a", "rev": 1})
    beat = heartbeat(checkpoints={"facts": "1"})
    play(rig, first, beat)
    assert rig.replication.wanted == ()


def test_resync_makes_it_pull_everything() -> None:
    rig = Rig()
    play(rig, {"type": "resync"})
    assert set(rig.replication.wanted) == {"assignments", "facts"}


def test_a_plain_client_pulls_for_a_head_beyond_what_it_has_pulled() -> None:
    rig = Rig(*(page(checkpoint="1", head="5.1") for _ in range(2)))
    for name in rig.replication.collections:
        asyncio.run(rig.replication.pull_once(name))
    play(rig, heartbeat(head="5.1"), mode="resync")
    assert rig.replication.wanted == ()
    rig.store.has_seen("6.1")  # its own push has shown it
    play(rig, heartbeat(), mode="resync")
    assert set(rig.replication.wanted) == {"assignments", "facts"}


def test_another_history_is_noticed() -> None:
    rig = Rig()
    rig.store.follow(OTHER_EPOCH)
    play(rig)
    assert set(rig.replication.wanted) == {"assignments", "facts"}


def test_nothing_of_a_history_that_is_over_is_taken() -> None:
    """Another one was begun while these were on their way, and nothing of it was pulled yet."""
    old = [
        frame(None, "1", {"id": "a", "rev": 1}),
        {**frame(None, "1", {"id": "b", "rev": 1}), "collection": "assignments"},
        heartbeat(),
    ]
    for late in (old[1], old[2]):
        rig = Rig()
        rig.store.follow(EPOCH)
        rig.replication._arrived = lambda *_, rig=rig: rig.replication.renew(OTHER_EPOCH)
        play(rig, old[0], late)
        assert rig.store.epoch == OTHER_EPOCH
        assert rig.store.documents("assignments") == []


def test_after_a_cut_it_dials_again_from_where_it_is() -> None:
    rig = Rig()
    rig.store.enrolled("cft_token")
    hellos: list[dict[str, Any]] = []
    requests: list[Any] = []

    async def speak(connection: ServerConnection, hello: dict[str, Any]) -> None:
        hellos.append(hello)
        requests.append(connection.request)
        await connection.send(json.dumps(WELCOME))
        if len(hellos) == 1:
            await connection.send(json.dumps(frame(None, "1", {"id": "a", "rev": 1})))
            await connection.close(1012)

    assert asyncio.run(converse(rig, speak, sessions=2)) == [True, True]
    assert [hello["checkpoints"]["facts"] for hello in hellos] == [None, "1"]
    assert [hello["instance"] for hello in hellos] == [str(rig.store.instance)] * 2
    assert requests[0].headers["Authorization"] == "Bearer cft_token"
    assert "cft" not in requests[0].path


def test_a_silent_server_counts_as_gone() -> None:
    rig = Rig()

    async def speak(connection: ServerConnection, hello: dict[str, Any]) -> None:
        await connection.send(json.dumps({**WELCOME, "heartbeat_seconds": 0.05}))
        await connection.wait_closed()

    assert asyncio.run(converse(rig, speak)) == [True]


def test_a_server_that_turns_away_is_no_answer() -> None:
    rig = Rig()

    async def speak(connection: ServerConnection, hello: dict[str, Any]) -> None:
        await connection.close(4401)

    assert asyncio.run(converse(rig, speak)) == [False]


def test_a_tablet_of_another_history_dials_again_ever_more_slowly() -> None:
    """4409 comes after a welcome, and must not count as an answer: all tablets that wait for the
    operator of a restored server would dial without a pause. Any other close does count."""
    rig = Rig()
    pauses: list[int] = []

    async def pause(failures: int, least: float = 0.0) -> bool:
        pauses.append(failures)
        if len(pauses) == 6:
            raise Enough
        return False

    rig.replication.pause = pause  # type: ignore[method-assign]

    async def close(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send(json.dumps(WELCOME))
        await connection.close(4409 if len(pauses) < 4 else 1012)

    async def listen() -> None:
        async with serve(close, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            dial = Radio(Impatient()).dial
            socket = Socket(f"ws://127.0.0.1:{port}", rig.store, rig.replication, dial)
            with contextlib.suppress(Enough):
                await socket.listening()

    asyncio.run(listen())
    assert pauses == [1, 2, 3, 4, 0, 0]


class Enough(Exception):
    """The test has seen what it wanted to."""
