"""One team's day: people, tablets, their local databases, and the radio between them and servers.

Every world has a team of its own, so that many can follow each other on one database. Nothing is
played here but the fingers and the radio: the clients are the reference client, the servers run,
what supervisors do goes through the services that the admin calls.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.audit.services import SYSTEM
from apps.changes import scopes
from apps.changes.services import grant, revoke
from apps.core.ids import uuid7
from apps.simulator.radio import CLEAR, Conditions, Radio
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet
from apps.simulator.tablet.wire import AnotherHistory, NoAnswer, Refused, ShutOut
from tests import factories
from tests.factories import EnrolledTablet, person, team

COLLECTIONS = ("notes", "pages", "marks", "facts", "quarantine", "signs")
PUSHABLE = ("pages", "marks", "facts")
MOST_BATCHES = 50
STUCK_SECONDS = 60.0  # for one step of one tablet
SCHEMA = 2  # of `tests.probe`; 1 is the app of last year
POOR = Conditions(lost_answers=0.2, duplicates=0.2, reordered=0.3, longest_delay=0.05)
LOST = Conditions(lost_answers=1.0)
# How far the tablets' clocks are off.
CLOCKS = (timedelta(hours=3), timedelta(0), timedelta(hours=-3), timedelta(minutes=20))


def be_patient() -> None:
    """Nothing that this thread asks of the database waits for ever."""
    with connection.cursor() as cursor:
        cursor.execute(f"set statement_timeout = '{STUCK_SECONDS:.0f}s'")


@dataclass
class Held:
    """One local database on a tablet, in somebody's hands.

    `pending`: the words of each document that this database may still replace unseen, because the
    server has not answered for them.
    """

    name: str
    of: EnrolledTablet
    path: Path
    radio: Radio
    client: Tablet
    pending: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    past: dict[str, list[Document]] = field(default_factory=dict)


class World:
    """`owed`: every word that was typed and that its author has not taken back unsent, with who
    typed it where. `ids`: every document that anybody began."""

    def __init__(self, urls: Sequence[str], folder: Path, *, seed: int, tablets: int = 3) -> None:
        be_patient()
        self.urls = list(urls)
        self.folder = folder / str(uuid7())
        self.folder.mkdir(parents=True)
        self.loop = asyncio.Runner()
        self.dice = random.Random(seed)
        self.owed: dict[str, str] = {}
        self.ids: set[str] = set()
        self.notes: list[UUID] = []
        self.said = ""
        self.fragile: set[str] = set()
        self.kept: Callable[[], set[str]] = set
        self._words = 0
        self._mark = uuid7().hex[-6:]
        self.team = team(f"Team {self._mark}")
        self.people = [person(of=self.team) for _ in range(tablets + 1)]
        self.supervisor = person(Role.SUPERVISOR, of=self.team)
        for user in self.people:
            self.grant(user)
        self.tablets = [factories.tablet(user, of=self.team) for user in self.people[:tablets]]
        self.held: list[Held] = []
        for number, of in enumerate(self.tablets):
            # The first tablet has two local databases; the last has the app of last year.
            for place in range(2 if number == 0 else 1):
                self._install(
                    of, f"tablet {number}{'ab'[place]}", number, old=number == tablets - 1
                )

    # --- tablets ---

    def _install(self, of: EnrolledTablet, name: str, number: int, *, old: bool) -> None:
        path = self.folder / f"{name}.sqlite"
        radio = Radio(random.Random(self.dice.random()))
        client = self._app(name, path, radio, number, 1 if old else SCHEMA)
        client.store.enrolled(of.token)
        client.store.signed_in(str(self.people[number].pk))
        self.held.append(Held(name, of, path, radio, client))

    def _app(self, name: str, path: Path, radio: Radio, number: int, schema: int) -> Tablet:
        return Tablet(
            label=name,
            base_url=self.urls[number % len(self.urls)],
            path=path,
            link=radio,
            dice=random.Random(name),
            clock_offset=CLOCKS[number % len(CLOCKS)],
            collections=COLLECTIONS,
            pushable=PUSHABLE,
            schema=schema,
        )

    def restart(self, held: Held) -> None:
        """The app is killed and started anew, on the same file."""
        number, schema = self.tablets.index(held.of), held.client.wire.schema
        self.run(held.client.close())
        held.radio = Radio(random.Random(self.dice.random()), held.radio.conditions)
        held.client = self._app(held.name, held.path, held.radio, number, schema)

    def run(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            async with asyncio.timeout(STUCK_SECONDS):
                return await work

        return self.loop.run(awaited())

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
            return True

        return bool(self.run(once()))

    def push(self, held: Held) -> bool:
        """One batch."""
        return self.attempt(held, held.client.replication.push_once)

    def push_all(self, held: Held) -> None:
        """Everything, with an answer at the first attempt."""
        for _ in range(MOST_BATCHES):
            if not held.client.store.unsent(1):
                return
            assert self.push(held), f"stuck: {self.said} {held.client.store.unsent(50)}"
        raise AssertionError(f"{held.name} pushes the same for ever: {held.client.store.unsent(1)}")

    def pull(self, held: Held, *collections: str) -> bool:
        once = held.client.replication.pull_once
        return self.attempt(
            held, *(lambda name=name: once(name) for name in collections or COLLECTIONS)
        )

    # --- what is typed ---

    def word(self) -> str:
        """A word that nobody has typed before."""
        self._words += 1
        return f"w{self._mark}x{self._words}"

    def save(self, held: Held, collection: str, document: Document) -> Document:
        """Type something: a new document, or an edit of one."""
        key = (collection, document["id"])
        self.ids.add(document["id"])
        self._answered(held, key)
        if before := held.client.store.get(*key):
            held.past.setdefault(document["id"], []).append(before)
        saved = held.client.save(collection, document)
        words = self.words_in(saved)
        self._take_back(held, key, words)
        self._give_up(self.words_in(before or {}) - words)
        new = words - self.owed.keys()
        held.pending.setdefault(key, set()).update(new)
        for word in new:
            self.owed[word] = f"{word} in {collection} {document['id']}, typed on {held.name}"
        return saved

    def erase(self, held: Held, collection: str, id: str) -> None:
        key = (collection, id)
        self._answered(held, key)
        before = held.client.store.get(*key)
        held.client.delete(collection, id)
        self._take_back(held, key, set())
        self._give_up(self.words_in(before or {}))

    def words_in(self, value: Any) -> set[str]:
        """The words of this world in anything."""
        return set(re.findall(rf"w{self._mark}x\d+", str(value)))

    def _answered(self, held: Held, key: tuple[str, str]) -> None:
        """What the server has answered for is owed for ever."""
        if not held.client.store._waits(*key):
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

    # --- what others do ---

    def grant(self, user: User) -> None:
        with transaction.atomic():
            grant(principal=user.pk, scopes=[scopes.team(self.team.pk)])

    def revoke(self, user: User) -> None:
        with transaction.atomic():
            revoke(principal=user.pk, scopes=[scopes.team(self.team.pk)])

    def sign_in(self, of: EnrolledTablet, user: User) -> None:
        accounts.sign_in(tablet=of.tablet, user=user, now=timezone.now())
        for held in self.held:
            if held.of is of:
                held.client.store.signed_in(str(user.pk))

    def sign_out(self, of: EnrolledTablet) -> None:
        accounts.sign_out(tablet=of.tablet, by=SYSTEM, now=timezone.now())

    def calm(self) -> None:
        """The radio is good everywhere."""
        for held in self.held:
            held.radio.conditions = CLEAR
            held.radio.regain_coverage()

    def close(self) -> None:
        for held in self.held:
            self.run(held.client.close())
        self.loop.close()
