"""What is typed, and what is photographed."""

from __future__ import annotations

from hypothesis import strategies as st

from apps.core.ids import uuid7
from tests.oracle.day import busy_rule, which
from tests.oracle.pages.day import FIELDS, POISON, Pages


class Fingers(Pages):
    """Rules for one local database each, in contact or not."""

    @busy_rule(who=which, field=st.sampled_from(FIELDS))
    def begin_a_page(self, who: int, field: str) -> None:
        self._type(self._held(who), self._new(), field)

    @busy_rule(who=which, n=which, field=st.sampled_from(FIELDS))
    def type_on(self, who: int, n: int, field: str) -> None:
        held = self._held(who)
        if page := self._page(held, n):
            self._type(held, page, field)

    @busy_rule(who=which, n=which)
    def type_it_anew(self, who: int, n: int) -> None:
        """The whole text is replaced."""
        held = self._held(who)
        if page := self._page(held, n):
            self.world.save(held, "pages", {**page, "text": self._word()})

    @busy_rule(who=which, n=which)
    def go_back(self, who: int, n: int) -> None:
        """A, B, A: what stood there before stands there again."""
        held = self._held(who)
        page = self._page(held, n)
        if page and (past := held.past.get(page["id"])):
            was = past[-1]
            back = {name: was.get(name) for name in ("text", "title", "tags") if name in was}
            self.world.save(held, "pages", {**page, **back})

    @busy_rule(who=which, n=which)
    def erase(self, who: int, n: int) -> None:
        held = self._held(who)
        if page := self._page(held, n):
            self.world.typed.erase(held, "pages", page["id"])

    @busy_rule(who=which, collection=st.sampled_from(("marks", "facts")))
    def tell_a_fact(self, who: int, collection: str) -> None:
        fact = {"id": str(uuid7()), "kind": "probe", "text": self._word()}
        self.world.save(self._held(who), collection, fact)

    @busy_rule(who=which, n=which)
    def photograph(self, who: int, n: int) -> None:
        held = self._held(who)
        if page := self._page(held, n):
            self._photograph(held, page)

    @busy_rule(who=which, how=st.sampled_from(POISON))
    def poison(self, who: int, how: str) -> None:
        """A row that cannot be taken, among others."""
        self._poison(self._held(who), POISON.index(how) + 1)

    @busy_rule(who=which, n=which)
    def spoil(self, who: int, n: int) -> None:
        """An edit of a good page that is refused."""
        held = self._held(who)
        if page := self._page(held, n):
            self.world.save(held, "pages", {**page, "title": "refuse", "text": self._word()})

    @busy_rule(who=which, n=which)
    def correct(self, who: int, n: int) -> None:
        held = self._held(who)
        refused = [page for page in held.store.documents("pages") if page.get("sync_status")]
        if refused:
            page = refused[n % len(refused)]
            text = f"{page.get('text', '')} {self._word()}"
            self.world.save(held, "pages", {**page, "title": "good", "text": text})
