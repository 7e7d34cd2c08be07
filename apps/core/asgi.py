"""HTTP under ASGI: each request in one thread, from the first middleware to the last.

Django's own handler is made for asynchronous views. It moves a synchronous one, and every
middleware around it, between the event loop and a thread that is made for the request: some twenty
hops, each of which waits for the interpreter's lock behind the sockets of the same process. Here
there is one hop there and one back, and the threads stay. See docs/adr/0010.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from io import BytesIO
from typing import Any

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.urls import set_script_prefix

from apps.core import serving
from apps.core.admission import Admission, Line, Queue
from apps.core.gathering import Gatherer, Together
from apps.core.problems import BUSY, TOO_LARGE, TOO_SLOW, respond

# Asked by machines that end or pass by a server which does not answer in time. While the database
# is away every thread of the requests waits for it, and this server is to go on: its tablets keep
# their sockets.
PROBES = {"/healthz", "/readyz"}

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class _Refused(Exception):
    """The request is answered without being looked at."""

    def __init__(self, answer: HttpResponseBase) -> None:
        super().__init__()
        if isinstance(answer, HttpResponse):  # no middleware does it here
            answer["Content-Length"] = str(len(answer.content))
        self.answer = answer


class _Body(BytesIO):
    """A request's body. `held`: bytes that count as held for it."""

    held = 0


class HTTPHandler(ASGIHandler):
    """The ASGI application of everything that is no socket.

    A request is worked on to its end also when its client is gone: a thread cannot be stopped, and
    what it writes, the client asks for again. A stream ends with its client. What `together` admits
    is answered in groups.
    """

    def __init__(self, together: Together | None = None) -> None:
        super().__init__()
        self._gatherer = Gatherer(together, self._in_thread) if together else None
        self._threads = ThreadPoolExecutor(settings.REQUEST_THREADS, thread_name_prefix="request")
        self._probed = {path: ThreadPoolExecutor(1, thread_name_prefix="probe") for path in PROBES}
        self._admission = Admission(
            threads=settings.REQUEST_THREADS,
            most_waiting=settings.REQUEST_QUEUE,
            most_bytes=settings.REQUEST_BODIES_BYTES,
        )

    def load_middleware(self, is_async: bool = False) -> None:
        """As for WSGI: nothing is adapted to run on the event loop."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Reads the request, has it answered in a thread, sends the answer."""
        serving.from_here()
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        line = self._admission.line_of(scope["method"], path)
        body = _Body()
        try:
            # Before the body, which may be large and slow, and again when its turn comes.
            self._let_in(line)
            try:
                async with asyncio.timeout(settings.REQUEST_BODY_SECONDS):
                    await self._read(scope, receive, body, line.queue if line else None)
            except TimeoutError:
                # Nobody has looked at a credential yet: a few bodies that never end would keep
                # every tablet's push out.
                raise _Refused(respond(TOO_SLOW, headers={"Connection": "close"})) from None
            self._let_in(line)
            request, refused = self.create_request(scope, body)
            if request is None:
                assert refused is not None, "one of the two"
                raise _Refused(refused)
            response = None
            if line is not None and self._gatherer is not None:
                response = await self._gatherer.answer(request, body.held, line)
            if response is None:
                threads = self._probed.get(path, self._threads)
                async with line.turn() if line else nullcontext():
                    response = await self._in(threads, self._respond, scope, request)
        except RequestAborted:
            return
        except _Refused as refusal:
            await self.send_response(refusal.answer, send)
            return
        finally:
            if line is not None:
                line.queue.held -= body.held
            body.close()
        if response.streaming:
            await self._stream(response, receive, send)
        else:
            await self.send_response(response, send)

    def _let_in(self, line: Line | None) -> None:
        seconds = line.retry_after() if line else None
        if seconds is not None:
            raise _Refused(respond(BUSY, headers={"Retry-After": str(seconds)}))

    async def _read(
        self, scope: dict[str, Any], receive: Receive, body: _Body, queue: Queue | None
    ) -> None:
        """The whole body, in memory: what is protected is never written to a disk unsealed. One
        that is too large is refused before it is read, or as soon as it shows; one that stands in a
        queue, also where too much is held for others there."""
        most: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        too_large = _Refused(respond(TOO_LARGE, f"A body has at most {most} bytes."))
        if _announced(scope) > most:
            raise too_large
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestAborted
            chunk = message.get("body", b"")
            if body.tell() + len(chunk) > most:
                raise too_large
            if queue is not None:
                if queue.held + len(chunk) > queue.most_bytes:
                    raise _Refused(respond(BUSY, headers={"Retry-After": "2"}))
                queue.held += len(chunk)
                body.held += len(chunk)
            body.write(chunk)
            more = message.get("more_body", False)
        body.seek(0)

    async def _stream(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        """Sends until the end, or until the client has gone."""
        async with ThreadSensitiveContext():  # an iterator that blocks gets a thread of its own
            sending = asyncio.ensure_future(self.send_response(response, send))
            leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
            try:
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, leaving):
                    task.cancel()
                ended, _ = await asyncio.gather(sending, leaving, return_exceptions=True)
                await self._in_thread(response.close)
        if isinstance(ended, Exception):
            raise ended

    async def _in_thread(self, work: Callable[..., Any], *arguments: object) -> Any:
        return await self._in(self._threads, work, *arguments)

    @staticmethod
    async def _in(threads: Executor, work: Callable[..., Any], *arguments: object) -> Any:
        """Each request has a context of its own, as it would in a thread of its own."""
        run = contextvars.copy_context().run
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, run, work, *arguments)

    def _respond(self, scope: dict[str, Any], request: ASGIRequest) -> HttpResponseBase:
        """In the request's thread. What is not streamed is complete, so its connections to the
        database go back to the pool here, in the thread that has them."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        response = self.get_response(request)
        response._handler_class = self.__class__  # type: ignore[attr-defined]  # noqa: SLF001
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            response.close()
        return response


def _announced(scope: dict[str, Any]) -> int:
    """What Content-Length says; 0 where it says nothing."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:18])
    return 0
