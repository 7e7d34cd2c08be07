"""One turn of handing over: outside any transaction, message by message."""

from __future__ import annotations

import logging
import time

from apps.core import clock
from apps.notify import channels, services, wording
from apps.notify.models import Channel
from apps.notify.services import Job

log = logging.getLogger(__name__)


def hand_over(*, seconds: float) -> int:
    """Hands over what is due, for so many seconds at most. Returns how many messages were taken.

    A channel whose gateway fails is left alone for the rest of the turn: one that does not answer
    costs a turn one wait, not one for each message.
    """
    ends = time.monotonic() + seconds
    services.collect(now=clock.now())
    working, taken = set(Channel), 0
    while working and time.monotonic() < ends:
        job = services.claim(channels=working, now=clock.now())
        if job is None:
            break
        error = _attempt(job)
        services.finish(job=job, error=error, now=clock.now())
        if error:
            working.discard(job.channel)
        else:
            taken += 1
    return taken


def _attempt(job: Job) -> str:
    """The name of what the gateway raised; empty: it took the message."""
    try:
        channels.hand_over(
            channel=job.channel,
            address=job.point.address,
            subject=wording.subject(job.counts),
            text=wording.text(job.counts),
            id=job.id,
        )
    except Exception as error:
        # Whatever a gateway raises: one message that cannot be handed over holds up no other.
        log.exception("message %s could not be handed over: %s", job.id, type(error).__name__)
        return type(error).__name__
    return ""
