"""One team's day: people, tablets, their local databases, and the radio between them and servers.

Every world has a team of its own, so that many can follow each other on one database. Nothing is
played here but the fingers and the radio: the clients are the reference client, the servers run,
what supervisors do goes through the services that the admin calls.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from django.db import connection, connections
from django.utils import timezone

from apps.accounts import services as accounts
from apps.accounts.models import Role, Tablet, User
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.simulator.radio import CLEAR
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.wire import AnotherHistory, NoAnswer, Refused, ShutOut
from tests import factories
from tests.factories import EnrolledTablet, person, team
from tests.oracle import faults
from tests.oracle.held import Held, Rooms
from tests.oracle.rights import Rights, Shown
from tests.oracle.typed import Typed

T = TypeVar("T")
MOST_BATCHES = 50
STUCK_SECONDS = 60.0  # for one step of one tablet


def _be_patient() -> None:
    """Nothing that this thread asks of the database waits for ever."""
    with connection.cursor() as cursor:
        cursor.execute(f"set statement_timeout = '{STUCK_SECONDS:.0f}s'")


def _hang_up() -> None:
    connections.close_all()


class World:
    """`typed`: what fingers did. `photos`: by address, where each was taken. `rights`: what
    supervisors did. `happened`: which faults took effect (`faults`). `lost` and `shut`: the tablet
    that was reported lost, and the one that is compromised. A day's world says in which `rooms` it
    is played, who works where (`_staff`), and what must hold there besides (`wrong`)."""

    rooms: ClassVar[Rooms]
    rights: Rights

    def __init__(
        self,
        urls: Sequence[str],
        folder: Path,
        *,
        seed: int,
        tablets: int,
        happened: Counter[str],
    ) -> None:
        _be_patient()
        self.happened = happened
        self.urls = list(urls)
        self.folder = folder / str(uuid7())
        self.folder.mkdir(parents=True)
        self.loop = asyncio.Runner()
        self.desk = ThreadPoolExecutor(1, initializer=_be_patient)
        self.dice = random.Random(seed)
        self.typed = Typed()
        self.photos: dict[str, Held] = {}
        self.said = ""
        self.shut: Tablet | None = None
        self.lost: Tablet | None = None
        self.team = team(f"Team {self.typed.words.mark}")
        self.people = [person(of=self.team) for _ in range(tablets + 1)]
        self.supervisor = person(Role.SUPERVISOR, of=self.team)
        self._staff()
        self.tablets = [factories.tablet(user, of=self.team) for user in self.people[:tablets]]
        for of, user in zip(self.tablets, self.people, strict=False):
            self.rights.sign_in(of.tablet.pk, user.pk)
        self.held = [self._install(place) for place in range(tablets + 1)]

    def _staff(self) -> None:
        """Begins `rights`: who may see what, before anybody has a tablet."""
        raise NotImplementedError

    def documents(self) -> list[Shown]:
        """Every document that there is of this day, and who may see it."""
        raise NotImplementedError

    def finish(self) -> bool:
        """What is done at the end of the day. Whether there was anything."""
        return False

    def wrong(self) -> list[str]:
        """What does not hold in the evening that has to hold in these rooms."""
        return []

    # --- tablets ---

    def _install(self, place: int) -> Held:
        """The first tablet has two local databases, one of them with sockets that only say when to
        pull; the last tablet has the app of last year."""
        number = max(0, place - 1)
        last = number == len(self.tablets) - 1
        held = Held(
            name=f"tablet {number}{'b' if place == 1 else ''}",
            rooms=self.rooms,
            number=number,
            of=self.tablets[number],
            url=self.urls[number % len(self.urls)],
            folder=self.folder,
            dice=random.Random(self.dice.random()),
            mode="resync" if place == 1 else "frames",
            schema=self.rooms.old if last else self.rooms.today,
            happened=self.happened,
        )
        held.store.signed_in(str(self.people[number].pk))
        return held

    def bystanders(self, user: User, databases: int) -> list[Held]:
        """One more tablet, with so many local databases, that does nothing but listen."""
        of = factories.tablet(user, of=self.team)
        self.rights.sign_in(of.tablet.pk, user.pk)
        return [
            Held(
                name=f"bystander {uuid7()}",
                rooms=self.rooms,
                number=0,
                of=of,
                url=self.urls[place % len(self.urls)],
                folder=self.folder,
                dice=random.Random(place),
                mode="frames",
                schema=self.rooms.today,
                happened=self.happened,
            )
            for place in range(databases)
        ]

    @property
    def let_in(self) -> list[Held]:
        """The local databases on tablets that are answered."""
        return [held for held in self.held if not self.is_shut(held)]

    def is_shut(self, held: Held) -> bool:
        return held.of.tablet == self.shut

    def run(self, work: Awaitable[Any], seconds: float = STUCK_SECONDS) -> Any:
        """Fails with what was last said where it takes too long."""

        async def awaited() -> Any:
            async with asyncio.timeout(seconds):
                return await work

        try:
            return self.loop.run(awaited())
        except TimeoutError as late:
            raise AssertionError(f"stuck: {self.said}") from late

    async def ask(self, work: Callable[[], T]) -> T:
        """Does what needs the database, in the desk's thread, while tablets go on."""
        return await asyncio.get_running_loop().run_in_executor(self.desk, work)

    @contextmanager
    def meanwhile(self, work: Callable[[], object]) -> Iterator[None]:
        """The desk does this meanwhile; afterwards it is waited for, and raises what it raised."""
        done = self.desk.submit(work)
        yield
        done.result(2 * STUCK_SECONDS)

    # --- contact ---

    def attempt(self, held: Held, *steps: Callable[[], Awaitable[None]]) -> bool:
        """Do these once, over the radio as it is. Whether all of them had an answer."""

        async def once() -> bool:
            try:
                for step in steps:
                    try:
                        await step()
                    except AnotherHistory as other:
                        held.client.replication.renew(other.epoch)
                        await step()
            except (NoAnswer, ShutOut, Refused) as failure:
                self.said = f"{held.name}: {failure}"
                return False
            held.served()
            return True

        return bool(self.run(once()))

    def push(self, held: Held) -> bool:
        """One batch."""
        return self.attempt(held, held.client.replication.push_once)

    def push_all(self, held: Held) -> None:
        """Everything, with an answer at the first attempt."""
        for _ in range(MOST_BATCHES):
            if not held.store.unsent(1):
                return
            assert self.push(held), f"stuck: {self.said} {held.store.unsent(50)}"
        raise AssertionError(f"{held.name} pushes the same for ever: {held.store.unsent(1)}")

    def pull(self, held: Held) -> None:
        """Everything, with an answer at the first attempt, collection by collection."""
        once = held.client.replication.pull_once
        names = held.client.replication.collections
        assert self.attempt(held, *(lambda name=name: once(name) for name in names)), self.said

    def exchange(self, held: Held) -> None:
        """Push and pull everything, with an answer at the first attempt, in round trips."""
        assert self.attempt(held, held.client.round_trip.once), self.said

    def send_photos(self, held: Held) -> None:
        """Those that were not sent yet."""
        for sha256 in held.media.unsent():
            assert self.run(held.media.send(sha256)), held.media.refused()

    def is_turned_away(self, held: Held) -> None:
        """A tablet that is compromised is answered nothing, whatever it tries."""
        client, before = held.client, held.here()
        photos = held.media.unsent()

        async def say() -> None:
            answer = await held.media._request("PUT", photos[0] if photos else "0" * 64, b"")
            assert answer.status_code == 401, answer
            assert not await client._socket.session(), "its socket was answered"

        ways: list[Callable[[], Awaitable[None]]] = [
            *(lambda n=n: client.replication.pull_once(n) for n in client.replication.collections),
            client.round_trip.once,
            *([client.replication.push_once] if held.store.unsent(1) else []),
        ]
        for way in ways:
            assert not self.attempt(held, way), f"{held.name} is shut out, and was answered"
            assert "401" in self.said, self.said
        self.run(say())
        assert held.here() == before, f"{held.name} is shut out, and was given something"
        self.happened[faults.COMPROMISED] += 1

    def quiet(self) -> None:
        """What was left on its way has arrived: nobody else writes any more."""
        for held in self.held:
            self.run(held.radio.quiet())

    def calm(self) -> None:
        """The radio is good everywhere."""
        for held in self.held:
            held.radio.conditions = CLEAR
            held.radio.regain_coverage()
            held.radio.flow()

    # --- what each may hold ---

    def amiss(self, held: Held, documents: Iterable[Shown]) -> list[str]:
        """What a local database that was in contact just now has too much, or lacks. What everyone
        may see stays when nobody is signed in, as it is, and so do calls for help that were sent
        then, for their banner; a lost tablet has to drop it."""
        user = self.rights.hands[held.of.tablet.pk]
        holdings = self.rights.holdings(user, documents)
        waits = held.unsettled("unsent", "aside")
        has = held.here()
        if user is None and held.of.tablet != self.lost:
            has = {one for one in has if one[0] != self.rooms.shared} - held.banners()
        return [
            *(f"{held.name} still has {one}" for one in sorted(has - holdings.may - waits)),
            *(f"{held.name} lacks {one}" for one in sorted(holdings.must - has - waits)),
        ]

    # --- what is typed ---

    def save(self, held: Held, collection: str, document: Document) -> None:
        """Type something: a new document, or an edit of one."""
        self.typed.save(held, collection, document, barred=self.is_shut(held))

    # --- what others do ---

    def sign_in(self, of: EnrolledTablet, user: User) -> None:
        accounts.sign_in(tablet=of.tablet, user=user, now=timezone.now())
        if self.rights.hands[of.tablet.pk] != user.pk:
            self.happened[faults.ANOTHER] += self._unsent(of.tablet)
        self.rights.sign_in(of.tablet.pk, user.pk)
        for held in self.held:
            if held.of is of:
                held.store.signed_in(str(user.pk))

    def sign_out(self, of: EnrolledTablet) -> None:
        accounts.sign_out(tablet=of.tablet, by=SYSTEM, now=timezone.now())
        self.rights.hands[of.tablet.pk] = None

    def lose(self, tablet: Tablet) -> None:
        accounts.mark_lost(tablet=tablet, by=SYSTEM, now=timezone.now())
        self.happened[faults.LOST] += self._unsent(tablet)
        self.lost, self.rights.hands[tablet.pk] = tablet, None

    def find(self) -> None:
        if self.lost is not None:
            accounts.mark_found(tablet=self.lost, by=SYSTEM, now=timezone.now())
            self.lost = None

    def compromise(self, tablet: Tablet) -> None:
        accounts.mark_compromised(tablet=tablet, by=SYSTEM, now=timezone.now())
        self.shut, self.rights.hands[tablet.pk] = tablet, None
        if self.lost == tablet:
            self.lost = None

    def _unsent(self, tablet: Tablet) -> bool:
        """Whether anything is unsent on it."""
        return any(held.store.unsent(1) for held in self.held if held.of.tablet == tablet)

    def remembered(self) -> dict[str, Any]:
        """What supervisors did so far, for a server that will be put back to this moment."""
        return {"rights": self.rights.copy(), "lost": self.lost, "shut": self.shut}

    def put_back(self, then: dict[str, Any]) -> None:
        """All that they did since is undone."""
        for name, value in then.items():
            setattr(self, name, value)

    def close(self) -> None:
        for held in self.held:
            self.run(held.close())
        self.loop.close()
        self.desk.submit(_hang_up).result()
        self.desk.shutdown()
