"""Everything in one request: what is unsent of all collections, and what is new of them.

For a radio on which each round trip costs a second. Each collection stands for itself: what is
wrong with one holds up no other, and its rows stay in the outbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .replication import BATCH, FAULTS, PAGE, Replication
from .store import Document, Edit, Store
from .wire import Failure, Refused, Wire, failure, rows_of

MOST_ROWS = 200  # in one request, of all collections together


class RoundTrip:
    """Round trips of one store, beside its `replication`, which settles what they bring."""

    def __init__(self, store: Store, wire: Wire, replication: Replication) -> None:
        self._store = store
        self._wire = wire
        self._replication = replication

    async def once(self) -> None:
        """Until nothing is unsent and every collection has had its last page. Raises what the wire
        raises, also for a single collection, once the others are dealt with."""
        wanted = list(self._replication.collections)
        while wanted or self._store.unsent(1):
            edits = self._edits()
            asked = {
                name: start
                for name in wanted
                if (start := self._store.checkpoint(name)) or self._may_begin(name)
            }
            rows = {name: rows_of(some) for name, some in edits.items()}
            try:
                answer, current = await self._wire.round_trip(
                    {"push": rows, "pull": asked, "limit": PAGE}
                )
            except Refused as refused:
                if refused.status not in FAULTS or not edits:
                    raise
                await self._send(edits.values())  # too much at once, say
                continue
            failed = {name: self._settled(edits[name], answer["push"][name]) for name in edits}
            failures = [one for one in failed.values() if one and not _is_of_a_row(one)]
            for name, start in asked.items() if current else ():
                trouble, done = self._taken(name, start, answer["pull"][name])
                if done:
                    wanted.remove(name)
                if trouble:
                    failures.append(trouble)
            await self._send(edits[name] for name, one in failed.items() if _is_of_a_row(one))
            for one in failures:
                raise one

    def _may_begin(self, collection: str) -> bool:
        """In another history what was held goes out first."""
        return collection not in self._store.pushable or not self._store.owes

    def _edits(self) -> dict[str, list[Edit]]:
        room, found = MOST_ROWS, {}
        for collection in self._store.pushable:
            if some := self._store.unsent(min(BATCH, room), collection=collection):
                found[collection] = some
                room -= len(some)
        return found

    async def _send(self, batches: Iterable[Sequence[Edit]]) -> None:
        """By pushes of their own, which find the row at fault."""
        for edits in batches:
            await self._replication.send(edits)

    def _settled(self, edits: Sequence[Edit], part: Any) -> Failure | None:
        """The verdicts on the rows of one collection; or what is wrong with all of them."""
        if isinstance(part, dict):
            return failure(part["status"], part)
        self._replication.settle(edits, {document["id"]: document for document in part})
        return None

    def _taken(self, name: str, start: str | None, part: Document) -> tuple[Failure | None, bool]:
        """One collection's page, if it still continues the store. Whether it was the last."""
        if "documents" not in part:
            if start is not None and part["code"] == "bad-checkpoint":
                self._store.start_over(name)
                return None, False
            return failure(part["status"], part), False
        if part["checkpoint"] is None:  # there was no room for it
            return None, False
        page, checkpoint = part["documents"], part["checkpoint"]["c"]
        if not self._replication.take(name, page, start, checkpoint) or part["more"]:
            return None, False
        self._replication.complete(name)
        return None, True


def _is_of_a_row(failed: Failure | None) -> bool:
    return isinstance(failed, Refused) and failed.status in FAULTS
