"""Warnings to a named person: a row that stands in the admin, and a mail that may be lost."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from apps.accounts.models import Role, User
from apps.audit.services import SYSTEM, Actor
from apps.webhooks.models import Endpoint, Notice, NoticeKind
from apps.webhooks.services.writing import audit

log = logging.getLogger(__name__)

_WORDS = {
    NoticeKind.FAILING: "has answered with failures alone for a day. It is paused after five.",
    NoticeKind.PAUSED: "was paused after five days of failures alone. Its events are kept.",
    NoticeKind.DISABLED: "was disabled: it answered 410. No further events are kept for it.",
}


def notify(endpoint: Endpoint, kind: NoticeKind, *, now: datetime) -> Notice:
    """Writes the warning, in the caller's transaction. `mail_notices` sends it afterwards."""
    notice = Notice.objects.create(endpoint=endpoint, kind=kind, at=now, named=_named(endpoint))
    audit(SYSTEM, "warn", endpoint, now, detail={"kind": kind.value})
    return notice


def _named(endpoint: Endpoint) -> User | None:
    """Whom the endpoint names; otherwise the supervisor of the longest standing."""
    watcher = endpoint.watcher
    if watcher is not None and watcher.is_active:
        return watcher
    return (
        User.objects.filter(role=Role.SUPERVISOR, is_active=True)
        .order_by("created_at", "id")
        .first()
    )


@transaction.atomic
def acknowledge_notice(*, notice: Notice, by: User, actor: Actor, now: datetime) -> None:
    """A supervisor has seen a warning. Repeatable."""
    row = Notice.objects.select_for_update(no_key=True).get(pk=notice.pk)
    if row.acknowledged_at is not None:
        return
    row.acknowledged_at, row.acknowledged_by = now, by
    row.save(update_fields=["acknowledged_at", "acknowledged_by"])
    audit(actor, "acknowledge-warning", row.endpoint, now)


def mail_notices(*, now: datetime) -> int:
    """Mails the warnings that were not mailed yet, to the desk's address and the partner's. Returns
    how many. Each is claimed first: a mail may be lost, and is not sent twice a second."""
    sent = 0
    for pk in Notice.objects.filter(mailed_at=None).order_by("at").values_list("pk", flat=True):
        with transaction.atomic():
            row = (
                Notice.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
                .select_related("endpoint__partner", "named")
                .filter(pk=pk, mailed_at=None)
                .first()
            )
            if row is None:
                continue
            row.mailed_at = now
            row.save(update_fields=["mailed_at"])
        sent += _mail(row)
    return sent


def _mail(notice: Notice) -> int:
    """One mail. It names the endpoint and the person who is warned, and no address."""
    endpoint = notice.endpoint
    to = [*settings.WEBHOOK_WARNINGS_TO, *([endpoint.contact] if endpoint.contact else [])]
    if not to:
        return 0
    kind = NoticeKind(notice.kind)
    text = f"The endpoint {endpoint.name} of {endpoint.partner} {_WORDS[kind]}"
    if notice.named:
        text += f"\n\nFor {notice.named}: see the warnings in the admin."
    try:
        send_mail(f"Webhooks: {kind.label}", text, None, to)
    except OSError as error:
        log.error("a warning could not be mailed: %s", type(error).__name__)
        return 0
    return 1
