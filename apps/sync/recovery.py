"""Coming back from a backup: who has noticed, who has to come back, and when they are served again.

A server that was put back in time (a dump, a snapshot, a standby that lagged) lacks what tablets
have seen and sent since. The first tablet that shows a checkpoint of a later commit, or the second
that says it has seen one, makes it known, and that is kept as a `Setback` (see
`services.setbacks`). An operator then begins another history. Every local database of before is
listed in it as a `Comeback`, and is served nothing of a collection that it may hold lost texts of,
before it has said (`Sync-Followed`) that all it held was sent. What nobody can write on a tablet is
served at once: a call must not wait for old texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce, Greatest

from apps.accounts.models import LocalDatabase, Tablet
from apps.audit.services import Actor, record
from apps.changes import epochs
from apps.core import health
from apps.sync import registry
from apps.sync.feed import Estranged
from apps.sync.histories import Comeback, History, Setback, SetbackClaim
from apps.sync.registry import Collection, Contact
from apps.sync.services import setbacks

# Tablets that cannot come back.
_SHUT_OUT = ("retired", "compromised")
_LOCK = 7312  # class of advisory locks; see apps.changes.services

_FOLLOWED = """
update sync_comeback set pending = array(select unnest(pending) except select unnest(%s::text[])),
  came_at = coalesce(came_at, %s), followed_at = %s
where epoch = %s and instance = %s and pending && %s::varchar[]
  and epoch = (select id from feed_epoch order by started_at desc limit 1)
"""

_COMING_BACK = """
select instance from sync_comeback where instance = any(%b::uuid[]) and pending <> '{}'
  and epoch = (select id from feed_epoch order by started_at desc limit 1)
"""

# What became of the documents of one push, told by the rows that it has left behind.
_COUNT = """
update sync_comeback set came_at = coalesce(came_at, %(now)s), sent = sent + %(rows)s,
  seen_seq = greatest(seen_seq, (select %(seen)s::bigint from sync_anotherhistory h
      where h.epoch = sync_comeback.epoch
      and %(seen)s::bigint < (h.last_seq / %(ahead)s + 1) * %(ahead)s)),
  new = new + (select count(*) from sync_takenwrite where collection = %(collection)s
      and doc_id = any(%(ids)s) and instance = %(instance)s and taken_at = %(now)s)
    + (select count(*) from sync_version where collection = %(collection)s
      and doc_id = any(%(ids)s) and instance = %(instance)s and at = %(now)s and fate = 'new'),
  changed = changed + (select count(*) from sync_version where collection = %(collection)s
      and doc_id = any(%(ids)s) and instance = %(instance)s and at = %(now)s
      and fate in ('applied', 'merged')),
  conflicts = conflicts + (select count(*) from sync_conflict x
      join sync_version v on v.id = x.version and v.instance = %(instance)s
      where x.collection = %(collection)s and x.doc_id = any(%(ids)s) and x.at = %(now)s),
  refused = refused + (select count(*) from sync_quarantinedwrite
      where collection = %(collection)s and doc_id = any(%(names)s)
      and instance = %(instance)s and at = %(now)s)
where epoch = (select id from feed_epoch order by started_at desc limit 1)
  and instance = %(instance)s and %(collection)s = any(pending)
"""


@transaction.atomic
def begin(*, actor: Actor, again: bool = False, now: datetime) -> History | None:
    """Begins another history. None: the present one was begun and nothing was served under it yet,
    so that a further one would change nothing; `again` begins one all the same.

    Safe to run twice at once, and while servers run: they close the sockets of before.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, 1)", [_LOCK])
    former, last = epochs.current(), epochs.last()
    if not again and _untouched(former):
        return None
    history = History.objects.create(
        epoch=epochs.begin(now=now),
        former=former,
        began_at=now,
        last_seq=last.seq,
        last_nonce=last.nonce,
        last_at=last.at,
    )
    pushable = _pushable()
    databases = LocalDatabase.objects.exclude(tablet__state__in=_SHUT_OUT)
    Comeback.objects.bulk_create(
        [
            Comeback(epoch=history.epoch, instance=pk, tablet_id=tablet, pending=pushable)
            for pk, tablet in databases.values_list("pk", "tablet_id")
        ],
        batch_size=500,
    )
    record(
        actor=actor, action="begin", subject_type="history", subject_ids=[history.epoch], now=now
    )
    return history


def _untouched(epoch: UUID) -> bool:
    return (
        History.objects.filter(pk=epoch).exists()
        and epochs.commits_of(epoch) < 2
        and not Comeback.objects.filter(epoch=epoch, came_at__isnull=False).exists()
        and not Setback.objects.filter(pk=epoch).exists()
    )


def _pushable() -> list[str]:
    return [c.name for c in registry.all_for("tablet") if c.kind != "pull_only"]


