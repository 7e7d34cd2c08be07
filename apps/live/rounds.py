"""One round of the feed for all sockets of a process. Runs in the feed's thread.

Everything new since the last round is read once, opened once, and divided among the sockets. It
goes out in two waves: what nothing may delay (see `Collection.ahead`), then the rest. The audit
entries of a wave commit before any of it is handed back to be sent.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from apps.audit.services import Act, record_all
from apps.changes import epochs
from apps.changes.reading import Head, Row
from apps.changes.services import EVERYONE
from apps.live import news
from apps.live.news import News
from apps.live.parts import Part, reading_of, sign
from apps.live.sessions import signed_in
from apps.live.socket import Socket
from apps.sync import projection, registry
from apps.sync.checkpoints import Position
from apps.sync.registry import Collection

# Pairs of socket and document in one round. Beyond it every socket catches up by itself, paced.
MOST_NEWS = 5000
LARGEST_FRAME = 100  # documents

_SESSION_EVENTS = ("tablet.signed_in", "tablet.signed_out")
# What everyone may see comes to a lost tablet as orders to drop, when it pulls.
_LOST = "tablet.lost"
_ENDING_EVENTS = ("tablet.retired", "tablet.compromised", "user.deactivated")


@dataclass(frozen=True, slots=True)
class Listeners:
    """The live sockets by holder. All of them were told everything up to the commit `told`, but
    those in `fresh`, which caught up by themselves to the commit given there. `tablets` are those
    with any socket, live or not."""

    by_holder: Mapping[UUID, Sequence[Socket]]
    told: int
    fresh: Mapping[Socket, int]
    tablets: Container[UUID]

    def sockets(self) -> Iterable[Socket]:
        """All of them."""
        return (one for some in self.by_holder.values() for one in some)

    def of(self, holder: UUID) -> Iterable[Socket]:
        """The sockets that read this holder's list. Everyone's is for whoever is signed in."""
        if holder == EVERYONE:
            return (one for one in self.sockets() if one.user is not None)
        return self.by_holder.get(holder, ())


# By collection, which rows are for which socket.
_Rows = dict[str, dict[Socket, list[Row]]]
Parts = dict[Socket, list[Part]]


@dataclass(frozen=True, slots=True)
class Rest:
    """Rows that were divided and are not yet written down. `nonces`: of their commits. `changed`:
    who is signed in where that changed in these commits."""

    rows: _Rows
    nonces: Mapping[int, int]
    changed: Mapping[UUID, UUID | None]


@dataclass(frozen=True, slots=True)
class Round:
    """What a round found. `head` is None where nothing was committed. Not `complete`: there was too
    much, so every socket has to catch up by itself.

    `parts`: what to send to whom, in order. `later`: what is for `second_wave`. `to_pull`: plain
    clients, to be told that there is something. `signed_in`: tablets whose responder changed.
    `ended`: tablets and people shut out. `another_history`: one has begun, and nothing in it is for
    sockets of before it.
    """

    head: Head | None = None
    complete: bool = True
    parts: Parts = field(default_factory=dict)
    later: Rest | None = None
    to_pull: frozenset[Socket] = frozenset()
    signed_in: Mapping[UUID, UUID | None] = field(default_factory=dict)
    ended: frozenset[UUID] = frozenset()
    another_history: bool = False


def play(listeners: Listeners, *, now: datetime) -> Round:
    """Reads what is new for these sockets, and writes down that it is sent to them.

    Who is signed in is read after the news: what is sent is written down under the name of whoever
    has the tablet when it is sent.
    """
    after = min([listeners.told, *listeners.fresh.values()])
    found = news.since(
        after, events=(*_SESSION_EVENTS, *_ENDING_EVENTS, _LOST, epochs.BEGAN), limit=MOST_NEWS
    )
    if not found.nonces:
        return Round()
    seq = max(found.nonces)
    head = Head(seq, found.nonces[seq])
    if any(event == epochs.BEGAN for event, _ in found.events):
        return Round(head, complete=False, another_history=True)
    changed = signed_in(
        [
            subject
            for event, subject in found.events
            if event in _SESSION_EVENTS and subject in listeners.tablets
        ]
    )
    ended = frozenset(subject for event, subject in found.events if event in _ENDING_EVENTS)
    lost = {subject for event, subject in found.events if event == _LOST}
    to_pull = frozenset(one for one in listeners.sockets() if one.who.tablet in lost)
    if not found.complete:
        return Round(head, complete=False, to_pull=to_pull, signed_in=changed, ended=ended)
    rows, plain = _divide(listeners, found)
    to_pull |= plain
    ahead = {name: rows.pop(name) for name in list(rows) if _collection(name).ahead}
    first, later = (ahead, rows) if ahead else (rows, {})
    parts = second_wave(Rest(first, found.nonces, changed), now=now)
    rest = Rest(later, found.nonces, changed) if later else None
    return Round(head, True, parts, rest, to_pull, changed, ended)


def second_wave(rest: Rest, *, now: datetime) -> Parts:
    """Writes down that these rows are sent; what to send to whom."""
    parts, acts = _parts(rest)
    record_all(acts, now=now)
    return parts


def _divide(listeners: Listeners, found: News) -> tuple[_Rows, frozenset[Socket]]:
    """Which rows are for which socket, by collection. Each document is opened once."""
    rows: _Rows = {}
    to_pull: set[Socket] = set()
    for piece in found.pieces:
        row: Row | None = None
        for holder in piece.holders:
            for socket in listeners.of(holder):
                told = listeners.fresh.get(socket, listeners.told)
                if piece.seq <= told or piece.collection not in socket.checkpoints:
                    continue
                if not socket.frames:
                    to_pull.add(socket)
                    continue
                row = row or piece.row()
                rows.setdefault(piece.collection, {}).setdefault(socket, []).append(row)
    return rows, frozenset(to_pull)


def _parts(rest: Rest) -> tuple[Parts, list[Act]]:
    parts: Parts = {}
    acts: list[Act] = []
    for name, by_socket in rest.rows.items():
        collection = _collection(name)
        texts: _Texts = {}
        for socket, mine in by_socket.items():
            who = socket.who
            user = socket.user if who.tablet is None else rest.changed.get(who.tablet, socket.user)
            sent = parts.setdefault(socket, [])
            for start in range(0, len(mine), LARGEST_FRAME):
                some = mine[start : start + LARGEST_FRAME]
                last = some[-1]
                position = Position(Head(last.seq, rest.nonces[last.seq]), last.id)
                text = _text(collection, some, who.schema, texts)
                sent.append(Part(name, text, sign(who, collection, position)))
                acts += reading_of(who, user, collection, some)
    return parts, acts


# By document, commit, whether it is to have, and the version that its client knows.
_Texts = dict[tuple[UUID, int, bool, int], str]


def _text(collection: Collection, rows: Sequence[Row], schema: int, texts: _Texts) -> str:
    """The rows as the inside of a JSON list. A document that many sockets get is put into words
    once; in the commit that moves it, some get the document and others its tombstone."""
    said = []
    for row in rows:
        key = (row.id, row.seq, row.visible, schema)
        if key not in texts:
            texts[key] = projection.document(collection, row, schema).decode()
        said.append(texts[key])
    return ",".join(said)


def _collection(name: str) -> Collection:
    collection = registry.get(name)
    assert collection is not None  # sockets subscribe to registered collections only
    return collection
