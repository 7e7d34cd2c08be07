"""The verbs of the feed: publish a change, grant and revoke scopes, bind a holder to a person.

Each is part of the caller's transaction and fails outside one: what is published and the rows it
speaks of commit together or not at all. The numbers are given at COMMIT, by `sql/feed.sql`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import orjson
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError

from apps.changes import bell, parking
from apps.changes.published import Document, Event
from apps.changes.scopes import EVERYONE_SCOPE, checked
from apps.core import crypto

__all__ = [
    "EVERYONE",
    "EVERYONE_SCOPE",
    "LARGEST_PUBLICATION",
    "Collected",
    "Document",
    "Event",
    "bind",
    "bound_to",
    "collected",
    "forget",
    "grant",
    "hand_out",
    "nothing_to_drop",
    "publish",
    "revoke",
    "together",
]

# The shared holder of what everyone may see, and the principal it is bound to. Made by the
# migration; `sql/feed.sql` holds the same value.
EVERYONE = UUID("00000000-0000-4000-8000-000000000e0e")

# A larger one would hold up every other publisher while it commits.
LARGEST_PUBLICATION = 500

# Classes of advisory locks; 7301 orders the commits (`sql/feed.sql`).
_PRINCIPAL_LOCK = 7302
_HOLDER_LOCK = 7303

# In binary (%b): as text each byte of a sealed body is spelled out on this side and read on that.
_PUBLISH = """
select feed_publish(%b::text[], %b::uuid[], %b::bytea[], %b::text[], %b::text[], %b::uuid[])
"""

_GRANT = """
with gained as (
  insert into feed_grant (principal, scope) select %s, unnest(%s::text[])
  on conflict do nothing returning principal, scope
)
insert into feed_change (kind, holder, scope, held)
select 'hold', holder, scope, true from gained join feed_binding using (principal)
order by holder, scope
"""

_REVOKE = """
with lost as (
  delete from feed_grant where principal = %s and scope = any(%s::text[])
  returning principal, scope
)
insert into feed_change (kind, holder, scope, held)
select 'hold', holder, scope, false from lost join feed_binding using (principal)
order by holder, scope
"""

# What only the old principal was granted goes, what only the new one is granted comes.
_REBIND = """
insert into feed_change (kind, holder, scope, held)
select 'hold', %s::uuid, scope, coalesce(bool_or(principal = %s::uuid), false)
from feed_grant where principal in (%s::uuid, %s::uuid)
group by scope having count(*) = 1 order by scope
"""


@dataclass
class Collected:
    """What was published inside `collected`, by collection and id, and is not yet written."""

    documents: dict[tuple[str, UUID], Document] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    written: list[Event] = field(default_factory=list)

    def write(self) -> None:
        """Writes it, in as few statements as there can be. Nobody reacts to it yet."""
        documents = list(self.documents.values())
        for start in range(0, len(documents), LARGEST_PUBLICATION):
            _write(documents[start : start + LARGEST_PUBLICATION], ())
        _write((), self.events)
        self.written += self.events
        self.documents.clear()
        self.events.clear()

    def react(self, *, now: datetime) -> None:
        """The reactions to the events that are written. Outside `collected`: what they publish is
        written at once."""
        events, self.written = self.written, []
        for event in events:
            parking.run(event, now=now)


_open = threading.local()  # a connection, and so a transaction, belongs to one thread


@contextmanager
def together(*, now: datetime) -> Iterator[None]:
    """What is published inside is written at its end, in as few statements as there can be.

    For many documents that arrive together. Until the end none of it can be read, and no reaction
    runs; an exception drops all of it. Inside another `together` it is part of that one. Nothing
    inside may be rolled back to a savepoint and then gone on from: what it published would stay.
    """
    with collected() as published:
        yield
    published.write()
    published.react(now=now)


@contextmanager
def collected() -> Iterator[Collected]:
    """As `together`, but nothing is written before the caller says so, in the same transaction."""
    _in_transaction("together")
    published = Collected()
    if getattr(_open, "collected", None) is not None:
        yield published  # stays empty: it is all part of the other one
        return
    _open.collected = published
    try:
        yield published
    finally:
        _open.collected = None


def publish(
    *, documents: Sequence[Document] = (), events: Sequence[Event] = (), now: datetime
) -> None:
    """Writes documents with their scopes, and events, to the feed; then runs the reactions.

    At most 500 documents, each once. Whoever loses a document gets a tombstone, whoever gains or
    keeps it gets its new `rev`. Reactions to the events run here, in this transaction, once the
    rows are written (see `reactions`); they may publish in turn. After COMMIT the bell tells
    sockets to look.
    """
    collected: Collected | None = getattr(_open, "collected", None)
    if collected is None:
        _in_transaction("publish")
    if len(documents) > LARGEST_PUBLICATION:
        raise ValueError(f"At most {LARGEST_PUBLICATION} documents are published at once.")
    keys = {(document.collection, document.id) for document in documents}
    if len(keys) < len(documents):
        raise ValueError("A document is published twice in one call.")
    if collected is not None:
        if keys & collected.documents.keys():
            collected.write()  # its former version comes first
        collected.documents |= {(one.collection, one.id): one for one in documents}
        collected.events += events
        return
    _write(documents, events)
    for event in events:
        parking.run(event, now=now)


def is_collected(collection: str, id: UUID) -> bool:
    """Whether a version of a document was published inside `together` and is not yet written: what
    is stored is not its newest."""
    published: Collected | None = getattr(_open, "collected", None)
    return published is not None and (collection, id) in published.documents


def _write(documents: Sequence[Document], events: Sequence[Event]) -> None:
    if not documents and not events:
        return
    connection = transaction.get_connection()
    ordered = sorted(documents, key=lambda one: (one.collection, one.id.int))
    with connection.cursor() as cursor:
        cursor.execute(
            _PUBLISH,
            [
                [document.collection for document in ordered],
                [document.id for document in ordered],
                [_sealed(document) for document in ordered],
                [
                    None if document.scopes is None else ",".join(sorted(document.scopes))
                    for document in ordered
                ],
                [event.name for event in events],
                [event.subject for event in events],
            ],
        )
    bell.ring_after_commit(connection)


def grant(*, principal: UUID, scopes: Iterable[str]) -> None:
    """Lets a principal see what is in these scopes, on every holder bound to it. Idempotent.

    1. A dispatcher grants a unit to a responder while the responder signs in on a tablet.
    2. This writes the grant, then looks for holders bound to the principal.
       `bind` writes the binding, then looks for grants of the principal.
    3. Neither sees the other's uncommitted row: without more, both commit and the tablet never
       gets the unit's calls.
    4. So both first take the principal's lock, to the end of their transaction, and look in a
       later statement: whoever comes second sees all that the first did.
    5. A transaction that changes several principals takes them in ascending order of `lock_key`
       or risks a deadlock, which PostgreSQL ends with an error. It binds before it grants.
    """
    _change_grants("grant", _GRANT, principal, scopes)


def revoke(*, principal: UUID, scopes: Iterable[str]) -> None:
    """Takes scopes from a principal and from every holder bound to it. Idempotent; see `grant`."""
    _change_grants("revoke", _REVOKE, principal, scopes)


def bind(*, holder: UUID, principal: UUID | None) -> None:
    """Signs a principal in on a holder, instead of whoever was; None signs out. Idempotent.

    The holder loses what only the former principal was granted and gains what only the new one is.
    With None it loses all its scopes, and so every document.

    1. Two sign-ins on one tablet: the holder's lock lets the second see whom the first bound.
    2. A grant to, or a revocation from, the former or the new principal at the same moment: see
       `grant`. Both principals are locked, in one order, before their grants are read.
    """
    connection = _in_transaction("bind")
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [_HOLDER_LOCK, lock_key(holder)])
        cursor.execute("select principal from feed_binding where holder = %s", [holder])
        row = cursor.fetchone()
        former: UUID | None = row[0] if row else None
        if former == principal:
            return
        for key in sorted({lock_key(one) for one in (former, principal) if one is not None}):
            cursor.execute("select pg_advisory_xact_lock(%s, %s)", [_PRINCIPAL_LOCK, key])
        if principal is None:
            cursor.execute("delete from feed_binding where holder = %s", [holder])
        else:
            cursor.execute(
                "insert into feed_binding (holder, principal) values (%s, %s) "
                "on conflict (holder) do update set principal = excluded.principal",
                [holder, principal],
            )
        cursor.execute(_REBIND, [holder, principal, former, principal])
        published = cursor.rowcount
    if published:
        bell.ring_after_commit(connection)


def forget(*, holder: UUID, collection: str, before: int) -> int:
    """Drops the holder's tombstones below `before`, the seq of a checkpoint that this holder has
    presented: it read it from its own disk, so it has carried them out. Returns how many.

    Commits on its own: a transaction that kept these rows and then published would hold up, or
    deadlock with, every other publisher.
    """
    with transaction.atomic(durable=True), transaction.get_connection().cursor() as cursor:
        cursor.execute("select feed_forget(%s, %s, %s)", [holder, collection, before])
        return int(cursor.fetchone()[0])


def hand_out(*, holder: UUID, collection: str, seq: int, doc_id: UUID, short: bool) -> None:
    """Notes the page that goes out to a holder: which row it ends with, and whether it is short,
    and so the last of its pull. See `feed_last_page` in `sql/feed.sql`."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(
            "select feed_hand_out(%s, %s, %s, %s, %s)", [holder, collection, seq, doc_id, short]
        )


