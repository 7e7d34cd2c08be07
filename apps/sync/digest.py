"""The digest: what a local database must hold of a collection, as a count and a hash.

A client whose outbox is empty works out the same over what it holds; equal means that it lacks
nothing and keeps nothing too much. It is taken where the page after the client's checkpoint is
empty, in that very snapshot: at any other place the two would differ for good reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from apps.changes import reading
from apps.changes.reading import Head
from apps.changes.services import EVERYONE
from apps.core.problems import FORBIDDEN, ProblemError
from apps.sync import feed, projection
from apps.sync.feed import Standing
from apps.sync.problems import PULL_FIRST
from apps.sync.registry import Collection, Contact

# A UUID's order is that of its text. What the holder's author was refused may stand on the tablet
# in place of the document: neither side counts it, and the client is told which those are.
_DIGEST = """
with refused as materialized (
  select distinct doc_id from sync_quarantinedwrite
  where collection = %s and (author_id = %s or instance = %s)
    and corrected_at is null and acknowledged_at is null and applied_at is null
), held as (
  select i.doc_id, i.doc_id::text as id, d.rev
  from feed_item i join feed_document d on d.collection = i.collection and d.doc_id = i.doc_id
  where i.holder = %s and i.collection = %s and i.visible
)
select count(*) filter (where r.doc_id is null),
  encode(sha256(convert_to(coalesce(
    string_agg(h.id || ':' || h.rev || chr(10), '' order by h.doc_id)
      filter (where r.doc_id is null), ''), 'UTF8')), 'hex'),
  coalesce(array_agg(h.id order by h.doc_id) filter (where r.doc_id is not null), '{}')
from held h left join refused r on r.doc_id = h.id
"""


@dataclass(frozen=True, slots=True)
class Digest:
    """`sha256` (hexadecimal) is over a line `id:rev` with its line feed for each of `count`
    documents, in the order of their ids. `left_out` are not among them."""

    standing: Standing
    count: int
    sha256: str
    left_out: list[str]


def digest(
    *, collection: Collection, contact: Contact, checkpoint: str | None, seen: Head | None
) -> Digest:
    """What the local database must hold as of its checkpoint.

    Raises ProblemError: PULL_FIRST where something comes after the checkpoint, and what `pull`
    raises. What everyone may see has a digest for those who are signed in.
    """
    holder = EVERYONE if collection.shared else contact.instance
    if collection.shared and contact.session.user is None:
        raise ProblemError(FORBIDDEN, "Sign in on this tablet first.")
    projection.must_be_served(contact.schema)
    position, presented = projection.resume(
        collection, checkpoint or None, holder=holder, version=contact.schema
    )
    with reading.snapshot():
        found = feed.visit(
            holder=holder,
            collection=collection.name,
            position=position,
            presented=presented,
            seen=seen,
            limit=1,
        )
        if found.rows:
            raise ProblemError(PULL_FIRST, headers=found.standing.headers())
        author = None if collection.shared else found.principal
        count, sha256, left_out = _read(collection.name, holder, author)
    return Digest(found.standing, count, sha256, left_out)


def _read(collection: str, holder: UUID, author: UUID | None) -> tuple[int, str, list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(_DIGEST, [collection, author, holder, holder, collection])
        count, sha256, left_out = cursor.fetchone()
    return count, sha256, left_out
