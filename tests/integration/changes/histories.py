"""Random histories of the feed, and the oracle they are compared with.

A history plays transactions (documents enter, change, leave and vanish; people gain and lose scopes
and sign in and out of tablets; several of these at once; savepoints and transactions rolled back;
triggers applied early) between pulls that lose their answer, crash before the checkpoint is stored,
start again from nothing, or are followed by the removal of old tombstones. `World` says by brute
force what each tablet must hold.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from tests.integration.changes.news import news_since

FIRST = UUID(int=0)
LAST = UUID(int=2**128 - 1)
COLLECTIONS = ("calls", "facts")
PAGES = (1, 2, 3, 7)

Key = tuple[str, UUID]
Content = tuple[int, bytes]  # rev, body


class Diverged(AssertionError):
    """A tablet holds something else than it must."""


@dataclass
class World:
    """What is true, in memory. Documents without content are published for their scopes alone."""

    scopes: dict[Key, frozenset[str]] = field(default_factory=dict)
    content: dict[Key, Content] = field(default_factory=dict)
    grants: set[tuple[str, str]] = field(default_factory=set)  # (person, scope)
    signed_in: dict[UUID, str] = field(default_factory=dict)  # tablet -> person
    held: set[tuple[UUID, str]] = field(default_factory=set)  # (tablet, scope), as published

    def copy(self) -> World:
        return World(
            dict(self.scopes),
            dict(self.content),
            set(self.grants),
            dict(self.signed_in),
            set(self.held),
        )

    def wanted(self) -> set[tuple[UUID, str]]:
        """The scopes that each tablet must hold."""
        return {
            (tablet, scope)
            for tablet, someone in self.signed_in.items()
            for person, scope in self.grants
            if person == someone
        }

    def visible(self, tablet: UUID, collection: str) -> dict[UUID, Content]:
        """The documents that a tablet must hold."""
        person = self.signed_in[tablet]
        mine = {scope for someone, scope in self.grants if someone == person}
        return {
            key[1]: content
            for key, content in self.content.items()
            if key[0] == collection and self.scopes[key] & mine
        }


@dataclass
class Shelf:
    """One collection on one tablet: its documents and the checkpoint on its disk."""

    documents: dict[UUID, Content] = field(default_factory=dict)
    checkpoint: tuple[int, UUID] | None = None
    presented: tuple[int, UUID] | None = None  # the checkpoint that it last showed the server

    def take(self, row: tuple[int, UUID, bool, int, bytes]) -> None:
        _, doc, visible, rev, body = row
        if visible:
            self.documents[doc] = (rev, body)
        else:
            self.documents.pop(doc, None)


class History:
    """One random history. `run` raises `Diverged` where the feed breaks a promise."""

    def __init__(self, db: psycopg.Connection, seed: int) -> None:
        self.db, self.seed, self.dice = db, seed, random.Random(seed)
        dice = self.dice
        # Names of its own, so that histories follow each other in one database.
        self.scopes = [f"scope{seed}:{n}" for n in range(dice.choice([1, 2, 3, 4]))]
        self.people = [f"person{n}" for n in range(dice.choice([1, 2, 3]))]
        self.tablets = [self.uuid() for _ in range(dice.choice([1, 2, 3]))]
        self.collections = COLLECTIONS[: dice.choice([1, 2])]
        self.docs = [self.uuid() for _ in range(dice.choice([2, 3, 5, 8]))]
        self.world = World(signed_in={t: dice.choice(self.people) for t in self.tablets})
        self.shelves = {(t, c): Shelf() for t in self.tablets for c in self.collections}
        # A quiet tablet keeps presenting an old checkpoint; the server remembers up to where it
        # found nothing after it.
        self.quiet: dict[tuple[UUID, str, tuple[int, UUID]], tuple[int, UUID]] = {}
        # The mirror that one process keeps for all its sockets, fed by news alone.
        self.mirror: dict[tuple[UUID, str], dict[UUID, Content]] = {
            (t, c): {} for t in self.tablets for c in self.collections
        }
        self.heard = self.head()
        self.writes = 0
        self.log: list[str] = []
        self.counts: Counter[str] = Counter()

    def uuid(self) -> UUID:
        return UUID(int=self.dice.getrandbits(128))

    def run(self, steps: int) -> None:
        """Plays `steps` steps, then lets every tablet catch up."""
        moves: list[Callable[[], None]] = [self.transaction, self.pull, self.compact]
        moves += [self.start_again, self.hear, self.pull_ahead]
        for move in self.dice.choices(moves, [54, 24, 6, 3, 5, 8], k=steps):
            move()
        for tablet, collection in self.shelves:
            self.catch_up(tablet, collection)
        self.hear()
        self.compare_rows()

    # --- what services do --------------------------------------------------------------------

    def transaction(self) -> None:
        before = self.world.copy()
        statements = ["begin"]
        for _ in range(self.dice.choice([1, 1, 1, 2, 3, 5])):
            statements += self.step()
        if self.dice.random() < 0.07:
            statements.append("rollback")
            self.world = before
        else:
            statements.append("commit")
        self.counts["transactions"] += 1
        self.log.append("; ".join(statements))
        self.db.execute("; ".join(statements))

    def step(self) -> list[str]:
        """One change, in a savepoint now and then, which may be rolled back."""
        statements = []
        before = self.world.copy()
        saved = self.dice.random() < 0.15
        if saved:
            statements.append("savepoint here")
        early = self.dice.random()
        if early < 0.06:
            statements.append("set constraints all immediate")
        if early < 0.04:
            statements.append("set constraints all deferred")
        statements += self.dice.choices([self.publish, self.change_people], [66, 34])[0]()
        if saved and self.dice.random() < 0.6:
            statements.append("rollback to savepoint here")
            self.world = before
        elif saved:
            statements.append("release savepoint here")
        return statements

    def publish(self) -> list[str]:
        """Documents get other scopes, other content, or both."""
        dice, world = self.dice, self.world
        keys = {
            (dice.choice(self.collections), dice.choice(self.docs))
            for _ in range(dice.choice([1, 1, 1, 2, 4]))
        }
        bodies = []
        for key in sorted(keys):
            present = world.scopes.get(key, frozenset())
            scope = dice.choice(self.scopes)
            world.scopes[key] = dice.choices(
                [
                    present | {scope},
                    present - {scope},
                    present,
                    frozenset(),
                    frozenset(dice.sample(self.scopes, dice.randint(0, len(self.scopes)))),
                ],
                [30, 12, 13, 5, 6],
            )[0]
            if dice.random() < 0.2:
                bodies.append("null")
                continue
            self.writes += 1
            body = f"text {self.writes}".encode()
            world.content[key] = (world.content.get(key, (0, b""))[0] + 1, body)
            bodies.append(f"'\\x{body.hex()}'")
        arrays = (
            f"array[{', '.join(repr(key[0]) for key in sorted(keys))}]",
            f"array[{', '.join(repr(str(key[1])) for key in sorted(keys))}]::uuid[]",
            f"array[{', '.join(bodies)}]::bytea[]",
            f"array[{', '.join(repr(','.join(sorted(world.scopes[k]))) for k in sorted(keys))}]",
        )
        return [f"select feed_publish({', '.join(arrays)}, '{{}}', '{{}}')"]

    def change_people(self) -> list[str]:
        """Someone is granted a scope, loses one, or takes over a tablet."""
        dice, world = self.dice, self.world
        pair = (dice.choice(self.people), dice.choice(self.scopes))
        what = dice.choices(["grant", "revoke", "sign in"], [14, 13, 7])[0]
        if what == "grant":
            world.grants.add(pair)
        elif what == "revoke":
            world.grants.discard(pair)
        else:
            world.signed_in[dice.choice(self.tablets)] = pair[0]
        gained = world.wanted() - world.held
        lost = world.held - world.wanted()
        world.held = world.wanted()
        return [
            "insert into feed_change (kind, holder, scope, held) "
            f"values ('hold', '{tablet}', '{scope}', {(tablet, scope) in gained})"
            for tablet, scope in sorted(gained | lost)
        ]

    # --- what tablets do ---------------------------------------------------------------------

    def pull(self) -> None:
        tablet, collection = self.dice.choice(list(self.shelves))
        shelf = self.shelves[tablet, collection]
        shelf.presented = shelf.checkpoint
        if self.dice.random() < 0.4:
            self.catch_up(tablet, collection)
        else:
            self.page(tablet, collection, self.dice.choice(PAGES))

    def catch_up(self, tablet: UUID, collection: str) -> None:
        limit = self.dice.choice(PAGES)
        for _ in range(400):
            if self.page(tablet, collection, limit):
                return
        raise Diverged("the pages never end")

    def page(self, tablet: UUID, collection: str, limit: int) -> bool:
        """Asks for one page. True once a short page was stored and everything was right."""
        self.counts["pages"] += 1
        shelf = self.shelves[tablet, collection]
        start = shelf.checkpoint or (0, FIRST)
        start = self.quiet.get((tablet, collection, start), start)
        with self.db.transaction():
            self.db.execute("set transaction isolation level repeatable read, read only")
            head = self.head()
            rows = self.db.execute(
                "select p.seq, p.doc_id, p.visible, d.rev, d.body "
                "from feed_page(%s, %s, %s, %s, %s) p left join feed_document d "
                "on d.collection = %s and d.doc_id = p.doc_id order by p.seq, p.doc_id",
                (tablet, collection, *start, limit, collection),
            ).fetchall()
        full = len(rows) == limit
        asked = shelf.checkpoint or (0, FIRST)
        self.answer(tablet, collection, asked, rows, full=full, ends_at=(head, LAST))
        if not rows:
            self.quiet[tablet, collection, shelf.checkpoint or (0, FIRST)] = (head, LAST)
        fate = self.dice.choices(["stored", "lost", "crash"], [90, 5, 5])[0]
        self.log.append(f"page {collection} of {tablet} from {start}: {rows} {fate}")
        if fate == "lost":
            return False
        must = self.world.visible(tablet, collection)
        for row in rows:
            self.judge(row, must)
            shelf.take(row)
        if fate == "crash":
            return False
        if rows:  # clients keep no checkpoint of an empty page
            shelf.checkpoint = (rows[-1][0], rows[-1][1]) if full else (head, LAST)
        if not full and shelf.documents != must:
            raise Diverged(f"holds {shelf.documents}, must hold {must}")
        return not full

    def pull_ahead(self) -> None:
        """As RxDB pulls: it goes on from memory after a full page, while what came is still being
        stored one page after the other; and it may crash anywhere."""
        tablet, collection = self.dice.choice(list(self.shelves))
        shelf = self.shelves[tablet, collection]
        shelf.presented = shelf.checkpoint
        limit, at = self.dice.choice(PAGES), shelf.checkpoint or (0, FIRST)
        came: list[tuple[list[Any], tuple[int, UUID]]] = []
        for _ in range(400):
            rows = self.ask(tablet, collection, at, limit)
            self.answer(tablet, collection, at, rows, full=len(rows) == limit)
            fate = self.dice.choices(["came", "lost", "crash"], [86, 7, 7])[0]
            self.log.append(f"ahead {collection} of {tablet} from {at}: {rows} {fate}")
            if fate == "lost":
                continue  # it asks again
            if rows and fate == "came":
                at = (rows[-1][0], rows[-1][1])
                came.append((rows, at))
            if fate == "crash" or len(rows) < limit:
                break
            if self.dice.random() < 0.3:
                self.transaction()
        stored = len(came) if fate == "came" else self.dice.randint(0, len(came))
        must = self.world.visible(tablet, collection)
        for rows, checkpoint in came[:stored]:
            for row in rows:
                shelf.take(row)
            shelf.checkpoint = checkpoint
        if fate == "came" and shelf.documents != must:
            raise Diverged(f"holds {shelf.documents}, must hold {must}")

    def ask(self, tablet: UUID, collection: str, at: tuple[int, UUID], limit: int) -> list[Any]:
        return self.db.execute(
            "select p.seq, p.doc_id, p.visible, d.rev, d.body "
            "from feed_page(%s, %s, %s, %s, %s) p left join feed_document d "
            "on d.collection = %s and d.doc_id = p.doc_id order by p.seq, p.doc_id",
            (tablet, collection, *at, limit, collection),
        ).fetchall()

    def answer(
        self,
        tablet: UUID,
        collection: str,
        at: tuple[int, UUID],
        rows: list[Any],
        *,
        full: bool,
        ends_at: tuple[int, UUID] | None = None,
    ) -> None:
        """What the server does with a plain pull before the page leaves: see `apps.sync.pull`."""
        [passed] = self.one("select feed_has_passed(%s, %s, %s, %s)", tablet, collection, *at)
        noted = rows and (passed is False or not all(row[2] for row in rows))
        if noted:
            end = (rows[-1][0], rows[-1][1]) if full or ends_at is None else ends_at
            self.one("select feed_hand_out(%s, %s, %s, %s, %s)", tablet, collection, *end, not full)
        if passed:
            self.hear()  # a socket of this database needs no news of what it has carried out
            done = at[0] + (not rows or rows[0][0] > at[0])
            [gone] = self.one("select feed_forget(%s, %s, %s)", tablet, collection, done)
            self.counts["tombstones that pulls showed to be carried out"] += gone
            if not noted:
                self.db.execute(
                    "delete from feed_last_page where holder = %s and collection = %s",
                    (tablet, collection),
                )

    def one(self, statement: str, *values: object) -> Any:
        return self.db.execute(statement, values).fetchone()  # type: ignore[arg-type]

    def judge(self, row: tuple[int, UUID, bool, int, bytes], must: dict[UUID, Content]) -> None:
        _, doc, visible, rev, body = row
        if visible and must.get(doc) != (rev, body):
            raise Diverged(f"was sent {(rev, body)}, may see {must.get(doc)}")
        if not visible and doc in must:
            raise Diverged("was sent a tombstone for what it must hold")

    def start_again(self) -> None:
        """A tablet's database is lost."""
        self.shelves[self.dice.choice(list(self.shelves))] = Shelf()
        self.log.append("a tablet starts from nothing")

    def compact(self) -> None:
        """Drops the tombstones that each tablet is known to have carried out."""
        self.hear()
        for (tablet, collection), shelf in self.shelves.items():
            shown = shelf.presented or (0, FIRST)
            below = self.quiet.get((tablet, collection, shown), shown)[0]
            self.db.execute("select feed_forget(%s, %s, %s)", (tablet, collection, below))
        self.log.append("compact")

    # --- what a process with sockets does ------------------------------------------------------

    def hear(self) -> None:
        """One read for all tablets; each of them must then be up to date."""
        limit = self.dice.choice([1, 5, 1000])
        found = news_since(self.db, self.heard, limit)
        self.log.append(f"news after {self.heard}, at most {limit}: {found}")
        self.counts["news"] += 1
        self.heard = max(found.nonces, default=self.heard)
        if not found.complete:  # each socket is told to pull
            self.mirror = {(t, c): dict(self.world.visible(t, c)) for t, c in self.mirror}
            return
        for piece in found.pieces:
            for holder in set(piece.holders) & set(self.tablets):
                if piece.visible:
                    if piece.rev is None or piece.sealed is None:
                        raise Diverged("there is news of a document that has no content")
                    self.mirror[holder, piece.collection][piece.id] = (piece.rev, piece.sealed)
                else:
                    self.mirror[holder, piece.collection].pop(piece.id, None)
        for (tablet, collection), documents in self.mirror.items():
            if documents != (must := self.world.visible(tablet, collection)):
                raise Diverged(f"by news it holds {documents}, must hold {must}")

    # --- what the API asks -----------------------------------------------------------------------

    def compare_rows(self) -> None:
        """Scopes of documents and of holders are exactly what was published last."""
        members = self.db.execute(
            "select scope, collection, doc_id from feed_member where scope = any(%s)",
            (self.scopes,),
        ).fetchall()
        must = {(scope, *key) for key, scopes in self.world.scopes.items() for scope in scopes}
        if set(members) != must:
            raise Diverged(f"members are {members}, must be {must}")
        holdings = self.db.execute(
            "select holder, scope from feed_holding where scope = any(%s)", (self.scopes,)
        ).fetchall()
        if set(holdings) != self.world.held:
            raise Diverged(f"holdings are {holdings}, must be {self.world.held}")

    def head(self) -> int:
        row = self.db.execute("select coalesce(max(seq), 0) from feed_commit").fetchone()
        assert row is not None
        return int(row[0])
