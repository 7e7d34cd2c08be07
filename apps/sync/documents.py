"""Documents that people change together: their lock, and how they stand when a version comes.

One advisory lock a document orders everybody who writes it. It is taken before anything is read,
for all documents of a transaction at once and in one order, so that two transactions never hold
what the other needs. Statements after it see what the one before has committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID
from zlib import crc32

import orjson
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection

from apps.changes.models import Grant, Member, StoredDocument
from apps.changes.reading import body_of
from apps.changes.services import EVERYONE
from apps.core.fields import encrypted_field
from apps.core.problems import BUSY, ProblemError
from apps.sync.judging import Present, Taken
from apps.sync.models import QuarantinedWrite, Version
from apps.sync.registry import STAMP, Collection, Pushed

# Who wrote a document that no client sent as it is: put together from two, or put back.
SERVER_EDITOR = UUID("00000000-0000-4000-8000-00000000ca5e")

_DOCUMENT_LOCK = 7304  # class of advisory locks; see apps.changes.services

# In binary (%b): as text, each byte is spelled out on this side and read on that.
_STANDS = """
select * from sync_stands(%s, %b::uuid[], %b::uuid[], %b::uuid[], %b::bigint[], %b::bytea[])
"""

_LED_TO = "select sync_led_to(%s, %b::uuid[], %b::bigint[])"

_LIFT = """
update feed_document d set rev = g.rev from unnest(%b::uuid[], %b::bigint[]) as g (id, rev)
where d.collection = %s and d.doc_id = g.id and d.rev < g.rev
"""


@dataclass(frozen=True, slots=True)
class Stand:
    """A document as it stands for one holder before a version is judged.

    `rev`: its revision in the feed, 0 where there is none. `present` is None where nothing holds
    under the id, or what holds cannot be read (`readable` false). `visible`: the holder has it.
    `last`: the last save of the editor that was taken; `told_before`: the one that comes is known.
    `names_media`: it names photos, or has named some.
    """

    rev: int = 0
    present: Present | None = None
    body: Mapping[str, Any] | None = None
    exists: bool = False
    visible: bool = False
    readable: bool = True
    last: Taken | None = None
    told_before: bool = False
    names_media: bool = False


NOTHING = Stand()
_CONTENT = encrypted_field(Version, "content")


class _Found(NamedTuple):
    """A row of `sync_stands`. What begins with `last_` is there where `last_id` is."""

    doc_id: UUID
    rev: int
    body: bytes
    visible: bool
    stands_in: bool
    names_media: bool
    told_before: bool
    last_id: UUID | None
    last_rev: int
    last_no: int
    last_content: bytes


def lock(collection: str, ids: Iterable[UUID]) -> None:
    """Makes everybody else who writes one of these documents wait, to the end of the transaction.

    Take it once a transaction, for all of them, before any other lock.
    """
    keys = sorted({_lock_key(collection, id) for id in ids})
    if not keys:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(%s, key) from unnest(%s::int[]) key",
            [_DOCUMENT_LOCK, keys],
        )


def _lock_key(collection: str, id: UUID) -> int:
    """The collection tells apart what is locked under one id: an encounter's document, and what is
    done for whoever was met in it, are taken at different places in the order of locks."""
    key = int.from_bytes(id.bytes[-4:], "big") ^ crc32(collection.encode())
    return key - 2**32 if key >= 2**31 else key  # signed, as PostgreSQL's integers are


def stands(collection: Collection, rows: Sequence[tuple[Pushed, UUID]]) -> dict[UUID, Stand]:
    """How the documents of these versions stand; a version comes with the holder that it is judged
    for. Call it under their locks. A document is named once; what the feed has not got is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _STANDS,
            [
                collection.name,
                [pushed.doc_id for pushed, _ in rows],
                [holder for _, holder in rows],
                [pushed.editor for pushed, _ in rows],
                [pushed.edit_no for pushed, _ in rows],
                [pushed.fingerprint for pushed, _ in rows],
            ],
        )
        found = [_Found(*row) for row in cursor.fetchall()]
    return {one.doc_id: _stand(collection, one) for one in found}


