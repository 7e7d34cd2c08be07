"""Another history: what the operator begins after a restore or the promotion of a standby."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.changes.published import Event
from apps.changes.services import publish

BEGAN = "history.began"
# Each history counts its commits from the next multiple of this on; see `sql/feed.sql`.
A_HISTORY = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Last:
    """The last commit before a history: its place, and when it was made. 0 where there is none."""

    seq: int
    nonce: int
    at: datetime | None


def first_seq_after(seq: int) -> int:
    """No commit of a history that went on from `seq` has a lower number, or was lost with one."""
    return (seq // A_HISTORY + 1) * A_HISTORY


def current() -> UUID:
    """The name of the history that this server follows."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("select id from feed_epoch order by started_at desc limit 1")
        epoch: UUID = cursor.fetchone()[0]
    return epoch


def last() -> Last:
    """The last commit that this database holds."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(
            "select seq, nonce, at from feed_commit where seq is not null order by seq desc limit 1"
        )
        row = cursor.fetchone()
    return Last(*row) if row else Last(0, 0, None)


def commits_of(epoch: UUID) -> int:
    """How many commits were made since this history began, up to two: the first one begins it."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(
            "select count(*) from (select from feed_commit where seq >= ("
            "select seq from feed_commit m join feed_change c on c.commit_id = m.id "
            "where c.kind = 'event' and c.event = %s and c.subject = %s) limit 2) x",
            [BEGAN, epoch],
        )
        return int(cursor.fetchone()[0])


def begin(*, now: datetime) -> UUID:
    """Begins another history, in the caller's transaction; its name. Its first commit says so to
    every process with sockets: what is newer than that commit is not for sockets of before."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("select feed_new_history()")
        epoch: UUID = cursor.fetchone()[0]
    publish(events=[Event(BEGAN, epoch)], now=now)
    return epoch