@contextmanager
def at_the_door(
    collection: Collection, contact: Contact, *, from_the_start: bool, now: datetime
) -> Iterator[None]:
    """Around the reading of a page, outside any transaction: hears what the local database says of
    the history that it follows, and notes where it turns out to be of another one."""
    if from_the_start and collection.kind != "pull_only":
        hear(contact, [collection.name], now=now)
    try:
        yield
    except Estranged as estranged:
        note(estranged, contact, now=now)
        raise


def hear(contact: Contact, collections: Sequence[str], *, now: datetime) -> None:
    """A local database asks for these collections from the start, and perhaps says that it follows
    this history: that everything it held of them was sent."""
    if contact.followed is not None and collections:
        names = list(collections)
        with connection.cursor() as cursor:
            cursor.execute(_FOLLOWED, [names, now, now, contact.followed, contact.instance, names])


def note(estranged: Estranged, contact: Contact, *, now: datetime) -> None:
    """Keeps that a local database of another history was here, or what it says of a later commit in
    this one."""
    epoch, seen = estranged.standing.epoch, estranged.point.seq
    mine = Comeback.objects.filter(epoch=epoch, instance=contact.instance)
    if estranged.awaited or mine.exclude(pending=[]).exists():
        mine.update(came_at=Coalesce("came_at", now))
        history = History.objects.filter(pk=epoch).first()
        if history is None or seen < epochs.first_seq_after(history.last_seq):
            mine.update(seen_seq=Greatest("seen_seq", seen))
    elif contact.followed not in {None, epoch} and not mine.exists():
        # Unknown here: it was made in the time that was lost, or for another server.
        Comeback.objects.get_or_create(
            epoch=epoch,
            instance=contact.instance,
            defaults={
                "tablet": contact.session.tablet,
                "pending": _pushable(),
                "came_at": now,
                "seen_seq": seen,
            },
        )
    elif (shown := _is_shown(estranged)) or contact.session.user is not None:
        # Where nobody is signed in, or it is lost, there is nothing to serve: a mere word of it
        # says nothing to anybody.
        setbacks.claim(
            epoch=epoch,
            tablet=contact.session.tablet,
            instance=contact.instance,
            seen_seq=seen,
            head_seq=estranged.standing.head.seq,
            proven=shown,
            now=now,
        )


def _is_shown(estranged: Estranged) -> bool:
    """Whether this server itself has signed a commit of the present history that it does not have.
    One of a former history is no news: those who come from there are awaited, or were."""
    if not estranged.signed:
        return False
    history = History.objects.filter(pk=estranged.standing.epoch).first()
    return history is None or estranged.point.seq >= epochs.first_seq_after(history.last_seq)


def coming_back(instances: Sequence[UUID]) -> set[UUID]:
    """Those of these local databases that have not yet sent all they held of a former history."""
    with connection.cursor() as cursor:
        cursor.execute(_COMING_BACK, [list(instances)])
        return {instance for (instance,) in cursor.fetchall()}


def count(
    collection: Collection, contact: Contact, ids: Sequence[tuple[str, UUID | None]], now: datetime
) -> None:
    """Counts the documents of a push from a local database that is coming back, by what became of
    them. `ids`: of every row, as it came and as a UUID where it is one. `now` is the push's."""
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            {
                "now": now,
                "rows": len(ids),
                "seen": contact.seen_seq,
                "ahead": epochs.A_HISTORY,
                "collection": collection.name,
                "instance": contact.instance,
                "ids": [id for _, id in ids if id is not None],
                "names": [name for name, _ in ids],
            },
        )


@dataclass(frozen=True, slots=True)
class Awaited:
    """Of `expected` tablets, so many (`missing`) have not handed over what they held before this
    history began."""

    history: History
    expected: int
    missing: int


def awaited(among: QuerySet[Tablet]) -> Awaited | None:
    """Who is still awaited of these tablets; None: nobody.

    A tablet has come back with any of its local databases: one that was made anew since will never
    use the older ones again. Nobody waits for a tablet that was shut out.
    """
    history = History.objects.filter(pk=epochs.current()).first()
    if history is None:
        return None
    rows = Comeback.objects.filter(
        epoch=history.epoch, tablet__in=among.exclude(state__in=_SHUT_OUT)
    )
    expected = set(rows.values_list("tablet", flat=True))
    back = set(rows.exclude(followed_at=None).values_list("tablet", flat=True))
    missing = len(expected - back)
    return Awaited(history, len(expected), missing) if missing else None


def set_back() -> Setback | None:
    """What waits for the operator: this server was put back in time. None: nothing."""
    return Setback.objects.filter(pk=epochs.current()).first()


def claimed(among: QuerySet[Tablet]) -> QuerySet[SetbackClaim]:
    """What tablets of these say of later commits in this history, and nothing shows."""
    rows = SetbackClaim.objects.open(epochs.current()).filter(proven=False, tablet__in=among)
    return rows.select_related("tablet").order_by("noticed_at")


@health.check("history")
def in_its_history() -> bool:
    """False: this server was put back in time, and another history has not been begun."""
    return set_back() is None
