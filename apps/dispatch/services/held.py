"""Messages from CAD that could not be parsed: kept sealed, shown, replayed, forgotten."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from apps.accounts.models import Client
from apps.audit.models import ActorKind
from apps.audit.services import Actor, record
from apps.core.crypto import blind_index
from apps.core.problems import CONFLICT, ProblemError
from apps.dispatch import messages
from apps.dispatch.cjibody import scrub_body
from apps.dispatch.models import HeldMessage
from apps.dispatch.services.intake import Received, receive


@transaction.atomic
def hold_message(
    *,
    client: Client,
    path: str,
    content_type: str,
    body: bytes,
    errors: Sequence[tuple[str, str]],
    now: datetime,
) -> HeldMessage:
    """Keeps a message for seven days, without criminal history. The same message of the same client
    is kept once.

    Two at once: the unique constraint lets one in, the other's insert does nothing, and both read
    the same row.
    """
    clean, withheld = scrub_body(body)
    row = HeldMessage(
        client=client,
        path=path,
        content_type=content_type[:120],
        content_hash=_hash(path, body),
        size=len(body),
        errors=[{"pointer": pointer, "detail": mend} for pointer, mend in errors],
        received_at=now,
        expires_at=now + timedelta(days=settings.HELD_MESSAGE_DAYS),
        withheld_count=withheld,
        content=base64.b64encode(clean).decode("ascii"),
    )
    HeldMessage.objects.bulk_create([row], ignore_conflicts=True)
    kept = HeldMessage.objects.defer("content").get(client=client, content_hash=row.content_hash)
    if kept.pk == row.pk:
        _audit(Actor(ActorKind.CAD, client.pk), "hold", kept, now)
    return kept


def content_of(held: HeldMessage) -> bytes:
    """The message as it is kept: as it came, where nothing was withheld from it."""
    return base64.b64decode(held.content)


def replay_held(
    *, held: HeldMessage, by: Actor, body: bytes | None = None, now: datetime
) -> Received:
    """Takes a held message in after all: as it is, or as somebody mended it.

    Raises `Malformed` where it still cannot be parsed; it stays held then. A message is replayed
    once: of two people at once, the second is told.
    """
    with transaction.atomic():
        row = (
            HeldMessage.objects.select_for_update(no_key=True, of=("self",))
            .select_related("client")
            .get(pk=held.pk)
        )
        if row.replayed_at is not None or row.expires_at <= now:
            raise ProblemError(CONFLICT, "This message was replayed already, or its time is over.")
        call = messages.parse(row.path, content_of(row) if body is None else body)
        received = receive(call=call, client=row.client, now=now)
        row.replayed_at = now
        row.save(update_fields=["replayed_at"])
        _audit(by, "replay", row, now, mended=body is not None)
    return received


@transaction.atomic
def expire_held(*, now: datetime) -> int:
    """Deletes the messages whose time is over. Returns how many."""
    gone, _ = HeldMessage.objects.expired(now).delete()
    return gone


def _hash(path: str, body: bytes) -> bytes:
    return blind_index(hashlib.sha256(path.encode() + b"\0" + body).hexdigest(), purpose="held")


def _audit(
    by: Actor, action: str, held: HeldMessage, now: datetime, *, mended: bool | None = None
) -> None:
    record(
        actor=by,
        action=action,
        subject_type="held_message",
        subject_ids=[held.pk],
        now=now,
        detail=None if mended is None else {"mended": mended},
    )
