"""Catching up and going live: no gap and no duplicate, whatever is written meanwhile."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.accounts import services as accounts
from apps.changes.models import Item
from tests.factories import NOON, EnrolledTablet, person, tablet
from tests.probe import rooms
from tests.probe.client import PATIENCE, joined
from tests.processes import Server


def test_a_new_local_database_gets_everything(shared: Server) -> None:
    user = person()
    held = tablet(user)
    made = rooms.notes([str(n) for n in range(230)], to=user)
    made += rooms.notes(["a mark"], to=user, collection="marks")
    sign = rooms.sign("a code list")
    with joined(shared.ws_url, held) as client:
        client.until(lambda: client.has(*made, sign))
        assert len(client.received) == 232
        assert [f["collection"] for f in client.frames][-1] == "signs"  # the unhurried last


def test_a_checkpoint_continues_where_it_was_made(shared: Server) -> None:
    user = person()
    held = tablet(user)
    first = rooms.note("1", to=user)
    with joined(shared.ws_url, held) as client:
        client.until(lambda: client.has(first))
        kept = client.checkpoints
    second = rooms.note("2", to=user)
    rooms.withdraw(first)
    with joined(shared.ws_url, held, checkpoints=kept) as client:
        client.until(lambda: client.has(second))
        client.until(lambda: len(client.received) == 2)
        assert {d["id"]: d["_deleted"] for d in client.received} == {
            str(second): False,
            str(first): True,
        }


def test_only_the_collections_that_were_asked_for_come(shared: Server) -> None:
    user = person()
    rooms.notes(["no"], to=user)
    mark = rooms.note("yes", to=user, collection="marks")
    with joined(shared.ws_url, tablet(user), checkpoints={"marks": None, "unheard": None}) as c:
        assert c.welcome["collections"] == ["marks"]
        c.until(lambda: c.has(mark))
        rooms.notes(["no"], to=user)
        second = rooms.note("yes", to=user, collection="marks")
        c.until(lambda: c.has(second))
        assert len(c.received) == 2


def test_a_tablet_that_was_away_for_days_catches_up(shared: Server) -> None:
    user = person()
    held = tablet(user)
    with joined(shared.ws_url, held) as client:
        kept = client.checkpoints
    made = [rooms.note(str(n), to=user) for n in range(30)]
    for id in made[:10]:
        rooms.withdraw(id)
    accounts.sign_out(tablet=held.tablet, by=accounts.user_actor(user), now=NOON)
    accounts.sign_in(tablet=held.tablet, user=user, now=NOON)
    with joined(shared.ws_url, held, checkpoints=kept) as client:
        client.until(lambda: client.has(*made[10:]))
        assert len(client.documents) == 20


def test_tombstones_that_were_carried_out_are_forgotten(shared: Server) -> None:
    user = person()
    held = tablet(user)
    gone = rooms.note("gone", to=user)
    with joined(shared.ws_url, held) as client:
        client.until(lambda: client.has(gone))
        rooms.withdraw(gone)
        client.until(lambda: not client.has(gone))
        kept = rooms.note("stays", to=user)
        client.until(lambda: client.has(kept))
        checkpoints = client.checkpoints
    tombstone = Item.objects.filter(holder=held.instance, doc_id=gone)
    assert tombstone.exists()  # sent, and perhaps not yet on its disk
    with joined(shared.ws_url, held, checkpoints=checkpoints) as client:
        client.until(lambda: not tombstone.exists())


class Follower(threading.Thread):
    """A tablet that leaves and joins again from what it has, until it has everything."""

    def __init__(self, server: Server, held: EnrolledTablet, seed: int) -> None:
        super().__init__(daemon=True)
        self.expected: set[str] = set()
        self.complete = threading.Event()
        self.fault: BaseException | None = None
        self._server = server
        self._held = held
        self._dice = random.Random(seed)
        self._seen: set[str] = set()

    def run(self) -> None:
        checkpoints: dict[str, str | None] = {}
        try:
            while not self.complete.is_set():
                checkpoints = self._stay(checkpoints, self._dice.uniform(0.05, 0.5))
            while self._seen != self.expected:
                checkpoints = self._stay(checkpoints, PATIENCE)
        except BaseException as fault:  # noqa: BLE001 - told to the test's own thread
            self.fault = fault

    def _stay(self, checkpoints: dict[str, str | None], seconds: float) -> dict[str, str | None]:
        with joined(self._server.ws_url, self._held, checkpoints=checkpoints) as client:
            deadline = time.monotonic() + seconds
            while (left := deadline - time.monotonic()) > 0:
                try:
                    client.next(left)
                except TimeoutError:
                    break
                if self.complete.is_set() and len(self._seen) + len(client.received) >= len(
                    self.expected
                ):
                    break
            for document in client.received:
                assert document["id"] not in self._seen, "a document came twice"
                self._seen.add(document["id"])
            return client.checkpoints


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_missing_or_doubled_while_others_write(shared: Server, seed: int) -> None:
    """Tablets join, leave and join again from what they had, while four writers publish."""
    users = [person() for _ in range(3)]
    followers = [Follower(shared, tablet(user), seed + n) for n, user in enumerate(users)]

    def write(n: int) -> None:
        dice = random.Random(seed * 10 + n)
        for _ in range(60):
            to = dice.randrange(3)
            made = rooms.notes(["x"] * dice.choice([1, 1, 2, 30]), to=users[to])
            followers[to].expected.update(map(str, made))
        connection.close()

    for follower in followers:
        follower.start()
    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, range(4)))
    for follower in followers:
        follower.complete.set()
    for follower in followers:
        follower.join(2 * PATIENCE)
        if follower.fault is not None:
            raise follower.fault
        assert not follower.is_alive()
