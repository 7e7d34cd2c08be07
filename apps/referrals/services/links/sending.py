"""Links and codes on their way: made with the referral's own transaction, sent by a worker.

Two workers, or one that dies:

1. A worker claims a row: under its lock it puts `due_at` a minute ahead, and commits. The other one
   skips what is locked, and finds nothing due after that.
2. It sends, and notes that in a second transaction, which forgets the secret.
3. It dies between the two: the row is due again after the minute, and the same link or code is sent
   once more under the same id, the row's. Nothing is lost with a worker; a mail may come twice.
4. What cannot be sent is tried again (`links.RETRIES`). What has lost its sense meanwhile (the
   referral is closed, the code has run out) is given up.

A message says that something waits, and nothing of anybody: mailboxes are read by many.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.accounts.tokens import new_token, token_hash
from apps.audit.services import SYSTEM, Act, record_all
from apps.core import clock
from apps.notify import channels
from apps.referrals.links import CODE_HOLDS, LEASE, retry_at
from apps.referrals.models import LinkCode, PartnerContact, ReferralLink, ReferralTask

log = logging.getLogger(__name__)

# A tick that finds more leaves them to the next one: it must end within its time limit.
LARGEST_TICK: Final = 100

_LINK_TEXT: Final = """{care}: a referral waits for your answer.

{url}

Open it on any telephone or computer. You will be sent a code before you read it. The link holds \
until the referral is closed, and you may hand it to a colleague.
{phone}"""
_CODE_TEXT: Final = """{code} is your code for the referral from {care}.

It holds for {minutes} minutes. If nobody at your place asked for it, do nothing: a mail filter \
may have opened the link. Nobody from {care} asks you for it."""

Sent = TypeVar("Sent", ReferralLink, LinkCode)


@transaction.atomic
def make_links(*, task_id: UUID, now: datetime) -> int:
    """A link to a referral's task for each contact of its partner that can be reached. Returns how
    many. Of a task that is over none.

    Each call makes others: a reminder sends a link again. They all hold.
    """
    task = ReferralTask.objects.open().select_related("partner").filter(pk=task_id).first()
    if task is None:
        return 0
    found = PartnerContact.objects.on_file(task.partner).filter(channel__in=channels.usable())
    for contact in found:
        token = new_token("cfl")
        ReferralLink(
            task=task,
            contact=contact,
            made_at=now,
            due_at=now,
            token_hash=token_hash(token),
            secret=token,
        ).save(force_insert=True)
    return len(found)


@transaction.atomic
def revoke_links(*, task: ReferralTask, by: User, now: datetime) -> int:
    """Makes all links to a task, and all visits by them, open nothing any more: a mail went astray.
    Returns how many. The next reminder, or a new referral, sends others."""
    rows = ReferralLink.objects.select_for_update(no_key=True).filter(task=task, revoked_at=None)
    found = list(rows.order_by("pk"))
    for row in found:
        row.revoked_at, row.due_at, row.secret = now, None, None
        row.save(update_fields=["revoked_at", "due_at", "secret"])
    acts = [Act(user_actor(by), "revoke", "link", [row.pk for row in found])] if found else []
    record_all(acts, now=now)
    return len(found)


def send_due(*, now: datetime) -> int:
    """Sends the links and codes that are due. Returns how many were sent. See the module.

    It ends after a turn's time, and leaves a channel whose gateway fails to the next tick: whoever
    waits for a code by the other one does not wait for it.
    """
    ends = time.monotonic() + settings.NOTIFY_TURN_SECONDS
    links = ReferralLink.objects.due(now).values_list("pk", "contact__channel")[:LARGEST_TICK]
    waiting = LinkCode.objects.due(now).values_list("pk", "contact__channel")[:LARGEST_TICK]
    # Somebody stands there and waits for a code.
    due = [*((_send_code, *row) for row in waiting), *((_send_link, *row) for row in links)]
    failing: set[str] = set()
    sent = 0
    for send, pk, channel in due:
        if channel in failing or time.monotonic() > ends:
            continue
        gone = send(pk, now)
        sent += gone is True
        if gone is False:
            failing.add(channel)
    return sent


def _send_code(pk: UUID, now: datetime) -> bool | None:
    """Whether it was sent; None: it is not to be sent, or another worker has it."""
    with transaction.atomic():
        rows = LinkCode.objects.due(now).select_for_update(no_key=True, skip_locked=True)
        row = rows.filter(pk=pk).first()
        if row is None or not _claimed(row, now, wanted=row.expires_at > now):
            return None
    text = _CODE_TEXT.format(
        code=row.secret,
        care=settings.CARE_NAME,
        minutes=int(CODE_HOLDS.total_seconds() // 60),
    )
    return _send(row, row.contact, "Your code", text, now)


def _send_link(pk: UUID, now: datetime) -> bool | None:
    with transaction.atomic():
        rows = ReferralLink.objects.due(now).select_for_update(no_key=True, skip_locked=True)
        row = rows.filter(pk=pk).first()
        opens = ReferralLink.objects.opening().filter(pk=pk).exists()
        if row is None or not _claimed(row, now, wanted=opens):
            return None
    text = _LINK_TEXT.format(
        care=settings.CARE_NAME,
        url=settings.PUBLIC_URL + reverse("link", args=[row.secret]),
        phone=f"\n{settings.CARE_PHONE}\n" if settings.CARE_PHONE else "",
    )
    return _send(row, row.contact, "A referral waits for your answer", text, now)


def _claimed(row: Sent, now: datetime, *, wanted: bool) -> bool:
    if not wanted:
        row.due_at, row.secret = None, None
    else:
        row.due_at, row.tries = now + LEASE, row.tries + 1
    row.save()
    return wanted


def _send(row: Sent, to: PartnerContact, subject: str, text: str, now: datetime) -> bool:
    try:
        channels.hand_over(
            channel=to.channel, address=to.destination, subject=subject, text=text, id=row.pk
        )
    except Exception as error:
        # Whatever a gateway raises: one message that cannot be sent holds up no other.
        log.exception("a %s could not be sent: %s", row._meta.verbose_name, type(error).__name__)
        sent = False
    else:
        sent = True
    with transaction.atomic():
        rows = type(row).objects.select_for_update(no_key=True)
        fresh = rows.filter(pk=row.pk, due_at__isnull=False).first()
        if fresh is None:  # revoked meanwhile
            return sent
        fresh.sent_at = clock.now() if sent else None
        fresh.due_at = None if sent else retry_at(fresh.tries, now)
        if fresh.due_at is None:
            fresh.secret = None
        fresh.save()
        if isinstance(row, ReferralLink):
            detail = {"task": str(row.task_id), "contact": str(to.pk), "sent": sent}
            record_all([Act(SYSTEM, "send", "link", [row.pk], detail)], now=now)
    return sent
