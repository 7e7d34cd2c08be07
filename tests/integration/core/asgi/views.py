"""A server's addresses to ask, and a client that asks them."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    StreamingHttpResponse,
)
from django.urls import get_script_prefix, path
from django.utils import timezone

from apps.core.asgi import HTTPHandler
from apps.core.streaming import PartByPart, Parts

MOST = 100_000  # bytes of a body
PATIENCE = 60.0


class Work:
    """A view that waits until it is let go, and counts how many wait in it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """For another test."""
        self.go = threading.Event()
        self.inside = 0
        self.reached = 0

    def __call__(self, request: HttpRequest, **_: str) -> HttpResponse:
        with self._lock:
            self.inside += 1
            self.reached = max(self.reached, self.inside)
        assert self.go.wait(PATIENCE)
        with self._lock:
            self.inside -= 1
        return HttpResponse("done")


work = Work()
told: list[Any] = []


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


def place(request: HttpRequest) -> HttpResponse:
    here = [request.path, get_script_prefix(), threading.current_thread().name]
    return HttpResponse(json.dumps([*here, str(timezone.get_current_timezone())]))


def abroad(request: HttpRequest) -> HttpResponse:
    timezone.activate("Asia/Tokyo")
    return place(request)


def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("a secret of somebody")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> Any:
        try:
            yield b"one "
            yield b"two"
            if request.GET.get("for_ever"):
                await asyncio.sleep(3600)
        finally:
            told.append("stream ended")

    return StreamingHttpResponse(parts())


def pages(request: HttpRequest) -> PartByPart:
    def parts() -> Parts:
        try:
            for number in itertools.count():
                told.append(threading.current_thread().name)
                yield f"{number} ".encode()
                if number == 1 and not request.GET.get("for_ever"):
                    return
        finally:
            told.append("stream ended")

    return PartByPart(parts())


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"))  # closed with the answer


urlpatterns = [
    path("echo", echo),
    path("place", place),
    path("abroad", abroad),
    path("broken", broken),
    path("stream", stream),
    path("pages", pages),
    path("file", file),
    path("healthz", lambda _: HttpResponse("live")),
    path("readyz", lambda _: HttpResponse("ready")),
    path("work", work),
    path("api/v1/sync", work),
    path("api/v1/sync/<str:collection>/<str:what>", work),
    path("api/v1/media/<str:name>", work),
    path("api/v1/dispatch/incidents", lambda _: HttpResponse("taken")),
]
handler500 = "apps.core.problems.server_error"


class Answer:
    """What was sent back. `whole` is set with the last part, `begun` with the first."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.begun = asyncio.Event()
        self.whole = asyncio.Event()

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
            return
        self.body += message.get("body", b"")
        self.begun.set()
        if not message.get("more_body"):
            self.whole.set()


async def call(
    handler: HTTPHandler,
    path: str = "/echo",
    *chunks: bytes,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    answer: Answer | None = None,
    gone: asyncio.Event | None = None,
    stalls: bool = False,
    **scope: Any,
) -> Answer:
    """One request. `gone`: when it is set, the client hangs up. `stalls`: it announces more of its
    body, and sends no more."""
    answer = answer or Answer()
    waiting = [*chunks] or [b""]
    address, _, query = path.partition("?")
    given = {"host": "testserver", **(headers or {})}

    async def receive() -> Mapping[str, Any]:
        if waiting:
            chunk = waiting.pop(0)
            if chunk is None:
                return {"type": "http.disconnect"}
            told.append(len(chunk))
            return {"type": "http.request", "body": chunk, "more_body": stalls or bool(waiting)}
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    await handler(
        {
            "type": "http",
            "method": method,
            "path": address,
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode()) for k, v in given.items()],
            **scope,
        },
        receive,
        answer.send,
    )
    return answer


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  (threads set no event of the loop)
            await asyncio.sleep(0.005)
