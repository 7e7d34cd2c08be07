"""Writers and tablets at once: whether any interleaving of commits makes a tablet wrong.

Writers do what a service does: lock a row, insert children whose foreign key is checked at COMMIT,
publish, now and then slowly. Tablets page all the time and, once a page is short, compare what they
hold with brute force in the same snapshot. One reader follows the news for all tablets likewise.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors

from tests.integration.changes.news import news_since

FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)
APPLICATION = """
create table parent (id int primary key, n int not null default 0);
create table child (
  id uuid primary key,
  parent_id int not null references parent deferrable initially deferred
);
insert into parent select generate_series(1, 24);
"""
MUST_HOLD = """
select h.holder, d.doc_id, d.rev from feed_member m
join feed_holding h using (scope) join feed_document d using (collection, doc_id)
where h.holder = any(%s) group by 1, 2, 3
"""
PAGE = """
select p.seq, p.doc_id, p.visible, d.rev from feed_page(%s, 'calls', %s, %s, %s) p
left join feed_document d on d.collection = 'calls' and d.doc_id = p.doc_id order by 1, 2
"""


class Rush:
    """`run` returns what was counted; every name with `wrong` or `deadlocks` in it must be 0."""

    def __init__(self, connect: Callable[[], psycopg.Connection], seconds: float) -> None:
        self.connect, self.seconds = connect, seconds
        dice = random.Random(1)
        self.docs = sorted(UUID(int=dice.getrandbits(128)) for _ in range(60))
        self.scopes = [f"scope{n}" for n in range(5)]
        self.tablets = [UUID(int=dice.getrandbits(128)) for _ in range(4)]
        self.counts: Counter[str] = Counter()
        self.errors: list[Exception] = []
        self.lock = threading.Lock()
        self.writing = threading.Event()
        self.stop = 0.0

    def run(self, writers: int) -> Counter[str]:
        with self.connect() as db:
            db.execute(APPLICATION)
        self.stop = time.monotonic() + self.seconds
        self.writing.set()
        write = [threading.Thread(target=self.guard, args=(self.write, n)) for n in range(writers)]
        read = [threading.Thread(target=self.guard, args=(self.follow,))]
        read += [threading.Thread(target=self.guard, args=(self.pull, t)) for t in self.tablets]
        for thread in write + read:
            thread.start()
        for thread in write:
            thread.join()
        self.writing.clear()  # readers look once more at the end
        for thread in read:
            thread.join()
        if self.errors:
            raise ExceptionGroup("in threads", self.errors)
        with self.connect() as db:
            row = db.execute("select count(*) from feed_commit where seq is null").fetchone()
            assert row is not None
            self.counts["wrong: commits without a number"] = row[0]
        return self.counts

    def guard(self, work: Callable[..., None], *args: Any) -> None:
        try:
            with self.connect() as db:
                work(db, *args)
        except Exception as error:  # noqa: BLE001 - raised again by run()
            self.errors.append(error)

    def count(self, name: str, more: int = 1) -> None:
        with self.lock:
            self.counts[name] += more

    # --- writers -----------------------------------------------------------------------------

    def write(self, db: psycopg.Connection, number: int) -> None:
        dice = random.Random(number)
        db.prepare_threshold = 3
        while time.monotonic() < self.stop:
            parts = dice.choice(
                [
                    [self.lock_parent, self.insert_child, self.publish],
                    [self.insert_child, self.lock_parent, self.publish],
                    [self.lock_parent, self.publish, self.insert_child],
                    [self.close_parent],
                ]
            )
            try:
                with db.transaction():
                    for part in parts:
                        part(db, dice)
                    if dice.random() < 0.1:  # a slow service, between its rows and its commit
                        db.execute("select pg_sleep(%s)", [dice.choice([0.005, 0.02, 0.05])])
                self.count("transactions")
            except errors.DeadlockDetected:
                self.count("deadlocks")

    def lock_parent(self, db: psycopg.Connection, dice: random.Random) -> None:
        """What services do: the lock lets others' foreign keys pass."""
        if dice.random() < 0.5:
            parent = dice.randint(1, 12)
            db.execute("select from parent where id = %s for no key update", [parent])
            db.execute("update parent set n = n + 1 where id = %s", [parent])

    def close_parent(self, db: psycopg.Connection, dice: random.Random) -> None:
        """Makes the checks of others' foreign keys wait until this commit.

        No service does: whoever waits so at COMMIT while it has a document locked deadlocks with
        whoever has the row and wants the document. So these parents are locked by no one else.
        """
        parent = dice.randint(13, 24)
        db.execute("select from parent where id = %s for update", [parent])
        db.execute(
            "insert into feed_change (kind, event, subject) values ('event', 'parent.closed', %s)",
            [UUID(int=parent)],
        )

    def insert_child(self, db: psycopg.Connection, dice: random.Random) -> None:
        key = UUID(int=dice.getrandbits(128))
        db.execute("insert into child values (%s, %s)", [key, dice.randint(1, 24)])

    def publish(self, db: psycopg.Connection, dice: random.Random) -> None:
        if dice.random() < 0.2:
            db.execute(
                "insert into feed_change (kind, holder, scope, held) values ('hold', %s, %s, %s)",
                [dice.choice(self.tablets), dice.choice(self.scopes), dice.random() < 0.6],
            )
            return
        docs = sorted(dice.sample(self.docs, dice.choice([1, 1, 3])))
        db.execute(
            "select feed_publish(%s::text[], %s::uuid[], %s::bytea[], %s::text[], '{}', '{}')",
            [
                ["calls"] * len(docs),
                docs,
                [b"text"] * len(docs),
                [",".join(dice.sample(self.scopes, dice.randint(0, 3))) for _ in docs],
            ],
        )

    # --- readers -----------------------------------------------------------------------------

    def pull(self, db: psycopg.Connection, tablet: UUID) -> None:
        dice = random.Random(tablet.int)
        checkpoint, held, last = (0, FIRST), dict[UUID, int](), 0
        finished = False
        while not finished:
            finished = not self.writing.is_set()
            limit = 1000 if finished else dice.choice([1, 3, 10, 100])
            with db.transaction():
                db.execute("set transaction isolation level repeatable read, read only")
                head = self.head(db)
                rows = db.execute(PAGE, [tablet, *checkpoint, limit]).fetchall()
                full = len(rows) == limit
                must = {} if full else {d: r for _, d, r in db.execute(MUST_HOLD, [[tablet]])}
            for _, doc, visible, rev in rows:
                held.pop(doc, None)
                if visible:
                    held[doc] = rev
            self.count("pages")
            self.count("wrong: heads that ran backwards", head < last)
            last = head
            checkpoint = (rows[-1][0], rows[-1][1]) if full else (head, LAST)
            if not full:
                self.count("comparisons")
                self.count("wrong: documents by page", differences(held, must))

    def follow(self, db: psycopg.Connection) -> None:
        held: dict[tuple[UUID, UUID], int] = {}
        after, finished = 0, False
        while not finished:
            finished = not self.writing.is_set()
            with db.transaction():
                db.execute("set transaction isolation level repeatable read, read only")
                found = news_since(db, after, 1_000_000)
                must = {(h, d): r for h, d, r in db.execute(MUST_HOLD, [self.tablets])}
            after = max(found.nonces, default=after)
            for piece in found.pieces:
                for holder in set(piece.holders) & set(self.tablets):
                    held.pop((holder, piece.id), None)
                    if piece.visible and piece.rev is not None:
                        held[holder, piece.id] = piece.rev
            self.count("comparisons of news")
            self.count("wrong: documents by news", differences(held, must))

    def head(self, db: psycopg.Connection) -> int:
        row = db.execute("select coalesce(max(seq), 0) from feed_commit").fetchone()
        assert row is not None
        return int(row[0])


def differences(one: dict[Any, int], other: dict[Any, int]) -> int:
    """How many keys the two do not have in common with the same value."""
    return sum(one.get(key) != other.get(key) for key in one.keys() | other.keys())
