"""What tablets say of commits that this server does not have, and when they are believed.

An answer's head is not signed, so whoever holds a tablet can say that it has seen anything: one
tablet's word must not take the service from all others. A checkpoint is signed, for its local
database alone, and was handed out by whoever had made its commit: one of this history that is not
here shows that the server was put back in time. Of mere words it takes those of two tablets.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Greatest

from apps.accounts.models import Tablet, User
from apps.accounts.services import user_actor
from apps.audit.services import record
from apps.core.problems import CONFLICT, ProblemError
from apps.sync.histories import Setback, SetbackClaim

log = logging.getLogger(__name__)

WORDS_THAT_COUNT = 2  # tablets
_LOCK = 7312  # class of advisory locks; see apps.changes.services


def claim(
    *,
    epoch: UUID,
    tablet: Tablet,
    instance: UUID,
    seen_seq: int,
    head_seq: int,
    proven: bool,
    now: datetime,
) -> None:
    """Keeps that a tablet says, or shows (`proven`), that it has seen commit `seen_seq`. Where that
    settles it, the server was put back in time: a `Setback`. The operator is told of each once."""
    row, new = SetbackClaim.objects.get_or_create(
        epoch=epoch,
        tablet=tablet,
        defaults={
            "instance": instance,
            "noticed_at": now,
            "seen_seq": seen_seq,
            "head_seq": head_seq,
            "proven": proven,
        },
    )
    if not new and (row.seen_seq < seen_seq or (proven and not row.proven)):
        SetbackClaim.objects.filter(pk=row.pk).update(
            seen_seq=Greatest("seen_seq", seen_seq), proven=row.proven or proven
        )
    if _settled(epoch):
        _set_back(row.pk)
    elif new:
        log.warning(
            "a tablet says that it has seen a later commit than this server has, and shows nothing "
            "for it: it alone is served nothing",
            extra={"tablet": str(tablet.pk), "seen_seq": seen_seq, "head_seq": head_seq},
        )


@transaction.atomic
def dismiss(*, claim: SetbackClaim, by: User, now: datetime) -> SetbackClaim:
    """A tablet's word counts no more in this history: it was looked at, and is none. Where the
    alarm stood on it, that is taken back. The tablet goes on being served nothing. Repeating it
    changes nothing. ProblemError: CONFLICT for what was shown, for that cannot be talked away."""
    _one_at_a_time()
    row = SetbackClaim.objects.select_for_update(no_key=True).get(pk=claim.pk)
    if row.proven:
        raise ProblemError(
            CONFLICT, "This tablet has shown that the server was put back. Run: new_history"
        )
    if row.dismissed_at is not None:
        return row
    row.dismissed_by, row.dismissed_at = by, now
    row.save(update_fields=["dismissed_by", "dismissed_at"])
    if not _settled(row.epoch):
        Setback.objects.filter(pk=row.epoch).delete()
    record(
        actor=user_actor(by),
        action="dismiss",
        subject_type="setback_claim",
        subject_ids=[row.pk],
        now=now,
        detail={"tablet": str(row.tablet_id)},
    )
    return row


def _settled(epoch: UUID) -> bool:
    said = SetbackClaim.objects.open(epoch)
    return said.filter(proven=True).exists() or said.count() >= WORDS_THAT_COUNT


@transaction.atomic
def _set_back(claim: UUID) -> None:
    """Under the lock, after which nobody dismisses what it rests on."""
    _one_at_a_time()
    row = SetbackClaim.objects.get(pk=claim)
    if not _settled(row.epoch):
        return
    setback, new = Setback.objects.get_or_create(
        pk=row.epoch,
        defaults={
            "noticed_at": row.noticed_at,
            "tablet": row.tablet,
            "instance": row.instance,
            "seen_seq": row.seen_seq,
            "head_seq": row.head_seq,
        },
    )
    if new:
        log.error(
            "put back in time: tablets have seen a later commit than this server has. "
            "Run: manage.py new_history",
            extra={"seen_seq": setback.seen_seq, "head_seq": setback.head_seq},
        )
    Setback.objects.filter(pk=row.epoch, seen_seq__lt=row.seen_seq).update(seen_seq=row.seen_seq)


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, 2)", [_LOCK])
