"""Everything that was committed since a moment, in one statement: for all sockets of a process.

It does not name the holders that are connected: a thousand ids in a statement cost 5 ms, the rows
of those who are away cost nothing. One statement is one snapshot, so nobody gets the content of a
later commit, which may have been taken from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from apps.changes.reading import Row, body_of, fetched

_NEWS = """
with fresh as (
  select seq, holder, collection, doc_id, visible from feed_item where seq > %s
  order by seq limit %s
), piece as (
  select seq, collection, doc_id, visible, array_agg(holder) as holders
  from fresh group by seq, collection, doc_id, visible
), commit as (select id, seq, nonce from feed_commit where seq > %s)
select m.seq, m.nonce, p.collection, p.doc_id, p.visible, p.holders, d.rev, d.body, null, null
from commit m left join piece p using (seq)
  left join feed_document d on p.visible and d.collection = p.collection and d.doc_id = p.doc_id
union all
select m.seq, m.nonce, null, null, null, null, null, null, c.event, c.subject
from commit m join feed_change c on c.commit_id = m.id
where c.kind = 'event' and c.event = any(%s)
order by 1, 3, 4
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """One document's news: for whom, and sealed as it is stored."""

    seq: int
    collection: str
    id: UUID
    visible: bool
    holders: tuple[UUID, ...]
    rev: int | None
    sealed: bytes | None

    def row(self) -> Row:
        """Opened. A body that does not open is flagged, not raised."""
        if not self.visible:
            return Row(self.seq, self.id, False)
        plain = body_of(self.collection, self.id, self.sealed)
        return Row(self.seq, self.id, True, self.rev, plain)


@dataclass(slots=True)
class News:
    """What was committed after a moment. `nonces` are those of all commits since, so its greatest
    key is the head; none: nothing was. Not `complete`: there was more than the limit."""

    nonces: dict[int, int] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)
    events: list[tuple[str, UUID]] = field(default_factory=list)
    complete: bool = True


def since(seq: int, *, events: tuple[str, ...], limit: int) -> News:
    """The news after the commit `seq`, in the order of commits, with those events that are named.
    At most `limit` pairs of holder and document."""
    found = fetched(_NEWS, [seq, limit + 1, seq, list(events)])
    news = News()
    pairs = 0
    for at, nonce, collection, doc_id, visible, holders, rev, body, event, subject in found:
        news.nonces[at] = nonce
        if event is not None:
            news.events.append((event, subject))
        elif collection is not None:
            pairs += len(holders)
            news.pieces.append(Piece(at, collection, doc_id, visible, tuple(holders), rev, body))
    news.complete = pairs <= limit
    return news
