"""A proxy between one tablet and the server that loses and holds answers when it is told to."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.processes import Server

PATIENCE = 60.0
# What each of the two connections says for itself.
_OWN = frozenset(
    {"host", "connection", "keep-alive", "content-length", "transfer-encoding", "date", "server"}
)


def _passed(headers: Message) -> dict[str, str]:
    return {k: v for k, v in headers.items() if k.lower() not in _OWN}


@dataclass(frozen=True)
class Exchange:
    """A request that was answered. `at` by `time.monotonic()`."""

    path: str
    body: bytes
    status: int
    at: float


class Proxy:
    """Passes HTTP on. `exchanges` are the requests that were answered, in order.

    The server has always done what was asked before an answer is lost or held.
    """

    def __init__(self, server: Server) -> None:
        self.exchanges: list[Exchange] = []
        self._lost: list[str] = []
        self._held: dict[str, threading.Event] = {}
        self._delayed: dict[str, threading.Event] = {}
        self._waiting: list[BaseHTTPRequestHandler] = []
        self._busy: list[str] = []
        self._server = server
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=[0.01], daemon=True).start()

    def end(self) -> None:
        for event in (*self._held.values(), *self._delayed.values()):
            event.set()
        self._http.shutdown()
        self._http.server_close()

    @contextmanager
    def losing(self, what: str) -> Iterator[None]:
        """Answers of requests whose path contains `what` are lost; at least one is, on leaving."""
        before = self.count(what)
        self._lost.append(what)
        try:
            yield
            self.until(lambda: self.count(what) > before, f"an answer to {what} is lost")
        finally:
            self._lost.remove(what)

    @contextmanager
    def holding(self, what: str) -> Iterator[None]:
        """Answers are held until leaving."""
        event = self._held[what] = threading.Event()
        try:
            yield
        finally:
            del self._held[what]
            event.set()

    @contextmanager
    def delaying(self, what: str) -> Iterator[None]:
        """Requests reach the server on leaving."""
        event = self._delayed[what] = threading.Event()
        try:
            yield
        finally:
            del self._delayed[what]
            event.set()

    @property
    def waiting(self) -> int:
        """How many requests are delayed."""
        return len(self._waiting)

    def refuse_once(self, what: str) -> None:
        """The next such request is answered in the server's place: busy, come back in a second."""
        self._busy.append(what)

    def of(self, what: str, about: str = "") -> list[Exchange]:
        """The exchanges so far whose path contains `what`, and whose request names `about`."""
        return [e for e in self.exchanges if what in e.path and about.encode() in e.body]

    def count(self, what: str, about: str = "") -> int:
        return len(self.of(what, about))

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"it did not come to this: {what}"
            time.sleep(0.01)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                proxy._pass(self)

            def do_POST(self) -> None:
                proxy._pass(self)

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler

    def _pass(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        for what in self._busy:
            if what in request.path:
                self._busy.remove(what)
                self.exchanges.append(Exchange(request.path, body, 503, time.monotonic()))
                headers = {"Retry-After": "1", "Content-Type": "application/problem+json"}
                self._answer(request, 503, headers, b'{"code":"busy"}')
                return
        for what, event in list(self._delayed.items()):
            if what in request.path:
                self._waiting.append(request)
                event.wait(PATIENCE)
                self._waiting.remove(request)
        with closing(
            http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=PATIENCE)
        ) as onward:
            onward.request(request.command, request.path, body or None, _passed(request.headers))
            answer = onward.getresponse()
            said = answer.read()
        lost = any(what in request.path for what in self._lost)
        self.exchanges.append(Exchange(request.path, body, answer.status, time.monotonic()))
        if lost:
            request.close_connection = True
            return
        for what, event in list(self._held.items()):
            if what in request.path:
                event.wait(PATIENCE)
        self._answer(request, answer.status, _passed(answer.headers), said)

    @staticmethod
    def _answer(
        request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        try:
            request.send_response(status)
            for name, value in headers.items():
                request.send_header(name, value)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except OSError:
            request.close_connection = True  # it has gone