def _stand(collection: Collection, found: _Found) -> Stand:
    plain = body_of(collection.name, found.doc_id, found.body)
    body = orjson.loads(plain) if plain is not None else None
    exists = not (found.stands_in and _is_refused(body))
    present = last = None
    if body is not None and exists:
        present = present_of(collection, body, found.rev)
    if found.last_id is not None:
        content = _CONTENT.open_as(found.last_content, found.last_id)
        last = Taken(content, found.last_rev, found.last_no)
    return Stand(
        rev=found.rev,
        present=present,
        body=body,
        exists=exists,
        visible=found.visible,
        readable=body is not None,
        last=last,
        told_before=found.told_before,
        names_media=found.names_media,
    )


def present_of(collection: Collection, body: Mapping[str, Any], rev: int) -> Present:
    """A published body as the judgement reads it."""
    managed = collection.server_managed(dict(body)) | STAMP
    content = {name: value for name, value in body.items() if name not in managed}
    return Present(content, rev, body.get("editor"), body.get("edit_no"))


def read(collection: Collection, doc_id: UUID) -> Stand:
    """How a document stands whoever looks. `visible` is not asked."""
    row = StoredDocument.objects.filter(collection=collection.name, doc_id=doc_id).first()
    if row is None:
        return NOTHING
    plain = body_of(collection.name, doc_id, row.body)
    body = orjson.loads(plain) if plain is not None else None
    exists = not (_is_flagged(collection.name, doc_id) and _is_refused(body))
    return Stand(
        rev=row.rev,
        present=present_of(collection, body, row.rev) if exists and body is not None else None,
        body=body,
        exists=exists,
        readable=body is not None,
    )


def must_have_led_to(collection: str, revs: Mapping[UUID, int]) -> None:
    """ProblemError (BUSY) where somebody has written one of these documents without its lock: the
    transaction must not stand, or what they wrote would be covered up unseen."""
    with connection.cursor() as cursor:
        cursor.execute(_LED_TO, [collection, list(revs), list(revs.values())])
        [as_led_to] = cursor.fetchone()
    if not as_led_to:
        raise ProblemError(BUSY, headers={"Retry-After": "1"})


def lift(collection: str, revs: Mapping[UUID, int]) -> None:
    """Gives documents a higher revision than their last publication did, in its transaction and
    under their locks: that which they had before this server was put back in time. What comes of
    that time after this is compared with it, in whatever order tablets come back."""
    if revs:
        with connection.cursor() as cursor:
            cursor.execute(_LIFT, [list(revs), list(revs.values()), collection])


def is_published(collection: str, doc_id: UUID) -> bool:
    """Whether anything is published under this id, be it a refused text."""
    return StoredDocument.objects.filter(collection=collection, doc_id=doc_id).exists()


def must_cover_nothing(collection: str, ids: Iterable[UUID]) -> None:
    """ProblemError (BUSY) where a refused text that was shown under these ids, because nothing was
    published there, has covered up what was not committed yet when that was looked at. Facts have
    no lock. It comes again, and sees what is there."""
    rows = StoredDocument.objects.filter(collection=collection, doc_id__in=list(ids))
    if rows.filter(rev__gt=1).exists():
        raise ProblemError(BUSY, headers={"Retry-After": "1"})


def may_see(user: AbstractBaseUser, *, collection: str, doc_id: UUID) -> bool:
    """Whether a document is in a scope that is granted to the user."""
    granted = Grant.objects.filter(principal__in=[user.pk, EVERYONE]).values("scope")
    return Member.objects.filter(collection=collection, doc_id=doc_id, scope__in=granted).exists()


def stands_in(collection: str, doc_id: UUID) -> bool:
    """Whether nothing holds under this id but a refused text.

    A quarantined row says that its text was put there. Whoever has written the document since has
    put something else in its place, and may not have known of the row: what is stored decides.
    """
    if not _is_flagged(collection, doc_id):
        return False
    row = StoredDocument.objects.filter(collection=collection, doc_id=doc_id).first()
    plain = body_of(collection, doc_id, row.body) if row else None
    return _is_refused(orjson.loads(plain) if plain is not None else None)


def _is_flagged(collection: str, doc_id: UUID) -> bool:
    rows = QuarantinedWrite.objects.filter(collection=collection, doc_id=str(doc_id))
    return rows.filter(stands_in=True).exists()


def _is_refused(body: Mapping[str, Any] | None) -> bool:
    """Whether a stored body is a refused text; of one that cannot be read the row is believed."""
    return body is None or "sync_status" in body