def nothing_to_drop(*, holder: UUID, collection: str) -> None:
    """Everything that the holder was told to drop is dropped: its pages need not be noted."""
    with transaction.get_connection().cursor() as cursor:
        cursor.execute(
            "delete from feed_last_page where holder = %s and collection = %s", [holder, collection]
        )


def bound_to(collection: str, id: UUID) -> str:
    """What a document's sealed body is bound to: moved to another row it does not open."""
    return f"document:{collection}:{id}"


def lock_key(id: UUID) -> int:
    """The advisory lock, within a class of them, of what has this id. Two that share one wait for
    each other: no harm, as long as locks are taken in the order of this key."""
    return int.from_bytes(id.bytes[-4:], "big", signed=True)


def _sealed(document: Document) -> bytes | None:
    if document.body is None:
        return None
    plain = orjson.dumps(document.body, option=orjson.OPT_UTC_Z)
    return crypto.seal(plain, bound_to=bound_to(document.collection, document.id))


def _change_grants(verb: str, statement: str, principal: UUID, scopes: Iterable[str]) -> None:
    connection = _in_transaction(verb)
    names = sorted({checked(scope) for scope in scopes})
    if not names:
        return
    with connection.cursor() as cursor:
        # A statement of its own: a statement's snapshot is older than the locks it waits for.
        cursor.execute(
            "select pg_advisory_xact_lock(%s, %s)", [_PRINCIPAL_LOCK, lock_key(principal)]
        )
        cursor.execute(statement, [principal, names])
        published = cursor.rowcount
    if published:
        bell.ring_after_commit(connection)


def _in_transaction(verb: str) -> BaseDatabaseWrapper:
    connection: BaseDatabaseWrapper = transaction.get_connection()
    if not connection.in_atomic_block:
        raise TransactionManagementError(
            f"{verb}() belongs in the transaction of the rows it speaks of."
        )
    return connection
