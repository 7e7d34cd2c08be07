"""A receiver to try senders with: it verifies, keeps a log, and behaves as told, well or badly.

It runs in a thread of its own, for `manage.py fake_partner`, the demo and the tests.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import orjson
from standardwebhooks import Webhook


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How it answers. `wait`: seconds before. `says`: the body, None: it repeats the challenge.
    `drops`: it closes the connection instead of answering."""

    status: int = 200
    wait: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    says: bytes | None = None
    drops: bool = False


WELL: Final = Behaviour()
# By the path of the address: /slow, /down, ...
BEHAVIOURS: Final[Mapping[str, Behaviour]] = MappingProxyType(
    {
        "well": WELL,
        "slow": Behaviour(wait=5.0),
        "never": Behaviour(wait=3600.0),
        "wrong": Behaviour(status=500),
        "refusing": Behaviour(status=400),
        "gone": Behaviour(status=410),
        "busy": Behaviour(status=429, headers=(("Retry-After", "2"),)),
        "down": Behaviour(drops=True),
        "redirecting": Behaviour(status=302, headers=(("Location", "http://127.0.0.1:1/"),)),
        # It takes the event and says that it did not.
        "lying": Behaviour(status=503),
        # It answers 200 to everything and has not read the challenge.
        "careless": Behaviour(says=b"ok"),
        "talkative": Behaviour(says=b"x" * 1_000_000),
    }
)


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came. `verified`: by the official library; None where it has no secret."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    verified: bool | None = None

    @property
    def id(self) -> str:
        return self.headers.get("webhook-id", "")

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)
        return found


def by_path(received: Received) -> Behaviour:
    """What the path asks for."""
    return BEHAVIOURS.get(received.path.strip("/").split("/")[0], WELL)


@dataclass
class FakePartner:
    """`with FakePartner().running() as partner:`; `partner.url`, `partner.received`."""

    host: str = "127.0.0.1"
    port: int = 0
    secret: str | None = None
    behave: Callable[[Received], Behaviour] = by_path
    heard: Callable[[Received], None] = lambda received: None
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @contextmanager
    def running(self) -> Iterator[FakePartner]:
        """Listens, in a thread, until the end."""
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self._serve, self.host, self.port))
        self.port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=loop.run_forever, name="fake partner", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(_end(server), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (received := await self._read(reader)) is not None:
                self.received.append(received)
                self.heard(received)
                behaviour = self.behave(received)
                if behaviour.wait:
                    await asyncio.sleep(behaviour.wait)
                if behaviour.drops:
                    break
                writer.write(_answer(received, behaviour))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the sender has gone
        except asyncio.CancelledError:
            # Closing would wait for whoever does not read the answer. It ends here: asyncio (of
            # Python 3.11) reports a cancelled handler as a mistake.
            writer.transport.abort()
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Received | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = first.split(" ")[1]
        return Received(path, headers, body, time.time(), self._verified(headers, body))

    def _verified(self, headers: dict[str, str], body: bytes) -> bool | None:
        if self.secret is None:
            return None
        try:
            Webhook(self.secret).verify(body, headers)
        except Exception:  # noqa: BLE001  (it lets out what base64 and the decoding raise)
            return False
        return True


def _answer(received: Received, behaviour: Behaviour) -> bytes:
    said = behaviour.says
    if said is None:
        said = _challenge(received.body)
    lines = [
        f"HTTP/1.1 {behaviour.status} Said",
        *(f"{name}: {value}" for name, value in behaviour.headers),
        f"Content-Length: {len(said)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + said


def _challenge(body: bytes) -> bytes:
    try:
        challenge = orjson.loads(body)["data"]["challenge"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return b"{}"
    return orjson.dumps({"challenge": challenge})


async def _end(server: asyncio.Server) -> None:
    server.close()
    current = asyncio.current_task()
    tasks = [task for task in asyncio.all_tasks() if task is not current]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # what was aborted is closed in the loop's next turn
