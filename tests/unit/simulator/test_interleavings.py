"""Pushes, answers and pages that overtake each other in every order, between a store and a server
that gives, takes back, refuses and settles: once all is quiet, the store holds what it may.

The server here judges as the real one does, in a few lines. What is on its way waits in lists, and
dice say what arrives next, or never. `make soak` plays the same with real servers, and far slower.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from apps.simulator.tablet.store import Document, Edit, Store
from tests.unit.simulator.scripted import AT

T = TypeVar("T")
IDS = ("a", "b")
STEPS = 30
HISTORIES = 400


@dataclass
class Page:
    """What a pull or a frame brings. `head`: a pull that is older than one before is dropped."""

    prev: str | None
    documents: list[Document]
    checkpoint: str
    head: int


@dataclass
class Server:
    """One holder's documents. `items`: since when each is to be had, or to be dropped. `refused`:
    by document and save, whether that is settled. `stands_in`: where nothing holds but such a
    text."""

    seq: int = 0
    documents: dict[str, Document] = field(default_factory=dict)
    items: dict[str, tuple[int, bool]] = field(default_factory=dict)
    taken: dict[str, set[int]] = field(default_factory=dict)
    refused: dict[tuple[str, int], bool] = field(default_factory=dict)
    stands_in: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    def sees(self, id: str) -> bool:
        return self.items.get(id, (0, False))[1]

    def publish(self, id: str, body: Document | None = None, *, visible: bool = True) -> None:
        self.seq += 1
        self.items[id] = (self.seq, visible)
        if body:
            self.deleted.discard(id)
            rev = self.documents.get(id, {}).get("rev", 0) + 1
            self.documents[id] = {**body, "id": id, "rev": rev, "_deleted": False}

    def page(self, prev: str | None) -> Page:
        news = sorted((at, id) for id, (at, _) in self.items.items() if at > int(prev or 0))
        found = [self.documents[id] if self.sees(id) else _gone(id) for _, id in news]
        checkpoint = str(news[-1][0]) if news else prev or "0"
        return Page(prev, found, checkpoint, self.seq)

    def judge(self, edit: Edit) -> Document | None:
        id, typed = edit.id, {k: v for k, v in edit.document.items() if k != "_deleted"}
        taken, deleted = self.taken.setdefault(id, set()), bool(edit.document.get("_deleted"))
        holds = id in self.documents and id not in self.stands_in
        if edit.edit_no <= max(taken, default=0):
            return self._answer(id, typed, deleted=deleted)
        if holds and not self.sees(id):
            return _gone(id)
        if "refuse" in typed["text"] and not deleted:
            return self._refuse(edit, typed, holds=holds)
        taken.add(edit.edit_no)
        if deleted and not holds:
            for key in [key for key in self.refused if key[0] == id]:
                self.settle(key)  # whoever typed what was refused takes it back
            return None
        present = self.documents[id]["text"] if holds else None
        if deleted and (edit.assumed or typed)["text"] != present:
            return self.documents[id]
        if deleted:
            self.publish(id, visible=False)
            self.deleted.add(id)
        elif holds and present == typed["text"]:
            return None
        elif holds and (edit.assumed or {}).get("text") != present:
            text = f"{present} {typed['text']}"
            self.publish(id, {**typed, "text": text, "editor": "server", "edit_no": 0})
            return self.documents[id]
        else:
            self.publish(id, typed)
            self.stands_in.discard(id)
        return None

    def _answer(self, id: str, typed: Document, *, deleted: bool) -> Document | None:
        if not self.sees(id):
            return _gone(id)
        present = self.documents[id]
        return None if present["text"] == typed["text"] and not deleted else present

    def _refuse(self, edit: Edit, typed: Document, *, holds: bool) -> Document:
        marked = {**typed, "sync_status": "quarantined"}
        key = (edit.id, edit.edit_no)
        if holds:
            self.refused.setdefault(key, False)
            return {**marked, "rev": self.documents[edit.id]["rev"]}
        if key not in self.refused:
            self.refused[key] = False
            self.stands_in.add(edit.id)
            self.publish(edit.id, marked)
        return marked if self.sees(edit.id) else _gone(edit.id)

    def settle(self, key: tuple[str, int]) -> None:
        """A supervisor has seen what was refused."""
        self.refused[key] = True
        id = key[0]
        if id in self.stands_in:
            self.publish(id, visible=False)
        elif self.sees(id):
            self.publish(id)


def _gone(id: str) -> Document:
    return {"id": id, "_deleted": True}


class History:
    """What happens is drawn, one step after the other."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.store = Store(":memory:", pushable=("pages",), append_only=())
        self.server = Server()
        self.asked: list[list[Edit]] = []
        self.last: list[Edit] = []
        self.answer: tuple[list[Edit], dict[str, Document]] | None = None
        self.pages: list[Page] = []
        self.seen = 0
        self.log: list[str] = []
        self.words = 0

    def run(self) -> None:
        steps: list[Callable[[], object]] = [
            *(self.type, self.type, self.delete, self.ask, self.judge, self.judge, self.hear),
            *(self.frame, self.frame, self.frame, self.pull, self.arrive, self.lose),
            *(self.others, self.revoke, self.grant, self.acknowledge, self.acknowledge),
        ]
        for _ in range(STEPS):
            self.step(self.dice.choice(steps))
        self.rest()
        self.compare()

    def step(self, step: Callable[[], object]) -> None:
        self.log.append(f"{step.__name__}: {step()}")

    # --- on the tablet ---

    def type(self) -> object:
        id = self.dice.choice(IDS)
        self.words += 1
        text = f"w{self.words}" + (" refuse" if self.dice.random() < 0.6 else "")
        known = self.store.get("pages", id) or {"id": id}
        return self.store.save("pages", {**known, "text": text}, at=AT)

    def delete(self) -> object:
        id = self.dice.choice(IDS)
        self.store.delete("pages", id, at=AT)
        return id

    # --- on its way ---

    def ask(self) -> object:
        """Who asks again has given up the last answer; the server may judge that push later."""
        self.answer, self.last = None, self.store.unsent(50)
        if self.last:
            self.asked.append(self.last)
        return self.last

    def judge(self) -> object:
        if not self.asked:
            return None
        edits = self._any(self.asked)
        answers = {edit.id: answer for edit in edits if (answer := self.server.judge(edit))}
        if edits is self.last:
            self.answer = edits, answers
        return answers

    def hear(self) -> object:
        if self.answer is None:
            return None
        (edits, answers), self.answer = self.answer, None
        self.store.settle(edits, answers, at=AT)
        return answers

    def pull(self) -> object:
        page = self.server.page(self.store.checkpoint("pages"))
        self.pages.append(page)
        return page

    def frame(self) -> object:
        """Nothing overtakes it."""
        page = self.server.page(at := self.store.checkpoint("pages"))
        return page, self.store.take(
            "pages", page.documents, prev=at, checkpoint=page.checkpoint, at=AT
        )

    def arrive(self) -> object:
        if not self.pages:
            return None
        page = self._any(self.pages)
        if page.head < self.seen:
            return "too old"
        self.seen = page.head
        return page, self.store.take(
            "pages", page.documents, prev=page.prev, checkpoint=page.checkpoint, at=AT
        )

    def lose(self) -> object:
        some: list[list[Any]] = [one for one in (self.asked, self.pages) if one]
        return some and self._any(self.dice.choice(some))

    def _any(self, some: list[T]) -> T:
        return some.pop(self.dice.randrange(len(some)))

    # --- on the server ---

    def others(self) -> object:
        if (id := self._visible()) and id not in self.server.stands_in:
            self.words += 1
            theirs = {"text": f"w{self.words}", "editor": "others", "edit_no": self.words}
            self.server.publish(id, theirs)
        return id

    def revoke(self) -> object:
        if id := self._visible():
            self.server.publish(id, visible=False)
        return id

    def grant(self) -> object:
        never = self.server.stands_in | self.server.deleted
        hidden = [id for id in self.server.documents if not self.server.sees(id)]
        if hidden := [id for id in hidden if id not in never]:
            self.server.publish(id := self.dice.choice(hidden))
            return id
        return None

    def acknowledge(self) -> object:
        waiting = [key for key, settled in self.server.refused.items() if not settled]
        if waiting:
            self.server.settle(key := self.dice.choice(waiting))
            return key
        return None

    def _visible(self) -> str | None:
        some = [id for id in self.server.documents if self.server.sees(id)]
        return self.dice.choice(some) if some else None

    # --- in the end ---

    def rest(self) -> None:
        """What is on its way arrives or does not; then everything is sent and pulled in turn."""
        while self.asked or self.answer or self.pages:
            self.step(self.dice.choice([self.judge, self.hear, self.arrive, self.lose]))
        for _ in range(20):
            while self.store.unsent(1):
                for step in (self.ask, self.judge, self.hear):
                    self.step(step)
            for step in (self.pull, self.arrive):
                self.step(step)
            self.store.complete("pages")
            if self.store.checkpoint("pages") == self.server.page(None).checkpoint:
                return
        raise AssertionError("it does not come to rest")

    def compare(self) -> None:
        server, store = self.server, self.store
        may = {id: one for id, one in server.documents.items() if server.sees(id)}
        has = {one["id"]: one for one in store.documents("pages")}
        assert has.keys() == may.keys()
        marked = {id for id in may if "sync_status" in {**may[id], **has[id]}}
        for id in may.keys() - marked:
            assert has[id]["text"] == may[id]["text"]
        lines = [f"{id}:{may[id]['rev']}\n" for id in sorted(may.keys() - marked)]
        digest = hashlib.sha256("".join(lines).encode()).hexdigest()
        assert store.digest("pages", marked) == (len(lines), digest)


def test_in_whatever_order_it_comes_the_store_ends_with_what_it_may_hold() -> None:
    for seed in range(HISTORIES):
        history = History(seed)
        try:
            history.run()
        except AssertionError as error:
            error.add_note("\n".join([f"Seed {seed}:", *history.log]))
            raise
        history.store.close()
