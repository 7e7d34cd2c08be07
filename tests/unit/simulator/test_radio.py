"""The radio's faults are real to the server: what is lost was done, what is doubled came twice."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from apps.simulator.radio import CLEAR, Conditions, Fault, Radio


class Server:
    """A small HTTP server on a real socket that keeps what reaches it."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.answer = asyncio.Event()
        self.answer.set()
        self.url = ""
        self._came = asyncio.Condition()

    async def has_seen(self, number: int) -> None:
        """Wait until so many requests have come."""
        async with self._came, asyncio.timeout(60):
            await self._came.wait_for(lambda: len(self.seen) >= number)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                async with self._came:
                    self.seen.append(head.split(b" ")[1])
                    self._came.notify_all()
                await self.answer.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    clients: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients.add(task)
        await server.handle(reader, writer)

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as listener:
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield server
        server.answer.set()
    await asyncio.gather(*clients)


def go(
    test: Callable[[Server, Radio, httpx2.AsyncClient], Awaitable[None]], conditions: Conditions
) -> None:
    async def run() -> None:
        radio = Radio(random.Random(1), conditions)
        async with (
            serving() as server,
            httpx2.AsyncClient(
                transport=radio.transport, base_url=server.url, timeout=60
            ) as client,
        ):
            await test(server, radio, client)

    asyncio.run(run())


def test_a_clear_radio_changes_nothing() -> None:
    async def test(server: Server, radio: Radio, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/a")).text == "ok"
        assert server.seen == [b"/a"]
        assert not radio.happened

    go(test, CLEAR)


def test_a_lost_answer_was_given() -> None:
    async def test(server: Server, radio: Radio, client: httpx2.AsyncClient) -> None:
        with pytest.raises(httpx2.ReadError):
            await client.get("/a")
        assert server.seen == [b"/a"]
        assert not radio.happened, "nothing was done"
        with pytest.raises(httpx2.ReadError):
            await client.post("/api/v1/media/b")
        assert radio.happened == {Fault.ANSWER_LOST: 1, Fault.OF_A_PHOTO: 1}

    go(test, Conditions(lost_answers=1))


def test_a_doubled_request_reaches_the_server_twice() -> None:
    async def test(server: Server, radio: Radio, client: httpx2.AsyncClient) -> None:
        assert (await client.get("/a")).text == "ok"
        await server.has_seen(2)
        assert server.seen == [b"/a", b"/a"]
        await radio.quiet()
        assert radio.happened == {Fault.DOUBLED: 1}

    go(test, Conditions(duplicates=1, longest_delay=0.01))


def test_without_coverage_nothing_reaches_the_server() -> None:
    async def test(server: Server, radio: Radio, client: httpx2.AsyncClient) -> None:
        radio.lose_coverage()
        with pytest.raises(httpx2.ConnectError):
            await client.get("/a")
        with pytest.raises(OSError, match="no coverage"):
            async with radio.dial("ws://127.0.0.1:1", {}):
                pass
        assert radio.happened == {Fault.UNCOVERED: 2}
        radio.regain_coverage()
        assert (await client.get("/b")).text == "ok"
        assert server.seen == [b"/b"]

    go(test, CLEAR)


def test_coverage_lost_on_the_way_loses_the_answer_of_what_the_server_does() -> None:
    async def test(server: Server, radio: Radio, client: httpx2.AsyncClient) -> None:
        server.answer.clear()
        asked = asyncio.create_task(client.post("/a", content=b"a text"))
        await server.has_seen(1)
        assert radio.carries("text")
        assert not radio.carries("another")
        radio.lose_coverage()
        with pytest.raises(httpx2.ReadError):
            await asked
        assert server.seen == [b"/a"]
        assert radio.happened == {Fault.UNCOVERED: 1}
        assert not radio.busy

    go(test, CLEAR)


def test_delayed_requests_are_overtaken() -> None:
    async def test(server: Server, radio: Radio, client: httpx2.AsyncClient) -> None:
        await asyncio.gather(*(client.get(f"/{number}") for number in range(12)))
        assert sorted(server.seen) != server.seen
        assert radio.happened[Fault.OVERTAKEN] > 0

    go(test, Conditions(reordered=0.5, longest_delay=0.05))


def test_a_link_that_stalls_brings_everything_afterwards() -> None:
    async def test(server: Server, radio: Radio, client: httpx2.AsyncClient) -> None:
        radio.stall()
        asked = asyncio.create_task(client.get("/a"))
        async with httpx2.AsyncClient(base_url=server.url) as straight:
            await straight.get("/b")
        assert server.seen == [b"/b"]
        radio.flow()
        assert (await asked).text == "ok"
        assert server.seen == [b"/b", b"/a"]
        assert radio.happened == {Fault.STALLED: 1}

    go(test, CLEAR)


def test_a_socket_is_cut_once() -> None:
    async def listen(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async def run() -> Radio:
        radio = Radio(random.Random(1))
        async with serve(listen, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with radio.dial(f"ws://127.0.0.1:{port}", {}) as line:
                radio.cut_sockets()
                with pytest.raises(ConnectionClosed):
                    await line.recv()
                radio.cut_sockets()
        return radio

    assert asyncio.run(run()).happened == {Fault.CUT: 1}


def test_frames_and_words_to_pull_are_lost_and_heartbeats_come() -> None:
    said = ['{"type":"frame","n":1}', '{"type":"resync"}', '{"type":"heartbeat"}']

    async def speak(connection: ServerConnection) -> None:
        for message in said:
            await connection.send(message)

    radio = Radio(random.Random(1), Conditions(lost_frames=1))

    async def run() -> str | bytes:
        async with serve(speak, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with radio.dial(f"ws://127.0.0.1:{port}", {}) as line:
                return await line.recv()

    assert asyncio.run(run()) == said[-1]
    assert radio.happened == {Fault.FRAME_LOST: 2}
