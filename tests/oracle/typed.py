"""What fingers did: every word that was typed, and who has to have it still in the evening."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from apps.simulator.tablet.store import Document
from tests.oracle import faults
from tests.oracle.held import Held
from tests.oracle.words import Words, is_uuid


class Typed:
    """`owed`: every word that was typed and that its author has not taken back unsent, with who
    typed it where. `barred`: those that were typed on a tablet that is shut out, since then.
    `ids`: every document that anybody began.

    `fragile` words may, after a restore, stand on one tablet alone; `kept` are those that do not.
    """

    def __init__(self) -> None:
        self.words = Words()
        self.owed: dict[str, str] = {}
        self.barred: set[str] = set()
        self.ids: set[str] = set()
        self.fragile: set[str] = set()
        self.kept: Callable[[], set[str]] = set

    @property
    def uuids(self) -> list[UUID]:
        """The ids that are ids."""
        return [UUID(id) for id in list(self.ids) if is_uuid(id)]

    def save(
        self, held: Held, collection: str, document: Document, *, barred: bool = False
    ) -> None:
        key = (collection, document["id"])
        self.ids.add(document["id"])
        held.happened[faults.TYPED_ON] += held.radio.carries(document["id"])
        self._answered(held, key)
        if before := held.store.get(*key):
            held.past.setdefault(document["id"], []).append(before)
        words = self.words.found_in(held.client.save(collection, document))
        self._take_back(held, key, words)
        self._give_up(self.words.found_in(before or {}) - words)
        new = words - self.owed.keys()
        held.pending.setdefault(key, set()).update(new)
        for word in new:
            self.owed[word] = f"{word} in {collection} {document['id']}, typed on {held.name}"
        if barred:
            self.barred |= new

    def erase(self, held: Held, collection: str, id: str) -> None:
        key = (collection, id)
        self._answered(held, key)
        before = held.store.get(*key)
        held.client.delete(collection, id)
        self._take_back(held, key, set())
        self._give_up(self.words.found_in(before or {}))

    def _answered(self, held: Held, key: tuple[str, str]) -> None:
        """What the server has answered for is owed for ever."""
        if not held.store._waits(*key):
            held.pending.pop(key, None)

    def _take_back(self, held: Held, key: tuple[str, str], left: set[str]) -> None:
        """Who replaces their own words before anybody has answered for them has taken them back."""
        pending = held.pending.get(key, set())
        for word in pending - left:
            self.owed.pop(word, None)
        pending &= left

    def _give_up(self, words: set[str]) -> None:
        """After a restore a word may stand on one tablet alone: who replaces it there, before the
        tablet has handed it over, has taken it back."""
        if gone := words & self.fragile:
            for word in gone - self.kept():
                self.owed.pop(word, None)
