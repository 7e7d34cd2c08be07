"""Gateways for development: what would be sent is a line of the log. Not in production, whose
settings refuse them: the text may hold a code."""

from __future__ import annotations

import logging
from uuid import UUID

from apps.notify.addresses import masked

log = logging.getLogger(__name__)


def text(number: str, text: str, id: UUID) -> None:
    """For `TEXT_SENDER`."""
    log.info("text message %s to %s: %s", id, masked(number), text)


def push(subscription: str, text: str, id: UUID) -> None:
    """For `PUSH_SENDER`."""
    log.info("push message %s to %s: %s", id, masked(subscription), text)
