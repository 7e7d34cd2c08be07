"""What is known of tablets, for whoever answers for them: contact, clock, what waits on them.

No text of anybody's: counts, times, and the names of colleagues. A handful of statements, however
many tablets there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, QuerySet

from apps.accounts.models import Role, SignIn, Tablet, User
from apps.sync.models import CheckedDigest, Conflict, Outbox, QuarantinedWrite

# Orders to drop something that their holder has neither confirmed nor passed.
_TO_DROP = """
select l.tablet_id, count(*)
from accounts_localdatabase l join feed_item i on i.holder = l.id and not i.visible
where l.tablet_id = any(%s) and not exists (
  select from sync_purgereceipt r
  where r.local_database_id = i.holder and r.collection = i.collection and r.doc_id = i.doc_id
    and r.seq >= i.seq)
group by l.tablet_id
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a tablet's local databases said last: what they have not sent, and what was refused and
    not mended. `unsent` by collection; `kinds` by collection and what the edits tell, as far as the
    client says it; `oldest_at` by the server's clock."""

    declared_at: datetime
    unsent: Mapping[str, int]
    kinds: Mapping[str, Mapping[str, int]]
    unsent_count: int
    refused_count: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Condition:
    """How a tablet is. `waiting` is None where it never said. `digests`: what its local databases
    found last when they compared what they hold. `still_holds`: at most so many documents are on it
    that it was told to drop."""

    tablet: Tablet
    in_contact: bool
    clock_suspect: bool
    signed_in: User | None
    waiting: Waiting | None
    digests: Sequence[CheckedDigest]
    quarantine_open: int
    conflicts_open: int
    still_holds: int


def seen_by(user: User) -> QuerySet[Tablet]:
    """The tablets that a person answers for: a supervisor's team's, all for the dispatch desk and
    the administrator."""
    rows = Tablet.objects.select_related("team")
    match user.role:
        case Role.DISPATCHER | Role.ADMINISTRATOR:
            return rows
        case Role.SUPERVISOR if user.team_id is not None:
            return rows.filter(team=user.team_id)
        case _:
            return rows.none()


def quiet_after() -> timedelta:
    """Without a contact for so long, a tablet has none: an open socket is noted as one whenever its
    rights are looked up again."""
    return timedelta(seconds=30 + 2 * settings.SOCKET_RECHECK_SECONDS)


def conditions(tablets: Sequence[Tablet], *, now: datetime) -> dict[UUID, Condition]:
    """How these tablets are, by their ids."""
    ids = [tablet.pk for tablet in tablets]
    people = SignIn.objects.running(now).filter(tablet__in=ids).select_related("user")
    signed_in = {row.tablet_id: row.user for row in people}
    declared: dict[UUID, list[Outbox]] = {}
    said = Outbox.objects.filter(local_database__tablet__in=ids).select_related("local_database")
    for row in said:
        declared.setdefault(row.local_database.tablet_id, []).append(row)
    checked: dict[UUID, list[CheckedDigest]] = {}
    compared = CheckedDigest.objects.filter(local_database__tablet__in=ids)
    for one in compared.select_related("local_database").order_by("collection", "-declared_at"):
        checked.setdefault(one.local_database.tablet_id, []).append(one)
    refused = _counts(QuarantinedWrite.objects.open().filter(tablet__in=ids))
    conflicts = _counts(Conflict.objects.open().filter(tablet__in=ids))
    to_drop = _to_drop(ids)
    return {
        tablet.pk: Condition(
            tablet=tablet,
            in_contact=tablet.last_seen_at is not None
            and now - tablet.last_seen_at <= quiet_after(),
            clock_suspect=is_suspect(tablet.clock_offset_ms),
            signed_in=signed_in.get(tablet.pk),
            waiting=_waiting(declared[tablet.pk]) if tablet.pk in declared else None,
            digests=checked.get(tablet.pk, []),
            quarantine_open=refused.get(tablet.pk, 0),
            conflicts_open=conflicts.get(tablet.pk, 0),
            still_holds=to_drop.get(tablet.pk, 0),
        )
        for tablet in tablets
    }


def is_suspect(offset_ms: int | None) -> bool:
    """Whether a clock is so far off that it is marked."""
    return offset_ms is not None and abs(offset_ms) > settings.CLOCK_SUSPECT_SECONDS * 1000


def _waiting(said: Sequence[Outbox]) -> Waiting:
    """The sum over a tablet's local databases."""
    unsent: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    for row in said:
        for name, part in row.unsent.items():
            unsent[name] += part["count"]
            # What was declared before kinds were has none.
            kinds.setdefault(name, Counter()).update(part.get("kinds", {}))
    return Waiting(
        declared_at=max(row.declared_at for row in said),
        unsent={name: count for name, count in sorted(unsent.items()) if count},
        kinds={
            name: {kind: count for kind, count in sorted(found.items()) if count}
            for name, found in sorted(kinds.items())
            if found.total()
        },
        unsent_count=sum(row.unsent_count for row in said),
        refused_count=sum(row.refused_count for row in said),
        oldest_at=min((row.oldest_at for row in said if row.oldest_at), default=None),
    )


def _counts(rows: QuerySet[Any]) -> dict[UUID, int]:
    return dict(rows.order_by().values_list("tablet").annotate(Count("pk")))


def _to_drop(ids: Sequence[UUID]) -> dict[UUID, int]:
    with connection.cursor() as cursor:
        cursor.execute(_TO_DROP, [list(ids)])
        return dict(cursor.fetchall())
