"""Documents that people change together: their lock, and how they stand when a version comes.

One advisory lock a document orders everybody who writes it. It is taken before anything is read,
for all documents of a transaction at once and in one order, so that two transactions never hold
what the other needs. Statements after it see what the one before has committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection

from apps.changes.models import Grant, Member, StoredDocument
from apps.changes.reading import body_of
from apps.changes.services import EVERYONE
from apps.core.problems import BUSY, ProblemError
from apps.sync.judging import Present, Taken
from apps.sync.models import QuarantinedWrite, Version
from apps.sync.registry import Collection, Pushed

# Who wrote a document that no client sent as it is: put together from two, or put back.
SERVER_EDITOR = UUID("00000000-0000-4000-8000-00000000ca5e")
# What names a save, and is no content.
STAMP = frozenset({"id", "editor", "edit_no"})

_DOCUMENT_LOCK = 7304  # class of advisory locks; see apps.changes.services

_PRESENT = """
select d.doc_id, d.rev, d.body, i.holder is not null
from feed_document d left join feed_item i
  on i.holder = %s and i.collection = d.collection and i.doc_id = d.doc_id and i.visible
where d.collection = %s and d.doc_id = any(%s)
"""

# The last save of each editor that was taken.
_TAKEN = """
select v.* from unnest(%s::uuid[], %s::uuid[]) as g (doc_id, editor)
cross join lateral (
  select * from sync_version where collection = %s and doc_id = g.doc_id and editor = g.editor
    and fate <> 'kept' order by edit_no desc limit 1) v
"""

# Those of the saves that come now which are known, whatever became of them.
_TOLD = """
select g.doc_id
from unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::bytea[]) as g (doc_id, editor, edit_no, print)
where exists (
  select from sync_version v where v.collection = %s and v.doc_id = g.doc_id
    and v.editor = g.editor and v.edit_no = g.edit_no and v.fingerprint = g.print)
"""


@dataclass(frozen=True, slots=True)
class Stand:
    """A document as it stands for one holder before a version is judged.

    `rev`: its revision in the feed, 0 where there is none. `present` is None where nothing holds
    under the id, or what holds cannot be read (`readable` false). `visible`: the holder has it.
    `last`: the last save of the editor that was taken; `told_before`: the one that comes is known.
    """

    rev: int = 0
    present: Present | None = None
    body: Mapping[str, Any] | None = None
    exists: bool = False
    visible: bool = False
    readable: bool = True
    last: Taken | None = None
    told_before: bool = False


NOTHING = Stand()


def lock(collection: str, ids: Iterable[UUID]) -> None:
    """Makes everybody else who writes one of these documents wait, to the end of the transaction.

    Take it once a transaction, for all of them, before any other lock.
    """
    keys = sorted({int.from_bytes(id.bytes[-4:], "big", signed=True) for id in ids})
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(%s, key) from unnest(%s::int[]) key",
            [_DOCUMENT_LOCK, keys],
        )


def stands(
    collection: Collection, *, holder: UUID, rows: Sequence[tuple[Pushed, bytes]]
) -> dict[UUID, Stand]:
    """How the documents of these versions stand; a version comes with its fingerprint. Call it
    under their locks. A document is named once."""
    ids = [pushed.doc_id for pushed, _ in rows]
    taken, told = _taken(collection.name, rows)
    standing_in = _standing_in(collection.name, ids)
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT, [holder, collection.name, ids])
        found = cursor.fetchall()
    stands = {}
    for doc_id, rev, sealed, visible in found:
        plain = body_of(collection.name, doc_id, sealed)
        body = orjson.loads(plain) if plain is not None else None
        exists = doc_id not in standing_in
        stands[doc_id] = Stand(
            rev=rev,
            present=present_of(collection, body, rev) if exists and body is not None else None,
            body=body,
            exists=exists,
            visible=visible,
            readable=body is not None,
            last=taken.get(doc_id),
            told_before=doc_id in told,
        )
    return stands


def present_of(collection: Collection, body: Mapping[str, Any], rev: int) -> Present:
    """A published body as the judgement reads it."""
    managed = collection.server_managed(dict(body)) | STAMP
    content = {name: value for name, value in body.items() if name not in managed}
    return Present(content, rev, body.get("editor"), body.get("edit_no"))


def content_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document without what names the save."""
    return {name: value for name, value in document.items() if name not in STAMP}


def read(collection: Collection, doc_id: UUID) -> Stand:
    """How a document stands whoever looks. `visible` is not asked."""
    row = StoredDocument.objects.filter(collection=collection.name, doc_id=doc_id).first()
    if row is None:
        return NOTHING
    plain = body_of(collection.name, doc_id, row.body)
    body = orjson.loads(plain) if plain is not None else None
    exists = doc_id not in _standing_in(collection.name, [doc_id])
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
    rows = StoredDocument.objects.filter(collection=collection, doc_id__in=list(revs))
    led_to = {doc_id: rev for doc_id, rev in revs.items() if rev}  # 0: there is none
    if dict(rows.values_list("doc_id", "rev")) != led_to:
        raise ProblemError(BUSY, headers={"Retry-After": "1"})


def may_see(user: AbstractBaseUser, *, collection: str, doc_id: UUID) -> bool:
    """Whether a document is in a scope that is granted to the user."""
    granted = Grant.objects.filter(principal__in=[user.pk, EVERYONE]).values("scope")
    return Member.objects.filter(collection=collection, doc_id=doc_id, scope__in=granted).exists()


def stands_in(collection: str, doc_id: UUID) -> bool:
    """Whether nothing ever held under this id but a refused text."""
    return bool(_standing_in(collection, [doc_id]))


def _taken(
    collection: str, rows: Sequence[tuple[Pushed, bytes]]
) -> tuple[dict[UUID, Taken], set[UUID]]:
    """By document: the last save of its editor that was taken, and whether this one is known."""
    named = [(p, print_) for p, print_ in rows if p.editor is not None and p.edit_no is not None]
    if not named:
        return {}, set()
    ids, editors = [p.doc_id for p, _ in named], [p.editor for p, _ in named]
    found = Version.objects.raw(_TAKEN, [ids, editors, collection])
    taken = {row.doc_id: Taken(row.content, row.rev, row.edit_no or 0) for row in found}
    with connection.cursor() as cursor:
        saves = [p.edit_no for p, _ in named], [print_ for _, print_ in named]
        cursor.execute(_TOLD, [ids, editors, *saves, collection])
        return taken, {doc_id for (doc_id,) in cursor.fetchall()}


def _standing_in(collection: str, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these documents under whose id nothing ever held but a refused text."""
    rows = QuarantinedWrite.objects.filter(
        collection=collection, doc_id__in=[str(id) for id in ids], stands_in=True
    )
    return {UUID(id) for id in rows.values_list("doc_id", flat=True)}
