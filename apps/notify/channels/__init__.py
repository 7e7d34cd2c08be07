"""The seams to gateways: one way to hand a text over, whatever carries it.

E-mail goes by Django's mail. Text and push messages go by the functions that `TEXT_SENDER` and
`PUSH_SENDER` name; `console` has one for each, for development. Each takes an address, a text and
an `id`, and raises where it cannot hand over. The `id` is the same on every attempt: a gateway that
knows it sends once, however often it is asked.
"""

from __future__ import annotations

from typing import Final, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils.module_loading import import_string

from apps.notify.models import Channel

# Which setting names the function of a channel.
SENDERS: Final = {Channel.TEXT: "TEXT_SENDER", Channel.PUSH: "PUSH_SENDER"}


class Sender(Protocol):
    """What `TEXT_SENDER` and `PUSH_SENDER` name."""

    def __call__(self, address: str, text: str, id: UUID, /) -> None: ...


def usable() -> frozenset[Channel]:
    """By what something can be sent from here. Without a mail server mails are written to the log,
    where in production nobody reads them and nobody may read a code."""
    mails = bool(settings.EMAIL_HOST) or not settings.PRODUCTION
    senders = {channel for channel, name in SENDERS.items() if getattr(settings, name)}
    return frozenset(senders | ({Channel.EMAIL} if mails else set()))


def hand_over(*, channel: str, address: str, subject: str, text: str, id: UUID) -> None:
    """Hands a text over to whoever carries it on. Raises what the gateway raises.

    Refuses inside a transaction: nobody waits for a stranger's server with rows locked.
    """
    with transaction.atomic(durable=True):
        pass  # "a durable atomic block cannot be nested"
    if channel == Channel.EMAIL:
        _mail(address, subject, text, id)
    else:
        sender: Sender = import_string(getattr(settings, SENDERS[Channel(channel)]))
        sender(address, text, id)


def _mail(address: str, subject: str, text: str, id: UUID) -> None:
    headers = {
        "Message-ID": f"<{id}@{urlsplit(settings.PUBLIC_URL).hostname}>",
        "Idempotency-Key": str(id),  # some mail services know it
        "Auto-Submitted": "auto-generated",  # RFC 3834: nobody's machine answers
    }
    title = f"{settings.CARE_NAME}: {subject}"
    EmailMessage(title, text, None, [address], headers=headers).send()
