"""What can happen in a day, as rules. Which of them, to whom and in which order, hypothesis draws.

A step is drawn by numbers that mean "the n-th of those there are", so that every step fits every
state, and a day is a list of steps that can be read and played again.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from django.db import connection
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from apps.accounts import services as accounts
from apps.accounts.models import Tablet, User
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.simulator.radio import CLEAR
from apps.simulator.tablet.store import Document
from apps.sync.models import Conflict, QuarantinedWrite, Version
from apps.sync.services import quarantine, versions
from tests.oracle import evening, yesterday
from tests.oracle.world import LOST, POOR, STUCK_SECONDS, Held, World, be_patient
from tests.probe import rooms

which = st.integers(0, 11)
FIELDS = ("text", "text", "text", "title", "tags", "log")
POISON = ("refuse", "break", "integrity", "deferred", "no id", "long id")
STORM_SECONDS = 0.4


def busy_rule(**drawn: Any) -> Callable[[Any], Any]:
    """A rule of days on which something happens."""
    return lambda function: precondition(lambda day: not day.idle)(rule(**drawn)(function))


class Day(RuleBasedStateMachine):
    """Set `urls` of running servers before it is played. `steps` counts what was played."""

    urls: ClassVar[list[str]] = []
    steps: ClassVar[int] = 0

    @initialize(day=st.integers(0, 2**32))
    def begin_the_day(self, day: int) -> None:
        self.idle = day == 0  # the simplest day, which hypothesis always plays first
        if self.idle:
            return
        self.lost: Tablet | None = None
        # Every third day has a restore: it copies everything that there is.
        self.restores = "not yet" if day % 3 == 0 else "never"
        folder = tempfile.TemporaryDirectory()
        self.stack = contextlib.ExitStack()
        self.stack.enter_context(folder)
        self.world = World(self.urls, Path(folder.name), seed=day)
        self.stack.callback(self.world.close)
        for held in self.world.held[:2]:
            self._typed(held, {"id": str(uuid7())}, "text")
            assert self.world.push(held)
        for held in self.world.held:
            assert self.world.pull(held)

    def teardown(self) -> None:
        if not self.idle:
            with self.stack:
                evening.judge(self.world)

    @precondition(lambda day: day.idle)
    @rule()
    def nothing(self) -> None:
        """Nothing happens."""

    # --- fingers ---

    @busy_rule(who=which, field=st.sampled_from(FIELDS))
    def begin_a_page(self, who: int, field: str) -> None:
        self._typed(self._held(who), {"id": str(uuid7())}, field)

    @busy_rule(who=which, n=which, field=st.sampled_from(FIELDS))
    def type_on(self, who: int, n: int, field: str) -> None:
        held = self._held(who)
        if page := self._page(held, n):
            self._typed(held, page, field)

    @busy_rule(who=which, n=which)
    def type_it_anew(self, who: int, n: int) -> None:
        """The whole text is replaced."""
        held = self._held(who)
        if page := self._page(held, n):
            self.world.save(held, "pages", {**page, "text": self.world.word()})

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
            self.world.erase(held, "pages", page["id"])

    @busy_rule(who=which, collection=st.sampled_from(("marks", "facts")))
    def tell_a_fact(self, who: int, collection: str) -> None:
        fact = {"id": str(uuid7()), "kind": "probe", "text": self.world.word()}
        self.world.save(self._held(who), collection, fact)

    @busy_rule(who=which, how=st.sampled_from(POISON))
    def poison(self, who: int, how: str) -> None:
        """A row that cannot be taken, among others."""
        held, word = self._held(who), self.world.word()
        match how:
            case "refuse" | "break":
                page = {"id": str(uuid7()), "title": how, "text": word}
                self.world.save(held, "pages", page)
            case "no id" | "long id":
                mark = {"id": word if how == "no id" else word + "x" * 60, "text": word}
                self.world.save(held, "marks", mark)
            case _:
                mark = {"id": str(uuid7()), "text": how, "remark": word}
                self.world.save(held, "marks", mark)

    @busy_rule(who=which, n=which)
    def spoil(self, who: int, n: int) -> None:
        """An edit of a good page that is refused."""
        held = self._held(who)
        if page := self._page(held, n):
            self.world.save(held, "pages", {**page, "title": "refuse", "text": self.world.word()})

    @busy_rule(who=which, n=which)
    def correct(self, who: int, n: int) -> None:
        held = self._held(who)
        refused = [d for d in held.client.store.documents("pages") if d.get("sync_status")]
        if refused:
            page = refused[n % len(refused)]
            text = f"{page.get('text', '')} {self.world.word()}"
            self.world.save(held, "pages", {**page, "title": "good", "text": text})

    # --- the radio ---

    @busy_rule(who=which)
    def push(self, who: int) -> None:
        self.world.push_all(self._held(who))

    @busy_rule(who=which)
    def pull(self, who: int) -> None:
        held = self._held(who)
        assert self.world.pull(held), self.world.said

    @busy_rule(who=which)
    def lose_the_answer(self, who: int) -> None:
        """The server takes what is pushed; nobody hears of it."""
        held = self._held(who)
        held.radio.conditions = LOST
        self.world.push(held)
        held.radio.conditions = CLEAR

    @busy_rule(who=which)
    def restart_the_app(self, who: int) -> None:
        self.world.restart(self._held(who))

    @busy_rule(who=which, n=which, fields=st.lists(st.sampled_from(FIELDS), min_size=1, max_size=4))
    def storm(self, who: int, n: int, fields: list[str]) -> None:
        """All tablets at once over a bad radio, with sockets that are cut, while one types on and
        a supervisor works."""
        held = self._held(who)
        meanwhile = self._in_a_thread(lambda: self._supervise(n))
        self.world.run(self._storm(held, n, fields))
        meanwhile()
        self.world.calm()

    async def _storm(self, held: Held, n: int, fields: list[str]) -> None:
        for other in self.world.held:
            other.radio.conditions = POOR
        running = [asyncio.create_task(other.client.run()) for other in self.world.held]
        for field in fields:
            await asyncio.sleep(STORM_SECONDS / len(fields))
            if page := self._page(held, n):
                self._typed(held, page, field)
            for other in self.world.held:
                other.radio.cut_sockets()
        for task in running:
            task.cancel()
        for ended in await asyncio.gather(*running, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError), ended

    @busy_rule(first=which, second=which)
    def at_the_same_moment(self, first: int, second: int) -> None:
        """Two push at once, one of them twice, while a supervisor works."""
        one, other = self._held(first), self._held(second)

        async def both() -> None:
            await asyncio.gather(
                *(held.client.replication.push_once() for held in (one, other, one)),
                return_exceptions=True,
            )

        meanwhile = self._in_a_thread(lambda: self._supervise(first))
        self.world.run(both())
        meanwhile()

    # --- who may what ---

    @busy_rule(who=which)
    def revoke(self, who: int) -> None:
        self.world.revoke(self._person(who))

    @busy_rule(who=which)
    def grant(self, who: int) -> None:
        self.world.grant(self._person(who))

    @busy_rule(who=which, n=which)
    def sign_in(self, who: int, n: int) -> None:
        """Somebody else takes the tablet, whatever is unsent on it."""
        of = self._held(n).of
        with contextlib.suppress(ProblemError):
            self.world.sign_in(of, self._person(who))

    @busy_rule(n=which)
    def sign_out(self, n: int) -> None:
        self.world.sign_out(self._held(n).of)

    @busy_rule(n=which)
    def lose_the_tablet(self, n: int) -> None:
        """At most one is lost at a time; the others have to find it first."""
        if self.lost is None:
            self.lost = self._held(n).of.tablet
            accounts.mark_lost(tablet=self.lost, by=SYSTEM, now=timezone.now())

    @busy_rule()
    def find_the_tablet(self) -> None:
        if self.lost is not None:
            accounts.mark_found(tablet=self.lost, by=SYSTEM, now=timezone.now())
            self.lost = None

    # --- the other side ---

    @precondition(lambda day: not day.idle and day.restores == "not yet")
    @rule()
    def back_up(self) -> None:
        yesterday.remember()
        self.stack.callback(yesterday.forget)
        self.restores, self.lost_then = "can be", self.lost

    @precondition(lambda day: not day.idle and day.restores == "can be")
    @rule()
    def restore(self) -> None:
        """The server is put back in time. What only it had, it has lost."""
        yesterday.put_back()
        self.restores, self.lost = "was", self.lost_then
        world, here = self.world, evening.on_the_server(self.world)
        world.fragile = evening.in_hand(world) - here
        world.kept = lambda: evening.on_the_server(world) | evening.in_hand(world)
        left = here | world.fragile
        world.owed = {word: what for word, what in world.owed.items() if word in left}

    @busy_rule(n=which)
    def supervise(self, n: int) -> None:
        self._supervise(n)

    @busy_rule(n=which)
    def publish(self, n: int) -> None:
        """The server writes a document of its own, to all or to one, or takes one back."""
        match n % 3:
            case 0:
                self.world.notes.append(rooms.note(self.world.word(), to=self.world.team))
            case 1:
                self.world.notes.append(rooms.note(self.world.word(), to=self._person(n)))
            case _ if self.world.notes:
                rooms.withdraw(self.world.notes[n % len(self.world.notes)])

    def _supervise(self, n: int) -> None:
        """A version is put back, a conflict settled, a refused row acknowledged: the oldest that is
        open. Where the author's own text is already another, it is told so."""
        by, now = self.world.supervisor, timezone.now()
        ids = [id for id in self.world.ids if evening.is_uuid(id)]
        with contextlib.suppress(ProblemError):
            match n % 4:
                case 0:
                    kept = Version.objects.filter(doc_id__in=ids).order_by("pk")
                    if count := kept.count():
                        versions.restore(version=kept[n % count], by=by, now=now)
                case 1 | 2:
                    conflict = Conflict.objects.open().filter(doc_id__in=ids).first()
                    choice = "kept" if n % 4 == 1 else "stays"
                    if conflict:
                        versions.settle_conflict(conflict=conflict, choice=choice, by=by, now=now)
                case _:
                    tablets = [of.tablet.pk for of in self.world.tablets]
                    write = QuarantinedWrite.objects.open().filter(tablet__in=tablets).first()
                    if write:
                        quarantine.acknowledge(write=write, by=by, now=now)

    # --- inside ---

    def _typed(self, held: Held, page: Document, field: str) -> None:
        word = self.world.word()
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

    def _held(self, n: int) -> Held:
        Day.steps += 1
        return self.world.held[n % len(self.world.held)]

    def _person(self, n: int) -> User:
        return self.world.people[n % len(self.world.people)]

    def _page(self, held: Held, n: int) -> Document | None:
        pages = held.client.store.documents("pages")
        return pages[n % len(pages)] if pages else None

    def _in_a_thread(self, work: Callable[[], Any]) -> Callable[[], None]:
        """Starts it; the returned function waits for it and raises what it raised."""
        failed: list[BaseException] = []

        def working() -> None:
            try:
                be_patient()
                work()
            except BaseException as error:  # noqa: BLE001  (raised again where it is waited for)
                failed.append(error)
            finally:
                connection.close()

        thread = threading.Thread(target=working, daemon=True)
        thread.start()

        def wait() -> None:
            thread.join(2 * STUCK_SECONDS)
            assert not thread.is_alive(), "a supervisor's work is stuck"
            if failed:
                raise failed[0]

        return wait
