"""The mail of partners who have no system of their own: a server on this machine takes it in."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from apps.core.engines import free_port

HOST = "127.0.0.1"


@dataclass
class Mailbox:
    """Every message that was sent, its text as it came."""

    port: int = 0
    texts: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)

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
        self.texts.put(message.get_content())
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
