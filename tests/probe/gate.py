"""Where the worker of webhooks can be held, so that a test kills something in that very moment.

With `WEBHOOK_GATE` in the environment (a port of this machine) the worker asks there before it goes
on from one step of a delivery to the next, and waits for the answer. The test's side is `Gate`.
"""

from __future__ import annotations

import os
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from apps.webhooks import pump, services
from apps.webhooks.services import Job, Result

PORT = "WEBHOOK_GATE"


def install() -> None:
    """Puts the gate between the steps of this process's pump, if there is one."""
    if PORT in os.environ:
        pump.services = Gated(int(os.environ[PORT]))  # type: ignore[assignment]


class Gated:
    """The services that a pump calls, each with its step behind or before it."""

    def __init__(self, port: int) -> None:
        self._port = port

    def _passes(self, step: str) -> None:
        with socket.create_connection(("127.0.0.1", self._port)) as asked:
            asked.sendall(f"{step}\n".encode())
            asked.recv(1)

    def tell(self, *, now: datetime) -> int:
        made = services.tell(now=now)
        if made:
            self._passes("made")
        return made

    def claim(self, *, slots: int, now: datetime) -> list[Job]:
        jobs = services.claim(slots=slots, now=now)
        if jobs:
            self._passes("claimed")
        return jobs

    def finish(self, results: list[Result], *, now: datetime) -> int:
        self._passes("answered")
        written = services.finish(results, now=now)
        self._passes("settled")
        return written


class Gate:
    """The test's side. `hold(step)`: whoever comes to this step next waits until `open()`."""

    def __init__(self) -> None:
        self._step: str | None = None
        self._open = threading.Event()
        self.held = threading.Event()
        self.port = 0

    def hold(self, step: str) -> None:
        self.held.clear()
        self._open.clear()
        self._step = step

    def open(self) -> None:
        self._step = None
        self._open.set()

    def passes(self, step: str) -> None:
        """Returns once whoever is at this step may go on."""
        if step == self._step:
            self.held.set()
            self._open.wait()

    @contextmanager
    def listening(self) -> Iterator[Gate]:
        gate = self

        class Asked(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                gate.passes(self.rfile.readline().decode().strip())
                with suppress(OSError):  # it was killed while it waited
                    self.wfile.write(b".")

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        with Server(("127.0.0.1", 0), Asked) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            try:
                yield self
            finally:
                self.open()
                server.shutdown()
                thread.join()
