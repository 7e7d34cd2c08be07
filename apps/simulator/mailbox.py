"""The mail of partners who have no system of their own, and of our supervisors: a server on this
machine takes it in, a box for each address."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from apps.core.engines import free_port

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as it came. `id`: its Message-ID."""

    id: str
    text: str


Box = queue.SimpleQueue[Mail]


def taken(box: Box) -> Iterator[Mail]:
    """What lies in a box, taken out."""
    with suppress(queue.Empty):
        while True:
            yield box.get_nowait()


@dataclass
class Mailbox:
    """Every message that was sent."""

    port: int = 0
    _boxes: dict[str, Box] = field(default_factory=dict)

    def of(self, address: str) -> Box:
        """What comes for one address."""
        return self._boxes.setdefault(address, queue.SimpleQueue())

    def environment(self) -> dict[str, str]:
        """What the product is told, so that its mail comes here."""
        return {"EMAIL_HOST": HOST, "EMAIL_PORT": str(self.port), "EMAIL_USE_TLS": "false"}

    async def handle_DATA(  # noqa: N802  (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """aiosmtpd's hook."""
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        mail = Mail(str(message["Message-ID"]).strip("<>"), message.get_content())
        for address in envelope.rcpt_tos:
            self.of(address).put(mail)
        return "250 OK"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Takes mail in, in a thread, until the end."""
    found = Mailbox(free_port())
    controller = Controller(found, hostname=HOST, port=found.port)
    controller.start()
    try:
        yield found
    finally:
        controller.stop()
