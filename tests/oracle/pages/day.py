"""What is played with the rooms of `tests.probe`: pages, marks, facts."""

from __future__ import annotations

from pathlib import Path

from apps.core.ids import uuid7
from apps.simulator.tablet.store import Document
from tests.integration.sync import pictures
from tests.oracle import faults
from tests.oracle.day import Day
from tests.oracle.held import Held
from tests.oracle.pages.world import PROBE, PagesWorld

# `mood` is new: the app of last year does not know it.
FIELDS = ("text", "text", "text", "title", "tags", "log", "mood")
POISON = ("refuse", "break", "integrity", "deferred", "no id", "long id")


class Pages(Day):
    """A day with pages: how it begins, and what its rules share."""

    world: PagesWorld

    def _open_the_world(self, day: int, folder: Path) -> PagesWorld:
        tablets = 3 + self.compromises
        return PagesWorld(self.urls, folder, seed=day, tablets=tablets, happened=self.happened)

    def _begin(self, day: int) -> None:
        self._revoke_while_away(day)

    def _scribble(self, held: Held, n: int, field: int = 0) -> None:
        self._type(held, self._page(held, n) or self._new(), FIELDS[field])

    def _poison(self, held: Held, how: int) -> None:
        word = self._word()
        match poison := POISON[how - 1]:
            case "refuse" | "break":
                page = {"id": str(uuid7()), "title": poison, "text": word}
                self.world.save(held, "pages", page)
            case "no id" | "long id":
                mark = {"id": word if poison == "no id" else word + "x" * 60, "text": word}
                self.world.save(held, "marks", mark)
            case _:
                mark = {"id": str(uuid7()), "text": poison, "remark": word}
                self.world.save(held, "marks", mark)

    def _revoke_while_away(self, n: int) -> None:
        """Somebody loses the team's documents (one with a photo) while out of contact, with an
        unsent edit of one. At the next contact all are gone, and what was typed lies in quarantine,
        not in the document."""
        world = self.world
        first, _, second, *_ = world.held
        edited, untouched = self._new(), self._new()
        for page in (edited, untouched):
            self._type(first, page, "text")
        self._photograph(first, untouched)
        world.exchange(first)
        for held in world.held:
            world.exchange(held)
        page = second.store.get("pages", edited["id"])
        assert page is not None
        assert second.store.get("pages", untouched["id"]) is not None
        self._type(second, page, "text")
        world.revoke(self._person(second.number))
        self._meet(second, n)
        self.happened[faults.REVOKED] += 1
        world.exchange(first)
        assert (first.store.get("pages", edited["id"]) or {}).get("text") == page["text"]
        if n % 2:
            world.grant(self._person(second.number))

    def _type(self, held: Held, page: Document, field: str) -> None:
        word = self.world.typed.words.word()
        if field == "mood" and (held.schema < PROBE.today or page.get("mood")):
            field = "text"
        match field:
            case "text":
                text = f"{page.get('text') or ''} {word}".strip()
                page = {**page, "text": text}
            case "tags":
                page = {**page, "tags": [*(page.get("tags") or []), word]}
            case "log":
                page = {**page, "log": [*(page.get("log") or []), {"id": word, "what": "seen"}]}
            case _:
                page = {**page, field: word}
        self.world.save(held, "pages", page)

    def _photograph(self, held: Held, page: Document) -> None:
        """A photo, and the page that names it."""
        sha256 = held.media.keep(pictures.jpeg() + self.world.typed.words.word().encode())
        self.world.photos[sha256] = held
        page = held.store.get("pages", page["id"]) or page
        self.world.save(held, "pages", {**page, "photos": [*(page.get("photos") or []), sha256]})

    def _new(self) -> Document:
        return {"id": str(uuid7())}

    def _page(self, held: Held, n: int) -> Document | None:
        pages = held.store.documents("pages")
        return pages[n % len(pages)] if pages else None

    def _word(self) -> str:
        return self.world.typed.words.word()
