"""The one order in which locks are taken, for every room: docs/adr/0030.

Two transactions that lock the same things in different orders wait for each other, and PostgreSQL
ends one of them. So each lock stands on a rung, and a transaction only goes down: it takes all that
it will need of a rung at once, sorted, and never comes back to a rung above.

What is to be locked is read before it is locked, and may be more by then:

1. A call is closed; the person whom its crew has met is Ada. Meanwhile Ada is merged into Alba.
2. The closing waits for Ada's lock, and gets it; but Ada and Alba are one person now.
3. So it is read again under the locks (`hold`). Where it has grown, all of them are let go (the
   savepoint is rolled back, nothing was written in it) and taken anew, in the one order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum, unique
from itertools import groupby
from typing import Final, NamedTuple
from uuid import UUID
from zlib import crc32

from django.db import connection, transaction

from apps.core.problems import BUSY, ProblemError


@unique
class Rung(IntEnum):
    """From top to bottom. docs/adr/0030 says who takes which, and why it stands there."""

    PRINCIPALS = 1
    INCIDENTS = 2
    UNITS = 3
    ASSIGNMENTS = 4
    ARRIVALS = 5
    LEDGER = 6
    ENCOUNTERS = 7
    NOTES = 8
    RECORDS = 9
    REFERRALS = 10
    PARTNERS = 11
    PERSONS = 12
    CIRCLES = 13
    FOLLOW_UPS = 14
    PLANS = 15
    DIRECTORY = 16


class Lock(NamedTuple):
    """The lock of what has this id, on its rung."""

    rung: Rung
    id: UUID


Needs = Callable[[], Iterable[Lock]]

# What is locked as a whole has this id.
WHOLE: Final = UUID(int=0)

# Classes of advisory locks. Further ones: 7301 orders the commits (`sql/feed.sql`), 7303 is a
# holder's; those of other rooms stand where they are used.
DOCUMENT_LOCK: Final = 7304
_CLASSES: Final = {
    Rung.PRINCIPALS: 7302,
    Rung.ARRIVALS: 7311,
    Rung.LEDGER: 7321,
    Rung.RECORDS: 7323,
    Rung.DIRECTORY: 7331,
}
# The locks of documents share a class; the collection tells them apart. The latter three are no
# collections: what is done for whoever was met in an encounter, and for a call.
COLLECTIONS: Final = {
    Rung.UNITS: "units",
    Rung.ENCOUNTERS: "encounters",
    Rung.NOTES: "case_notes",
    Rung.REFERRALS: "referrals",
    Rung.PERSONS: "persons",
    Rung.FOLLOW_UPS: "follow_ups",
    Rung.CIRCLES: "follow_up_circles",
    Rung.PLANS: "follow_up_plans",
}
# Rows are locked by the room that has them.
_rows: dict[Rung, Callable[[Iterable[UUID]], object]] = {}

# Whoever finds more each time waits for somebody who merges persons all day.
_MOST_TURNS: Final = 5


def register_rows(rung: Rung, lock: Callable[[Iterable[UUID]], object]) -> None:
    """Says how the rows of a rung are locked: all of these, in the order of their ids."""
    if rung in _CLASSES or rung in COLLECTIONS or rung in _rows:
        raise ValueError(f"How {rung.name} is locked is known already.")
    _rows[rung] = lock


def each(rung: Rung, ids: Iterable[UUID]) -> set[Lock]:
    """The locks of these on one rung."""
    return {Lock(rung, id) for id in ids}


def take(wanted: Iterable[Lock]) -> None:
    """Takes these, to the end of the transaction, in the one order. Call it once a transaction, or
    for what stands below all that is held."""
    if fresh := set(wanted) - _held():
        _take(fresh)
        _note(fresh)


def _take(wanted: Iterable[Lock]) -> None:
    for is_row, of_them in groupby(sorted(wanted), key=lambda one: one.rung in _rows):
        if is_row:
            for rung, rows in groupby(of_them, key=lambda one: one.rung):
                _rows[rung]([one.id for one in rows])
            continue
        keys = sorted({(one.rung, *_key(one)) for one in of_them})
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_advisory_xact_lock(class, key)"
                " from unnest(%s::int[], %s::int[]) as wanted (class, key)",
                [[of for _, of, _ in keys], [key for _, _, key in keys]],
            )


def hold(needs: Needs) -> None:
    """Takes all that `needs` names, and what it names once that is held. BUSY where that keeps
    changing. Nothing that it reads may be older than the locks: see the module."""
    held = _held()
    wanted = set(needs()) - held
    if not wanted:
        return
    for _ in range(_MOST_TURNS):
        turn = transaction.savepoint()
        try:
            _take(wanted)
            more = set(needs()) - held - wanted
        except BaseException:
            transaction.savepoint_rollback(turn)
            raise
        if not more:
            transaction.savepoint_commit(turn)
            _note(wanted)
            return
        transaction.savepoint_rollback(turn)
        wanted |= more
    raise ProblemError(BUSY, headers={"Retry-After": "1"})


class _Held:
    """What was taken at once, among what is to be done at COMMIT: of that Django forgets what was
    noted in a savepoint that is rolled back, and all of it with the transaction; and so are locks
    let go."""

    def __init__(self, locks: set[Lock]) -> None:
        self.locks = locks

    def __call__(self) -> None:
        """At COMMIT there is nothing to be done."""


def _note(taken: set[Lock]) -> None:
    transaction.on_commit(_Held(taken))


def _held() -> set[Lock]:
    """What this transaction holds of what was taken here."""
    hooks = [entry[1] for entry in connection.run_on_commit]
    return {lock for hook in hooks if isinstance(hook, _Held) for lock in hook.locks}


def lock_key(id: UUID) -> int:
    """The advisory lock, within a class of them, of what has this id. Two that share one wait for
    each other: no harm, as long as locks are taken in the order of this key."""
    return int.from_bytes(id.bytes[-4:], "big", signed=True)


def document_key(collection: str, id: UUID) -> int:
    """The same for a document's. The collection tells apart what is locked under one id."""
    key = int.from_bytes(id.bytes[-4:], "big") ^ crc32(collection.encode())
    return key - 2**32 if key >= 2**31 else key  # signed, as PostgreSQL's integers are


def _key(lock: Lock) -> tuple[int, int]:
    """Its class and its key within that."""
    if (collection := COLLECTIONS.get(lock.rung)) is not None:
        return DOCUMENT_LOCK, document_key(collection, lock.id)
    return _CLASSES[lock.rung], lock_key(lock.id)
