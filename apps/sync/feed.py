"""What one contact of a tablet needs from the feed, in one statement.

One statement is one snapshot and one journey: page, head, history and the person whom the holder is
signed in as belong together. A first pull reads a thousand rows with it; an idle tablet asks it all
day and gets none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.db import connection

from apps.changes.reading import BEGINNING, Head, Row, body_of, fetched
from apps.core.problems import ProblemError
from apps.sync.checkpoints import Position
from apps.sync.headers import format_head
from apps.sync.problems import ANOTHER_HISTORY, BEHIND

RETRY_SECONDS = 2


class Estranged(ProblemError):
    """ANOTHER_HISTORY: `point` was seen, and is none of this history's; or this history waits
    (`awaited`) for what the local database holds of a former one. `signed`: the point is that of a
    checkpoint, and not merely said. See `recovery`."""

    def __init__(
        self, standing: Standing, point: Head, *, awaited: bool = False, signed: bool = False
    ) -> None:
        super().__init__(ANOTHER_HISTORY, headers=standing.headers())
        self.standing = standing
        self.point = point
        self.awaited = awaited
        self.signed = signed


_HEAD = "select seq, nonce from feed_commit where seq is not null order by seq desc limit 1"
_EPOCH = "select id from feed_epoch order by started_at desc limit 1"
_KNOWN = "exists (select from feed_commit where seq = %s and nonce = %s)"
_AWAITED = (
    f"exists (select from sync_comeback where epoch = ({_EPOCH}) "
    "and instance = %s and %s = any(pending))"
)

# The first row is about the server and the holder, the others are the page. Its last commit lends
# its nonce to the next checkpoint. OFFSET 0: each body is looked up by its key; left alone, the
# planner reads the whole table while it is small, and goes on to where it is not.
_VISIT = f"""
with page as materialized (select seq, doc_id, visible from feed_page(%s, %s, %s, %s, %s))
select 0 as part, null::bigint as seq, null::uuid as doc_id, null::boolean, null::bigint,
  null::bytea, head.seq as head_seq, head.nonce, ({_EPOCH}), pg_is_in_recovery(),
  (select principal from feed_binding where holder = %s), {_KNOWN}, {_KNOWN},
  (select nonce from feed_commit where seq = (select max(seq) from page)), {_AWAITED},
  feed_has_passed(%s, %s, %s, %s)
from (values (1)) as always left join ({_HEAD}) head on true
union all
select 1, page.seq, page.doc_id, page.visible, d.rev, d.body,
  null, null, null, null, null, null, null, null, null, null
from page left join lateral (
  select rev, body from feed_document d
  where page.visible and d.collection = %s and d.doc_id = page.doc_id offset 0) d on true
order by part, seq, doc_id
"""  # noqa: S608  (constants of this module)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where this server stands: its head, its history's name, and whether it is a copy (a standby),
    which may lag behind what a tablet has seen elsewhere."""

    head: Head
    epoch: UUID
    copy: bool

    def headers(self) -> dict[str, str]:
        """What every answer of the protocol carries."""
        return {"Sync-Head": format_head(self.head), "Sync-Epoch": str(self.epoch)}


@dataclass(frozen=True, slots=True)
class Visit:
    """One page of a holder. `principal`: as whom the holder is signed in, in the same snapshot.
    `position`: after the page's last row. `passed`: the place that was presented shows that the
    holder has carried out what came before it; None where nothing is noted of it.
    """

    standing: Standing
    principal: UUID | None
    rows: list[Row]
    position: Position
    passed: bool | None = None


def visit(
    *,
    holder: UUID,
    collection: str,
    position: Position,
    presented: Position | None = None,
    seen: Head | None,
    limit: int,
) -> Visit:
    """Up to `limit` rows after `position`; fewer: there are no more.

    Raises Estranged where `presented` (left out: `position`) or `seen` is not part of this history,
    or the holder still owes what it holds of a former one; ProblemError (BEHIND, on a standby)
    where they are not part of it yet.
    """
    after, seen = position.commit, seen or BEGINNING
    shown = presented or position
    told = shown.commit
    found = fetched(
        _VISIT,
        [
            *(holder, collection, after.seq, position.doc_id, limit, holder),
            *(told.seq, told.nonce, seen.seq, seen.nonce, holder, collection),
            *(holder, collection, told.seq, shown.doc_id, collection),
        ],
    )
    first = found[0][6:]
    seq, nonce, epoch, copy, principal, knows_position, knows_seen, tail, awaited, passed = first
    standing = Standing(Head(seq, nonce) if seq is not None else BEGINNING, epoch, copy)
    _judge(standing, told, known=knows_position, signed=True)
    _judge(standing, seen, known=knows_seen)
    if awaited:
        raise Estranged(standing, max(told, seen, key=lambda point: point.seq), awaited=True)
    rows = [
        Row(row[1], row[2], True, row[4], body_of(collection, row[2], row[5]))
        if row[3]
        else Row(row[1], row[2], False)
        for row in islice(found, 1, None)
    ]
    if rows:
        position = Position(Head(rows[-1].seq, tail), rows[-1].id)
    return Visit(standing, principal, rows, position, passed)


def standing() -> Standing:
    """Where this server stands now."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select head.seq, head.nonce, ({_EPOCH}), pg_is_in_recovery() "  # noqa: S608
            f"from (values (1)) as always left join ({_HEAD}) head on true"
        )
        seq, nonce, epoch, copy = cursor.fetchone()
    return Standing(Head(seq, nonce) if seq is not None else BEGINNING, epoch, copy)


def check_seen(standing: Standing, seen: Head | None) -> None:
    """Raises as `visit` does where `seen` is not part of this history."""
    if seen is not None:
        with connection.cursor() as cursor:
            cursor.execute(f"select {_KNOWN}", [seen.seq, seen.nonce])
            known = bool(cursor.fetchone()[0])
        _judge(standing, seen, known=known)


def _judge(standing: Standing, point: Head, *, known: bool, signed: bool = False) -> None:
    """A point that this server does not know, beyond its head: a standby has it still to come; the
    primary has everything that was ever committed, so it was put back in time."""
    if known or point == BEGINNING:
        return
    if standing.copy and point.seq > standing.head.seq:
        raise ProblemError(
            BEHIND, headers={"Retry-After": str(RETRY_SECONDS), **standing.headers()}
        )
    raise Estranged(standing, point, signed=signed)


@dataclass(frozen=True, slots=True)
class Current:
    """A document that the feed has. `row` is None where the holder may not see it."""

    row: Row | None


def current(*, holder: UUID, collection: str, doc_id: UUID) -> Current | None:
    """What holds now of one document, for one holder; None where the feed has none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select d.rev, i.seq, d.body from feed_document d left join feed_item i "
            "on i.holder = %s and i.collection = d.collection and i.doc_id = d.doc_id "
            "and i.visible where d.collection = %s and d.doc_id = %s",
            [holder, collection, doc_id],
        )
        found = cursor.fetchone()
    if found is None:
        return None
    rev, seq, body = found
    if seq is None:
        return Current(None)
    return Current(Row(seq, doc_id, True, rev, body_of(collection, doc_id, body)))


def not_held(collection: str, rows: Iterable[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Of these pairs of holder and document those where the feed has the document and the holder
    may not see it, as of the last commit."""
    pairs = list(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            "select holder, doc_id from sync_not_held(%s, %s::uuid[], %s::uuid[])",
            [collection, [one for one, _ in pairs], [one for _, one in pairs]],
        )
        return set(cursor.fetchall())
