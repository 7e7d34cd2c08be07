"""What others do, wherever the day is played: who signs in, loses a tablet, supervises, restores
the server."""

from __future__ import annotations

import contextlib

from django.utils import timezone
from hypothesis import strategies as st

from apps.changes import epochs
from apps.core.problems import ProblemError
from apps.simulator.radio import CLEAR
from apps.sync.models import Conflict, QuarantinedWrite, Version
from apps.sync.services import quarantine, versions
from tests.oracle import evening, faults, yesterday
from tests.oracle.contact import Contact, running, until
from tests.oracle.day import busy_rule, which
from tests.oracle.words import is_uuid


class Office(Contact):
    """Rules for what does not happen on tablets."""

    @busy_rule(who=which, n=which)
    def sign_in(self, who: int, n: int) -> None:
        """Somebody else takes the tablet, whatever is unsent on it."""
        with contextlib.suppress(ProblemError):
            self.world.sign_in(self._held(n).of, self._person(who))

    @busy_rule(n=which)
    def sign_out(self, n: int) -> None:
        self.world.sign_out(self._held(n).of)

    @busy_rule(n=which)
    def lose_the_tablet(self, n: int) -> None:
        """At most one is lost at a time; the others have to find it first."""
        held = self._held(n)
        if self.world.lost is None and not self.world.is_shut(held):
            self.world.lose(held.of.tablet)

    @busy_rule()
    def find_the_tablet(self) -> None:
        self.world.find()

    @busy_rule(lambda day: day.compromises, n=which)
    def compromise_a_tablet(self, n: int) -> None:
        """One, for good: it is answered nothing from now on, lost or not."""
        if self.world.shut is None:
            held = self._held(n)
            self.world.compromise(held.of.tablet)
            self.world.is_turned_away(held)

    @busy_rule(n=which)
    def supervise(self, n: int) -> None:
        self._supervise(n)

    @busy_rule(n=which)
    def publish(self, n: int) -> None:
        self._publish(n, poked=True)

    @busy_rule(lambda day: day.restores == "not yet")
    def back_up(self) -> None:
        self._back_up()

    def end_the_day(self) -> None:
        if self.restores == "not yet" and faults.RESTORED_LIVE in self.due:
            self._back_up()
        if self.restores == "can be":
            self._restore(live=True)
        super().end_the_day()

    def _back_up(self) -> None:
        yesterday.remember()
        self.stack.callback(yesterday.forget)
        self.restores, self.then = "can be", self.world.remembered()

    @busy_rule(lambda day: day.restores == "can be", live=st.booleans())
    def restore(self, live: bool) -> None:
        """The server is put back in time. What only it had, it has lost. `live`: while everybody is
        on a socket, with news of the history that ends on their way."""
        self._restore(live=live)

    def _restore(self, *, live: bool) -> None:
        if live:
            evening.come_to_rest(self.world)
            self.world.run(self._put_back_under_sockets())
            self.happened[faults.RESTORED_LIVE] += 1
        else:
            self._put_back()
        self.happened[faults.RESTORED] += 1

    async def _put_back_under_sockets(self) -> None:
        """The tablets stand still while it is done: what is on its way comes to them afterwards. It
        is nothing that was typed: that would cover what only they still have of it."""
        world = self.world
        async with running(world.held, CLEAR):
            await until(lambda: all(one.client.live_since for one in self._heard()))
            await self._complete(self._heard())
            world.desk.submit(lambda: self._publish(0, poked=True)).result()
            world.desk.submit(self._put_back).result()
            epoch = str(await world.ask(epochs.current))
            await until(lambda: all(one.store.epoch == epoch for one in self._heard()))

    def _put_back(self) -> None:
        yesterday.put_back()
        world, typed, self.restores = self.world, self.world.typed, "was"
        world.put_back(self.then)
        here, aside = evening.on_the_server(world), evening.out_of_reach(world)
        typed.fragile = evening.in_hand(world) - here
        typed.kept = lambda: evening.on_the_server(world) | evening.in_hand(world)
        left = here | aside | typed.fragile
        typed.owed = {word: what for word, what in typed.owed.items() if word in left}
        typed.barred &= aside

    def _supervise(self, n: int) -> None:
        """A version is put back, a conflict settled, a refused row acknowledged: the oldest that is
        open. Where the author's own text is already another, it is told so."""
        with contextlib.suppress(ProblemError):
            if self._settle(n) and any(held.radio.busy for held in self.world.held):
                self.happened[faults.SUPERVISED] += 1

    def _settle(self, n: int) -> bool:
        """Whether there was anything."""
        by, now = self.world.supervisor, timezone.now()
        ids = [id for id in list(self.world.typed.ids) if is_uuid(id)]
        match n % 4:
            case 0:
                kept = Version.objects.filter(doc_id__in=ids).order_by("pk")
                if count := kept.count():
                    versions.restore(version=kept[n % count], by=by, now=now)
                return bool(count)
            case 1 | 2:
                conflict = Conflict.objects.open().filter(doc_id__in=ids).first()
                choice = "kept" if n % 4 == 1 else "stays"
                if conflict:
                    versions.settle_conflict(conflict=conflict, choice=choice, by=by, now=now)
                return bool(conflict)
            case _:
                tablets = [of.tablet.pk for of in self.world.tablets]
                write = QuarantinedWrite.objects.open().filter(tablet__in=tablets).first()
                if write:
                    quarantine.acknowledge(write=write, by=by, now=now)
                return bool(write)
