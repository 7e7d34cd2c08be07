"""Keeping the store and the server the same: pulls, pushes, and what to do when history changes.

Nothing here gives up. A failure is waited out (full jitter, the server's `Retry-After` as the
least) and the same is tried again, sooner where an answered socket shows that the radio is back,
and at once for a call for help; edits leave the outbox only by the server's answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

from .device import Device
from .store import Document, Edit, Store, seq_of
from .wire import AnotherHistory, AnotherTablet, NoAnswer, Refused, ShutOut, Wire

PAGE = 500
BATCH = 50  # the server judges at most so many rows in one transaction
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 8.0
# A whole push that is answered with one of these holds a row that is at fault.
FAULTS = frozenset({400, 404, 413, 422})
# Under the history that the store follows: the server was put back in time, and waits for its
# operator. It hands out nothing older, and takes what was typed.
PUT_BACK = "another-history"

Listener = Callable[[str, Sequence[Document]], None]


class Replication:
    """Pulls and pushes of one store. `arrived` is called with every page or frame taken."""

    def __init__(
        self,
        store: Store,
        device: Device,
        wire: Wire,
        *,
        collections: Sequence[str],
        dice: random.Random,
        arrived: Listener,
    ) -> None:
        self.collections = tuple(collections)
        self._store = store
        self._device = device
        self._wire = wire
        self._dice = dice
        self._arrived = arrived
        self._wanted: dict[str, None] = {}  # collections to pull, in order
        # What only the server writes is pulled by itself: what is typed here may have to go first.
        typed_here = [name for name in self.collections if name in store.pushable]
        others = ([name] for name in self.collections if name not in store.pushable)
        self._lanes = [lane for lane in (*others, typed_here) if lane]
        self._stir = {
            name: stir for lane in self._lanes for stir in [asyncio.Event()] for name in lane
        }
        self._typed = asyncio.Event()
        self._regained = asyncio.Event()
        self._help = asyncio.Event()
        self._called = asyncio.Event()
        self._said: Document | None = None
        self._compared: dict[str, Document] = {}  # what digests came to, and nobody was told of yet
        self._pulled = dict.fromkeys(self.collections, 0)
        self.in_contact = False
        self.shut_out = False
        self.put_back = False

    def want(self, *collections: str) -> None:
        """Ask for a pull, of all collections where none is named; several wishes are one pull."""
        for collection in collections or self.collections:
            self._wanted[collection] = None
            self._stir[collection].set()

    @property
    def pulled(self) -> int:
        """The commit up to which every collection was pulled. Pushes show later heads."""
        return min(self._pulled.values())

    @property
    def wanted(self) -> tuple[str, ...]:
        """The collections that are still to be pulled."""
        return tuple(self._wanted)

    def typed(self, *, urgent: bool = False) -> None:
        """Something new is in the outbox. `urgent`: a call for help, for which no pause counts."""
        self._typed.set()
        if urgent:
            self._help.set()
            self._called.set()
            self._called = asyncio.Event()
            self.regained()

    def regained(self) -> None:
        """The server has just answered on a socket: whoever waits to try again does so now. After
        a long dead zone they would wait for seconds more, and a call with them."""
        self._regained.set()
        self._regained = asyncio.Event()

    def take(
        self, collection: str, documents: Sequence[Document], prev: str | None, checkpoint: str
    ) -> bool:
        """Take a page or a frame into the store, and tell who listens. False: it does not continue
        what the store has."""
        taken = self._store.take(
            collection, documents, prev=prev, checkpoint=checkpoint, at=self._device.now()
        )
        if taken and documents:
            self._arrived(collection, documents)
        return taken

    async def pulling(self) -> None:
        """Serve the wishes for pulls, for ever. A collection that cannot be had just now, or whose
        texts have to go out first, holds up no call."""
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(self._pulling(lane))

    async def _pulling(self, lane: Sequence[str]) -> None:
        """One of these collections after the other."""
        while True:
            await self._stir[lane[0]].wait()
            self._stir[lane[0]].clear()
            while wished := [name for name in self._wanted if name in lane]:
                del self._wanted[wished[0]]
                await self.pull(wished[0])
            await self.tell()

    async def pushing(self) -> None:
        """Empty the outbox whenever something is in it, for ever."""
        while True:
            self._typed.clear()
            await self.push()
            await self.tell()
            await self._typed.wait()

    async def calling(self) -> None:
        """Send calls for help by themselves, for ever: a push that hangs does not hold them up."""
        while True:
            await self._help.wait()
            self._help.clear()
            while self._store.unsent(1, urgent=True):
                await self._patiently(partial(self.push_once, urgent=True))

    async def push(self) -> None:
        """Everything unsent, however long it takes."""
        while self._store.unsent(1):
            await self._patiently(self.push_once)

    async def pull(self, collection: str) -> None:
        """Everything new of a collection, however long it takes to get it."""
        while not await self._patiently(partial(self.pull_once, collection)):
            pass  # in another history, or as a new local database, from the start

    async def pull_once(self, collection: str) -> None:
        """Pages until one is short. A page that no longer continues the store is asked for anew,
        everything where the checkpoint is no good. In another history what was held goes out first;
        what only the server writes is not kept waiting. Raises what the wire raises."""
        while True:
            start = self._store.checkpoint(collection)
            while start is None and collection in self._store.pushable and self._store.owes:
                await self.push_once()
            try:
                page = await self._wire.pull(collection, start, PAGE)
            except Refused as refused:
                if refused.problem.get("code") != "bad-checkpoint" or start is None:
                    raise
                self._store.start_over(collection)
                continue
            if self.take(collection, page.documents, start, page.checkpoint) and not page.full:
                self.complete(collection)
                return

    def complete(self, collection: str) -> None:
        """The last page of a pull is in the store, just now: its head is the highest seen."""
        self._store.complete(collection)
        self._pulled[collection] = seq_of(self._store.seen)
        self.put_back = False

    async def push_once(self, *, urgent: bool = False) -> None:
        """The oldest edits, and the server's verdict on each. Raises what the wire raises."""
        edits = self._store.unsent(BATCH, urgent=urgent)
        if edits:  # otherwise a pull has shown meanwhile that the server has them
            await self.send(edits)

    async def send(self, edits: Sequence[Edit]) -> None:
        """A batch that no answer is given for is halved until the row at fault stands alone. That
        one is set aside, and the others go on."""
        try:
            answers = await self._wire.push(edits)
        except Refused as refused:
            if refused.status not in FAULTS:
                raise
            if len(edits) == 1:
                self._store.set_aside(edits[0], str(refused))
                return
            half = len(edits) // 2
            await self.send(edits[:half])
            await self.send(edits[half:])
            return
        self.settle(edits, answers)

    def settle(self, edits: Sequence[Edit], answers: Mapping[str, Document]) -> None:
        """The server has answered for these edits of one collection; see `Store.settle`."""
        if self._store.settle(edits, answers, at=self._device.now()):
            self.want(edits[0].collection)
        if answers:
            self._arrived(edits[0].collection, list(answers.values()))

    async def check(self, collection: str) -> bool | None:
        """Whether the store holds what the server says that it must. None: something is unsent or
        still to be pulled, so that nobody can say. After a False the collection is pulled anew."""
        outbox, checkpoint = self._store.outbox(), self._store.checkpoint(collection)
        answer = None if outbox.unsent else await self._wire.digest(collection, checkpoint)
        if answer is None or self._store.checkpoint(collection) != checkpoint:
            return None
        held = self._store.digest(collection, answer["left_out"])
        agrees = held == (answer["count"], answer["sha256"])
        self._compared[collection] = {"head": answer["head"], "count": held[0], "agrees": agrees}
        if agrees:
            return True
        self._store.start_over(collection)
        self.want(collection)
        return False

    async def tell(self) -> None:
        """Declare what is not sent, what digests came to and what was dropped, where that has
        changed. Nothing depends on it: what fails is told with the next."""
        with contextlib.suppress(NoAnswer, ShutOut, Refused):
            outbox = self._store.outbox_declared(self._device.now())
            said, compared = {**outbox, "at": None}, dict(self._compared)
            if said != self._said or compared:
                await self._wire.declare_outbox({**outbox, "digests": compared})
                self._said = said
                for collection, one in compared.items():
                    if self._compared.get(collection) == one:
                        del self._compared[collection]
            while pairs := self._store.purges():
                await self._wire.declare_purged(pairs)
                self._store.purges_told(pairs)

    async def _patiently(self, attempt: Callable[[], Awaitable[None]]) -> bool:
        """Try until it is done. False: the server follows another history, or the tablet is another
        one, and so is the store now; what was to be done is to be looked at anew."""
        failures = 0
        while True:
            try:
                await attempt()
            except AnotherHistory as other:
                self.renew(other.epoch)
                return False
            except AnotherTablet as former:
                self.begin_as_new(former.instance)
                return False
            except (NoAnswer, ShutOut, Refused) as failure:
                self.in_contact = False
                self.shut_out = isinstance(failure, ShutOut)
                if isinstance(failure, Refused) and failure.problem.get("code") == PUT_BACK:
                    self.put_back = True
                wait = failure.wait if isinstance(failure, NoAnswer) else LONGEST_PAUSE
                failures = 0 if await self.pause(failures, wait) else failures + 1
            else:
                self.in_contact, self.shut_out = True, False
                return True

    def renew(self, epoch: str) -> None:
        """Follow another history: what is held goes out again, everything is pulled anew."""
        if self._store.epoch != epoch:
            self._store.begin_again(epoch, at=self._device.now())
        self._typed.set()
        self.want()

    def begin_as_new(self, former: UUID) -> None:
        """The tablet was enrolled anew: the store is a new local database, unless it has become one
        since that was asked about."""
        if self._store.instance == former:
            self._store.begin_as_new()
            self._said = None  # nobody was told anything of this one
            self._compared.clear()
            self._pulled = dict.fromkeys(self.collections, 0)
        self._typed.set()
        self.want()

    async def pause(self, failures: int, least: float = 0.0) -> bool:
        """Full jitter: a random time up to a bound that doubles, so that tablets that failed
        together do not come back together. True: contact was regained, or somebody calls for help,
        which ends it."""
        bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2**failures)
        called, regained = self._called, self._regained
        if least and await _within(least, called):
            return True
        return await _within(self._dice.uniform(0, bound), regained)


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Wait for so long, or until the event; whether it has come. (`asyncio.wait_for` of Python 3.11
    loses a cancellation that comes with the event, and what runs for ever could not be ended.)"""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
