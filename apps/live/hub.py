"""The hub: one per process. It owns all sockets of the process and reads the feed once for all.

How a change reaches a tablet: a service publishes and commits; a bell is rung; every hub hears
it and plays one round: it reads what was committed since its last round, writes the audit entries,
and queues the frames. The bell carries a number and may be lost: a round is played with every
heartbeat, bell or not, and every second while no bell can be heard.

How a socket joins without a gap and without a duplicate:

1. It catches up by itself, page by page, each page one snapshot. The last one found nothing more
   in any collection: with it, the socket has everything up to that snapshot's head H.
2. On the event loop, without a pause in between, it is put on the list of live sockets with H.
3. A round takes the list when it starts. It reads from the lowest point that anyone on it was told:
   the hub's own, or the H of those that joined since the last round started. So the first round
   with the new socket begins no later than at H: no gap.
4. Each socket gets only what is later than its own point: no duplicate.
5. A round that was under way while the socket joined (or fell behind and joined again) has an older
   list, and what it found may lie before H. So nothing of it is given to a socket that joined since
   the round started; what lies after H comes with the next round, by 3. That holds for both waves.
6. Who is signed in on the tablet was read in the same snapshot H; a change after it is an event
   after H, which that round reads as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.utils import InterfaceError, OperationalError

from apps.changes.reading import Head
from apps.core import clock
from apps.core.logs import ailment
from apps.core.problems import ProblemError
from apps.live import messages, rounds, visits
from apps.live.ears import Ears
from apps.live.messages import Code
from apps.live.rounds import Listeners, Parts, Round
from apps.live.sessions import Verdict, look_again
from apps.live.socket import Socket
from apps.live.threads import Threads
from apps.sync.feed import Standing
from apps.sync.problems import ANOTHER_HISTORY

log = logging.getLogger(__name__)

# How long nothing is read while the bell cannot be heard.
DEAF_TICK_SECONDS = 1.0
# A socket that caught up to a point further back than this takes another step by itself.
FAR_BEHIND = 1000  # commits
# A broken connection lingers until its ping is missed; more than these is a fault of the client.
MOST_SOCKETS_A_TABLET = 8
# Sockets that have not said hello yet. Beyond it a herd is turned away, and comes back spread out.
MOST_KNOCKING = 500
_RETRY_SECONDS = 0.5


class Hub:
    """Made on the running loop by `hub()`, and started there."""

    def __init__(self) -> None:
        self.threads = Threads()
        self.standing: Standing | None = None
        self.knocking = 0
        self._sockets: set[Socket] = set()
        self._live: dict[UUID, tuple[Socket, ...]] = {}
        self._by_tablet: dict[UUID, list[Socket]] = {}
        self._told = 0
        self._rung = 0
        self._reading = 0
        self._fresh: dict[Socket, int] = {}
        self._wake = asyncio.Event()
        self._ears = Ears(self._hear)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begins to listen, to play rounds and to beat."""
        for name, work in (
            ("bell", self._ears.listen),
            ("rounds", self._rounds),
            ("beats", self._beats),
            ("recheck", self._rechecks),
        ):
            self._spawn(_for_ever(name, work))

    # --- sockets come and go ---

    def add(self, socket: Socket, standing: Standing) -> None:
        """A socket that has been welcomed; it starts to catch up."""
        loop = asyncio.get_running_loop()
        self._learn(standing)
        self._sockets.add(socket)
        if socket.who.tablet is not None:
            others = self._by_tablet.setdefault(socket.who.tablet, [])
            others.append(socket)
            for surplus in others[:-MOST_SOCKETS_A_TABLET]:
                surplus.close(Code.TRY_LATER, "this tablet has opened too many sockets")
        socket.beat_at = loop.time() + random.random() * settings.HEARTBEAT_SECONDS  # noqa: S311
        lifetime = settings.SOCKET_LIFETIME_SECONDS * random.uniform(0.8, 1.0)  # noqa: S311
        socket.ends_at = loop.time() + lifetime
        self._spawn(self._settle_in(socket, dict(socket.checkpoints)))

    def remove(self, socket: Socket) -> None:
        """A socket that is gone."""
        self._leave(socket)
        self._sockets.discard(socket)
        if (tablet := socket.who.tablet) is not None:
            others = self._by_tablet.get(tablet, [])
            with contextlib.suppress(ValueError):
                others.remove(socket)
            if not others:
                self._by_tablet.pop(tablet, None)

    def _join(self, socket: Socket, told: int) -> None:
        if not self._live:
            self._told = told
        holder = socket.who.holder
        self._live[holder] = (*self._live.get(holder, ()), socket)
        self._fresh[socket] = told
        socket.live = True
        self._wake.set()

    def _leave(self, socket: Socket) -> None:
        socket.live = False
        self._fresh.pop(socket, None)
        holder = socket.who.holder
        rest = tuple(other for other in self._live.get(holder, ()) if other is not socket)
        if rest:
            self._live[holder] = rest
        else:
            self._live.pop(holder, None)

    # --- catching up: each socket by itself, paced by the few threads there are ---

    def _fall_behind(self, socket: Socket) -> None:
        self._leave(socket)
        self._spawn(self._catch_up(socket))

    async def _settle_in(self, socket: Socket, presented: Mapping[str, str | None]) -> None:
        await self._catch_up(socket)
        if socket.live and socket.frames:
            await self.threads.other(visits.forget_carried_out, socket.who, presented)

    async def _catch_up(self, socket: Socket) -> None:
        """Brings one socket to where it can join. See the module's docstring."""
        while not socket.closed and socket in self._sockets:
            try:
                if await self._step(socket):
                    return
            except ProblemError as problem:
                if problem.problem is ANOTHER_HISTORY:
                    socket.close(Code.ANOTHER_HISTORY, problem.problem.title)
                else:
                    socket.close(Code.TRY_LATER, problem.problem.title)
            except (OperationalError, InterfaceError) as error:
                log.warning("catching up has to wait: %s", ailment(error))
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                log.exception("a socket cannot catch up")
                socket.close(Code.TRY_LATER, "something broke here: dial again later")

    async def _step(self, socket: Socket) -> bool:
        """One page. True: the socket has joined."""
        await socket.drained()
        at = dict(socket.checkpoints) if socket.frames else {}
        step = await self.threads.other(visits.catch_up, socket.who, at, now=clock.now())
        self._learn(step.standing)
        if not self._permitted(socket, step.verdict):
            return True
        for part in step.parts:
            await socket.drained()
            socket.deliver(part)
        if step.more or self._told - step.standing.head.seq > FAR_BEHIND:
            return False
        if not socket.closed and socket in self._sockets:
            if not socket.frames:
                socket.tell_to_pull()
            self._join(socket, step.standing.head.seq)
        return True

    # --- rounds ---

    async def _rounds(self) -> None:
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            seconds = DEAF_TICK_SECONDS if self._ears.deaf else settings.HEARTBEAT_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            if loop.time() - looked >= settings.HEARTBEAT_SECONDS:
                looked = loop.time()
                await self._look_around()
            self._wake.clear()
            if self._live:
                await self._round()

    def _hear(self, head: int | None) -> None:
        """A bell. What a round has told, or is sure to read as it rang before the round began, need
        not be looked for again."""
        if head is None:
            self._wake.set()
        elif head > max(self._told, self._reading):
            self._rung = max(self._rung, head)
            self._wake.set()

    async def _look_around(self) -> None:
        """What no bell tells: the name of the history, and whether what was told is still part of
        it. A database may be put back in time while this process runs."""
        if self._sockets:
            known = self.standing.head if self.standing else None
            try:
                standing, still = await self.threads.feed(visits.look, known)
            except (OperationalError, InterfaceError) as error:
                log.warning("the feed cannot be read: %s", ailment(error))
                return
            self._learn(standing)
            if not still:
                self._begin_again(standing)

    async def _round(self) -> None:
        fresh, self._fresh = self._fresh, {}
        self._reading = self._rung
        listeners = Listeners(dict(self._live), self._told, fresh, self._by_tablet)
        try:
            found = await self.threads.feed(rounds.play, listeners, now=clock.now())
        except (OperationalError, InterfaceError) as error:
            log.warning("the feed cannot be read: %s", ailment(error))
            self._fresh = fresh | self._fresh
            self._wake.set()
            await asyncio.sleep(_RETRY_SECONDS)
            return
        except Exception:
            # One document that cannot be read or written down must not silence every socket: those
            # that it is for find out by themselves, and are closed; the others go on behind it.
            log.exception("a round cannot be played: every socket catches up by itself")
            self._all_fall_behind(listeners)
            # Who is left has joined meanwhile, and was told up to a point of its own.
            self._told = max(self._fresh.values(), default=self._told)
            return
        if found.another_history:
            await self._look_around()  # learns its name, and closes the sockets of before
        if found.head is not None:
            self._told = found.head.seq
            self._note_head(found.head)
            try:
                self._hand_out(found, listeners)
                if found.later is not None:
                    rest = await self.threads.feed(rounds.second_wave, found.later, now=clock.now())
                    self._deliver_all(rest)
            except Exception:
                log.exception("a round cannot be handed out: every socket catches up by itself")
                self._all_fall_behind(listeners)

    def _hand_out(self, found: Round, listeners: Listeners) -> None:
        """Queues what a round found, but for its second wave."""
        self._deliver_all(found.parts)
        for socket in found.to_pull:
            socket.tell_to_pull()
        if not found.complete:
            self._all_fall_behind(listeners)
        for tablet, user in found.signed_in.items():
            for socket in self._by_tablet.get(tablet, ()):
                self._sign_in(socket, user)
        if found.ended:
            for socket in self._sockets:
                if (socket.who.tablet or socket.who.user) in found.ended:
                    socket.close(Code.CREDENTIAL, "this access was ended")

    def _deliver_all(self, parts: Parts) -> None:
        """Queues frames, unless a socket joined, or left, since the round began: see 5."""
        for socket, its in parts.items():
            for part in its:
                if not socket.live or socket in self._fresh:
                    break
                if not socket.deliver(part):
                    self._fall_behind(socket)

    def _all_fall_behind(self, listeners: Listeners) -> None:
        for sockets in listeners.by_holder.values():
            for socket in sockets:
                if socket.live and socket not in self._fresh:
                    self._fall_behind(socket)

    # --- rights ---

    def _permitted(self, socket: Socket, verdict: Verdict) -> bool:
        if verdict.valid:
            self._sign_in(socket, verdict.user)
        else:
            socket.close(Code.CREDENTIAL, "this credential is not valid any more")
        return verdict.valid

    def _sign_in(self, socket: Socket, user: UUID | None) -> None:
        """Somebody else, or nobody, is on the tablet now. Whoever comes after nobody has to be
        given what everyone may see."""
        newly = socket.user is None and user is not None
        socket.user = user
        if newly and socket.live:
            self._fall_behind(socket)

    async def _rechecks(self) -> None:
        """Whatever was missed: every socket's rights are looked up again now and then."""
        while True:
            await asyncio.sleep(settings.SOCKET_RECHECK_SECONDS)
            present = [socket for socket in self._sockets if not socket.closed]
            if not present:
                continue
            try:
                known = [socket.who for socket in present]
                verdicts = await self.threads.other(look_again, known, now=clock.now())
            except (OperationalError, InterfaceError) as error:
                log.warning("rights cannot be looked up: %s", ailment(error))
                continue
            for socket, verdict in zip(present, verdicts, strict=True):
                self._permitted(socket, verdict)

    # --- heartbeats and ends ---

    async def _beats(self) -> None:
        """Heartbeats are spread over their period: a thousand sockets never beat at once."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(0.25, settings.HEARTBEAT_SECONDS / 4))
            now, at = loop.time(), clock.now()
            for socket in tuple(self._sockets):
                self._attend(socket, now, at)

    def _attend(self, socket: Socket, now: float, at: datetime) -> None:
        if socket.stuck_for(now) > settings.SOCKET_STUCK_SECONDS and not socket.closed:
            log.info("a client that does not read is dropped")
            self._spawn(socket.drop(Code.TRY_LATER, "this client reads too slowly"))
        elif now > socket.ends_at:
            socket.close(Code.RESTART, "a socket does not live for ever: dial again")
        elif now >= socket.beat_at and self.standing is not None:
            socket.beat_at = now + settings.HEARTBEAT_SECONDS
            if socket.idle:
                at_ = socket.checkpoints if socket.frames else None
                socket.say(messages.heartbeat(self.standing, checkpoints=at_, now=at))

    # --- inside ---

    def _learn(self, standing: Standing) -> None:
        known = self.standing
        if known is not None and known.epoch != standing.epoch:
            self._begin_again(standing)
        elif known is None or known.head.seq < standing.head.seq:
            self.standing = standing

    def _begin_again(self, standing: Standing) -> None:
        """Every socket here is of another history than the one that the server now follows."""
        self.standing = standing
        self._told = standing.head.seq
        self._rung = self._reading = 0
        for socket in tuple(self._sockets):
            socket.close(Code.ANOTHER_HISTORY, "this server follows another history")
            self._leave(socket)

    def _note_head(self, head: Head) -> None:
        if self.standing is not None and self.standing.head.seq < head.seq:
            self.standing = Standing(head, self.standing.epoch, self.standing.copy)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _for_ever(name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A fault in one of the hub's works must not end it for every socket of the process."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("the hub's %s failed and is started again", name)
            await asyncio.sleep(_RETRY_SECONDS)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The hub of this process's loop; the first call starts it."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
        _hubs[loop].start()
    return _hubs[loop]
