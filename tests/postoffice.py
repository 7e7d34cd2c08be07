"""A mail server of the tests' own: it takes mail in as a test says, as slowly as that says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from apps.core.engines import free_port

HOST = "127.0.0.1"
TAKEN = "250 OK"


def takes(message: EmailMessage) -> str:
    """How a server behaves that is well."""
    return TAKEN


@dataclass
class PostOffice:
    """`behave` is given each message, in a thread of its own, and returns what the server answers;
    as long as it does not return the sender waits. `taken` are those that were answered well."""

    port: int = 0
    behave: Callable[[EmailMessage], str] = takes
    taken: list[EmailMessage] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """What a process of the product is told, so that its mail comes here."""
        return {"EMAIL_HOST": HOST, "EMAIL_PORT": str(self.port), "EMAIL_USE_TLS": "false"}

    def ids(self) -> list[str]:
        return [str(message["Idempotency-Key"]) for message in self.taken]

    async def handle_DATA(  # noqa: N802  (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        answer = await asyncio.get_running_loop().run_in_executor(None, self.behave, message)
        if answer == TAKEN:
            self.taken.append(message)
        return answer


@contextmanager
def post_office() -> Iterator[PostOffice]:
    """Takes mail in, in a thread, until the end."""
    found = PostOffice(free_port())
    controller = Controller(found, hostname=HOST, port=found.port)
    controller.start()
    try:
        yield found
    finally:
        controller.stop()
