"""A day: how it begins and ends, and what its rules share."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from apps.accounts.models import User
from apps.core.ids import uuid7
from apps.simulator.tablet.store import Document
from tests.integration.sync import pictures
from tests.oracle import evening
from tests.oracle.held import SCHEMA, Held
from tests.oracle.world import World

which = st.integers(0, 11)
# `mood` is new: the app of last year does not know it.
FIELDS = ("text", "text", "text", "title", "tags", "log", "mood")


class BadDay(BaseException):
    """Something is wrong. No failure for hypothesis: it would play the day again, and tell of that
    one, where radio and threads may have done something else."""


def noted(function: Callable[..., None]) -> Callable[..., None]:
    """A step that is written down before it is taken, and that ends the day where it fails."""

    @wraps(function)
    def step(day: Day, /, **drawn: Any) -> None:
        said = ", ".join(f"{name}={value!r}" for name, value in drawn.items())
        day.played.append(f"{function.__name__}({said})")
        try:
            function(day, **drawn)
        except Exception as error:
            day.bad = True
            error.add_note("\n".join(["The day:", *day.played]))
            raise BadDay from error

    return step


def busy_rule(when: Callable[[Any], Any] = lambda day: True, **drawn: Any) -> Callable[[Any], Any]:
    """A rule of days on which something happens, while the day is like that."""
    return lambda function: precondition(lambda day: not day.idle and when(day))(
        rule(**drawn)(noted(function))
    )


class Day(RuleBasedStateMachine):
    """Set `urls` of running servers before it is played, and how large a `crowd` may come."""

    urls: ClassVar[list[str]] = []
    crowd: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.played: list[str] = []
        self.bad = False

    @initialize(day=st.integers(0, 2**32))
    @noted
    def begin_the_day(self, day: int) -> None:
        """The people, their tablets, and what happens every day."""
        self.idle = day == 0  # the simplest day, which hypothesis always plays first
        if self.idle:
            return
        self.restores = "not yet" if day % 3 == 0 else "never"  # it copies all that there is
        self.compromises = day % 4 == 1
        self.herds = day % 8 == 2
        folder = tempfile.TemporaryDirectory()
        self.stack = contextlib.ExitStack()
        self.stack.enter_context(folder)
        self.world = World(self.urls, Path(folder.name), seed=day, tablets=3 + self.compromises)
        self.stack.callback(self.world.close)
        self._revoke_while_away(day)

    def teardown(self) -> None:
        if not self.idle:
            with self.stack:
                if not self.bad:
                    self.evening()

    @noted
    def evening(self) -> None:
        self.end_the_day()

    def end_the_day(self) -> None:
        evening.judge(self.world)

    @precondition(lambda day: day.idle)
    @rule()
    def nothing(self) -> None:
        """Nothing happens."""

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
        world.exchange(first)
        assert (first.store.get("pages", edited["id"]) or {}).get("text") == page["text"]
        if n % 2:
            world.grant(self._person(second.number))

    # --- what the rules share ---

    def _meet(self, held: Held, n: int) -> None:
        """Contact, in one of two ways. Then it holds what it may, and nothing else."""
        world = self.world
        if world.is_shut(held):
            world.is_turned_away(held)
            return
        world.quiet()
        if n % 2:
            world.exchange(held)
        else:
            world.push_all(held)
            world.pull(held)
        wrong = world.amiss(held, world.documents())
        assert not wrong, "\n".join(wrong)

    def _type(self, held: Held, page: Document, field: str) -> None:
        word = self.world.typed.words.word()
        if field == "mood" and (held.schema < SCHEMA or page.get("mood")):
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

    def _held(self, n: int) -> Held:
        return self.world.held[n % len(self.world.held)]

    def _person(self, n: int) -> User:
        return self.world.people[n % len(self.world.people)]

    def _page(self, held: Held, n: int) -> Document | None:
        pages = held.store.documents("pages")
        return pages[n % len(pages)] if pages else None
