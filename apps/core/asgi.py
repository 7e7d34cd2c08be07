"""HTTP under ASGI: each request in one thread, from the first middleware to the last.

Django's own handler is made for asynchronous views. It moves a synchronous one, and every
middleware around it, between the event loop and a thread that is made for the request: some twenty
hops, each of which waits for the interpreter's lock behind the sockets of the same process. Here
there is one hop there and one back, and the threads stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.http import FileResponse, HttpResponseBase
from django.urls import set_script_prefix

from apps.core import serving

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class HTTPHandler(ASGIHandler):
    """The ASGI application of everything that is no socket.

    A request is worked on to its end also when its client is gone: a thread cannot be stopped, and
    what it writes, the client asks for again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(settings.REQUEST_THREADS, thread_name_prefix="request")

    def load_middleware(self, is_async: bool = False) -> None:
        """As for WSGI: nothing is adapted to run on the event loop."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Reads the request, has it answered in a thread, sends the answer."""
        serving.from_here()
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        run = asyncio.get_running_loop().run_in_executor
        with body:
            request, refused = self.create_request(scope, body)
            if request is None:
                assert refused is not None, "one of the two"
                await self.send_response(refused, send)
                return
            response = await run(self._threads, self._respond, scope, request)
            try:
                await self.send_response(response, send)
            finally:
                if response.streaming:
                    await run(self._threads, response.close)

    def _respond(self, scope: dict[str, Any], request: ASGIRequest) -> HttpResponseBase:
        """In the request's thread. What is not streamed is complete, so its connections to the
        database go back to the pool here, in the thread that has them."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        response = self.get_response(request)
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            response.close()
        return response
