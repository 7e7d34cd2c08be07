"""Watches in which order a connection takes its locks: docs/adr/0030.

It reads the statements. Advisory locks it knows by their class and key, a document's by the
collection for which the key was reckoned; of rows that are locked it asks which they are. A
savepoint that is rolled back lets go what was locked in it. Where a test is one transaction, each
verb in it counts as one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from unittest.mock import patch
from uuid import UUID

from django.db import connection, transaction

from apps.changes import locks
from apps.changes.locks import Rung

_OF_CLASS: Final = {of: rung for rung, of in locks._CLASSES.items()}
_OF_COLLECTION: Final = {name: rung for rung, name in locks.COLLECTIONS.items()}
_OF_TABLE: Final = {
    "dispatch_incident": Rung.INCIDENTS,
    "assignments_assignment": Rung.ASSIGNMENTS,
    "accounts_partner": Rung.PARTNERS,
}
_ADVISORY: Final = re.compile(r"select pg_advisory_xact_lock\((%s|class), (%s|key)\)( from)?")
_FOR_UPDATE: Final = re.compile(r' FOR NO KEY UPDATE( OF "\w+")?( SKIP LOCKED)?$')
_INSERT: Final = re.compile(r'INSERT INTO "(\w+)"')
_SAVEPOINT: Final = re.compile(r'(SAVEPOINT|RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT) "?(\w+)')


class Seen(NamedTuple):
    """A lock: its rung, and its place there."""

    rung: Rung
    place: int


class Watch:
    """What one connection holds, and (`breaches`) what it took above or before that."""

    def __init__(self) -> None:
        self.breaches: list[str] = []
        self._held: set[Seen] = set()
        self._savepoints: list[tuple[str, set[Seen]]] = []
        self._collections: dict[int, str] = {}
        self._asking = False

    def begins(self) -> None:
        """A transaction."""
        self._held, self._savepoints = set(), []

    def reckoned(self, collection: str, key: int) -> None:
        self._collections[key] = collection

    def __call__(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        if self._asking or not isinstance(sql, str) or not connection.in_atomic_block:
            return execute(sql, params, many, context)
        if (found := _SAVEPOINT.match(sql)) is not None:
            self._passes(*found.groups())
        elif self._counts():
            self._takes(sql, params)
        return execute(sql, params, many, context)

    def _counts(self) -> bool:
        """What a test does by itself in its own transaction is no verb."""
        return bool(self._savepoints) or not _is_a_tests(connection)

    def _passes(self, what: str, name: str) -> None:
        if what == "SAVEPOINT":
            self._savepoints.append((name, set(self._held)))
            return
        names = [one for one, _ in self._savepoints]
        if name not in names:
            return
        at = names.index(name)
        if what.startswith("ROLLBACK"):
            self._held = set(self._savepoints[at][1])
        else:
            del self._savepoints[at:]
            if not self._savepoints and _is_a_tests(connection):
                self._held = set()
                hooks = connection.run_on_commit
                hooks[:] = [one for one in hooks if not isinstance(one[1], locks._Held)]

    def _takes(self, sql: str, params: Any) -> None:
        if (found := _ADVISORY.match(sql)) is not None:
            self._wants(list(self._advisory(found[1], params)), waits=True)
        elif (made := _INSERT.match(sql)) is not None and made[1] in _OF_TABLE:
            # Nobody else sees a row that is new: whoever made it has it.
            mine = (one for one in params or () if isinstance(one, UUID))
            self._held |= {Seen(_OF_TABLE[made[1]], one.int) for one in mine}
        elif (locked := _FOR_UPDATE.search(sql)) is not None:
            rung = next((_OF_TABLE[name] for name in _OF_TABLE if f'FROM "{name}"' in sql), None)
            if rung is not None:
                rows = [Seen(rung, id.int) for id in self._ids(_FOR_UPDATE.sub("", sql), params)]
                self._wants(rows, waits=locked[2] is None)

    def _advisory(self, of_class: str, params: Any) -> Iterator[Seen]:
        first, second = params
        classes = first if of_class == "class" else [first] * len(_many(second))
        for lock_class, key in zip(classes, _many(second), strict=True):
            rung = _OF_CLASS.get(lock_class)
            if lock_class == locks.DOCUMENT_LOCK:
                rung = _OF_COLLECTION.get(self._collections.get(key, ""))
            if rung is not None:
                yield Seen(rung, key)

    def _wants(self, wanted: list[Seen], *, waits: bool) -> None:
        for one in wanted:
            above = [held for held in self._held if held > one and one not in self._held]
            if waits and above:
                of = max(above)
                self.breaches.append(f"{one.rung.name} after {of.rung.name}")
            self._held.add(one)

    def _ids(self, sql: str, params: Any) -> list[UUID]:
        self._asking = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, params)
                return [row[0] for row in cursor.fetchall()]
        finally:
            self._asking = False


def _many(keys: Any) -> list[int]:
    return keys if isinstance(keys, list) else [keys]


def _is_a_tests(of: Any) -> bool:
    """Whether the transaction is the test's own."""
    return bool(of.atomic_blocks) and getattr(of.atomic_blocks[0], "_from_testcase", False)


@contextmanager
def watching() -> Iterator[Watch]:
    """Watches this thread's connection."""
    watch = Watch()
    enter, reckon = transaction.Atomic.__enter__, locks.document_key

    def begin(self: transaction.Atomic) -> None:
        if not connection.in_atomic_block:
            watch.begins()
        enter(self)

    def key(collection: str, id: UUID) -> int:
        found = reckon(collection, id)
        watch.reckoned(collection, found)
        return found

    with (
        patch.object(transaction.Atomic, "__enter__", begin),
        patch.object(locks, "document_key", key),
        connection.execute_wrapper(watch),
    ):
        yield watch
