"""The quarantine: what a tablet sent and nobody could take, kept whole until somebody settles it.

Each row is a document of the collection `quarantine`, for its author and the tablet's supervisors.
Where nothing else holds under the id of what was refused, the text also stands there, marked with
`sync_status`, so that its author finds it where they typed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.services import tablet_actor, user_actor
from apps.audit.services import record
from apps.changes import scopes
from apps.changes.services import Document, publish
from apps.core.problems import FieldError
from apps.sync import documents, projection, registry
from apps.sync.canonical import fingerprint
from apps.sync.media import naming
from apps.sync.models import QuarantinedWrite, QuarantinedWriteQuerySet
from apps.sync.registry import SERVER_MANAGED, Contact
from apps.sync.services import early
from apps.sync.values import uuid_of

# A refused text that is larger than a document may be stays on the server alone.
_LARGEST_SHOWN = 60 * 1024  # bytes of JSON
QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Rejected:
    """A row that could not be taken, as it came. `fresh`: nothing holds under its id. `waits`: all
    that is missing is that its author signs in."""

    collection: str
    doc_id: str
    content: dict[str, Any]
    base: dict[str, Any] | None
    editor: UUID | None
    edit_no: int | None
    errors: list[FieldError]
    fresh: bool = False
    waits: bool = False


@transaction.atomic
def quarantine(*, row: Rejected, contact: Contact, now: datetime) -> QuarantinedWrite:
    """Keeps a refused row whole. The same row again is the row that is there already.

    Its author and the tablet's supervisors may see it.
    """
    tablet, author = contact.session.tablet, contact.session.user
    kept, new = QuarantinedWrite.objects.get_or_create(
        **_key(row, contact),
        defaults={
            "tablet": tablet,
            "author": author,
            "editor": row.editor,
            "base": row.base,
            "content": row.content,
            "errors": [{"pointer": e.pointer, "detail": e.detail} for e in row.errors],
            "at": now,
            "stands_in": row.fresh and author is not None,
            "waits_for_author": row.waits,
            "clock_offset_ms": contact.offset_ms,
            "clock_uncertainty_ms": contact.uncertainty_ms,
            "client_schema": contact.schema,
        },
    )
    if new:
        early.note_refused(write=kept, now=now)
        shown = [_document(kept)]
        if kept.stands_in:
            shown.append(_in_its_place(kept))
        publish(documents=shown, now=now)
        if (collection := registry.get(row.collection)) is not None:
            naming.note(
                collection=collection,
                doc_id=kept.pk,
                document=row.content,
                author=author,
                now=now,
                kept_as=(QuarantinedWriteQuerySet.COLLECTION, kept.pk),
            )
        record(
            actor=tablet_actor(tablet, author),
            action="quarantine",
            subject_type="quarantined_write",
            subject_ids=[kept.pk],
            now=now,
            detail={"collection": row.collection},
        )
    return kept


def is_kept(*, row: Rejected, contact: Contact) -> bool:
    """Whether this very row was kept before."""
    return QuarantinedWrite.objects.filter(**_key(row, contact)).exists()


def _key(row: Rejected, contact: Contact) -> dict[str, Any]:
    """What makes a row the same again; see the unique key."""
    return {
        "collection": row.collection,
        "doc_id": row.doc_id,
        "instance": contact.instance,
        "edit_no": row.edit_no,
        "fingerprint": fingerprint(row.content),
    }


def open_saves(
    *, collection: str, ids: Sequence[str], contact: Contact
) -> set[tuple[str, int | None, bytes]]:
    """Which saves of this local database lie here and are open: the id of each as it was sent, its
    number, the fingerprint of what was typed."""
    rows = QuarantinedWrite.objects.open().filter(
        collection=collection, doc_id__in=ids, instance=contact.instance, edit_no__isnull=False
    )
    found = rows.values_list("doc_id", "edit_no", "fingerprint")
    return {(id, edit_no, bytes(print)) for id, edit_no, print in found}


def corrected(
    *,
    collection: str,
    doc_id: UUID,
    contact: Contact,
    now: datetime,
    until: datetime | None = None,
    save: int | None = None,
) -> None:
    """Its author has sent a version that was taken: what was refused before (at `until` the
    latest) is settled. `save`: only what was refused of this local database's save of that number,
    which was taken when it came again."""
    rows = _of(collection, doc_id, contact).select_for_update(no_key=True, of=("self",))
    if save is not None:
        rows = rows.filter(instance=contact.instance, edit_no=save)
    for row in rows.filter(at__lte=until or now):
        row.corrected_at = now
        _settle(row, now=now, columns=["corrected_at"])


def base_of(*, collection: str, doc_id: UUID, contact: Contact) -> dict[str, Any] | None:
    """What the refused text was typed on, as its client sent it: the base of its correction."""
    row = _of(collection, doc_id, contact).order_by("at").first()
    base: dict[str, Any] | None = row.base if row else None
    return base


def give_way(*, collection: str, doc_id: UUID) -> None:
    """A document now holds under the id at which a refused text was shown."""
    QuarantinedWrite.objects.filter(
        collection=collection, doc_id=str(doc_id), stands_in=True
    ).update(stands_in=False)


def _of(collection: str, doc_id: UUID, contact: Contact) -> QuarantinedWriteQuerySet:
    """What is open of a document, from this local database or this person."""
    mine = Q(instance=contact.instance) | Q(author=contact.session.user, author__isnull=False)
    return QuarantinedWrite.objects.open().filter(mine, collection=collection, doc_id=str(doc_id))


@transaction.atomic
def acknowledge(*, write: QuarantinedWrite, by: User, now: datetime) -> QuarantinedWrite:
    """A supervisor has seen it, and it stays untaken. Repeating it changes nothing.

    The text goes from its place among the documents and stays in the quarantine. An edit that was
    refused makes way for the document that holds.
    """
    if (doc_id := uuid_of(write.doc_id)) is not None:
        documents.lock(write.collection, [doc_id])  # whoever writes it now is waited for
    row = QuarantinedWrite.objects.select_for_update(no_key=True).get(pk=write.pk)
    if row in QuarantinedWrite.objects.open().filter(pk=row.pk):
        row.acknowledged_by, row.acknowledged_at = by, now
        _settle(row, now=now, columns=["acknowledged_by", "acknowledged_at"])
        _audit(row, by, "acknowledge", now)
    return row


def applied(*, row: QuarantinedWrite, by: User, now: datetime) -> None:
    """A supervisor has had it taken after all. Part of the caller's transaction."""
    row.applied_by, row.applied_at = by, now
    _settle(row, now=now, columns=["applied_by", "applied_at"])
    _audit(row, by, "apply", now)


@transaction.atomic
def judged_again(
    *, row: QuarantinedWrite, errors: Sequence[FieldError], now: datetime
) -> QuarantinedWrite:
    """What it lacked is here (its author, what it is of), and it still cannot be taken: the reasons
    that it has now are shown, and it stays open. The same reasons again change nothing."""
    row = QuarantinedWrite.objects.select_for_update(no_key=True, of=("self",)).get(pk=row.pk)
    if status_of(row) != "open":
        return row
    told = [{"pointer": e.pointer, "detail": e.detail} for e in errors] or row.errors
    changed = row.waits_for_author or told != row.errors
    row.waits_for_author, row.errors = False, told
    early.note_refused(write=row, now=now)
    if changed:
        row.save(update_fields=["waits_for_author", "errors"])
        shown = [_document(row)]
        if _stands_in(row):
            shown.append(_in_its_place(row))
        publish(documents=shown, now=now)
    return row


def _settle(row: QuarantinedWrite, *, now: datetime, columns: Sequence[str]) -> None:
    """Writes and publishes that it is settled. Its author's tablet may show the refused text in the
    place of a document: that one is sent once more, or the text is withdrawn where there is none.
    """
    row.save(update_fields=columns)
    early.forget_refused(write=row)
    publish(documents=[_document(row)], now=now)
    if row.author_id is None or (doc_id := uuid_of(row.doc_id)) is None:
        return
    row.refresh_from_db(fields=["stands_in"])
    scopes_ = frozenset[str]() if _stands_in(row) else None
    publish(documents=[Document(row.collection, doc_id, scopes_)], now=now)


def _stands_in(row: QuarantinedWrite) -> bool:
    """Whether its text still stands in the place of a document."""
    doc_id = uuid_of(row.doc_id)
    return row.stands_in and doc_id is not None and documents.stands_in(row.collection, doc_id)


def _document(row: QuarantinedWrite) -> Document:
    seen_by = {scopes.team(row.tablet.team_id)}
    if row.author_id is not None:
        seen_by.add(scopes.responder(row.author_id))
    settled_by = row.acknowledged_by or row.applied_by
    body: dict[str, Any] = {
        "id": str(row.pk),
        "kind": "refused",
        "doc_collection": row.collection,
        "doc_id": row.doc_id,
        "at": row.at,
        "author": row.author.display_name if row.author else None,
        "status": status_of(row),
        "settled_by": settled_by.display_name if settled_by else None,
        "errors": row.errors,
        "content": row.content,
        "base": row.base,
    }
    if len(orjson.dumps(body)) > _LARGEST_SHOWN:
        body |= {"content": None, "base": None, "too_large": True}
    return Document(QuarantinedWriteQuerySet.COLLECTION, row.pk, frozenset(seen_by), body)


def status_of(row: QuarantinedWrite) -> str:
    """open, corrected, applied or acknowledged."""
    if row.corrected_at is not None:
        return "corrected"
    if row.applied_at is not None:
        return "applied"
    return "open" if row.acknowledged_at is None else "acknowledged"


def _in_its_place(row: QuarantinedWrite) -> Document:
    """The refused text under the id that it has on its tablet, marked, for its author alone. Fields
    beyond its schema are in the quarantine, and nowhere else."""
    assert row.author_id is not None
    body = marked(row.content, [FieldError(e["pointer"], e["detail"]) for e in row.errors])
    if (collection := registry.get(row.collection)) is not None:
        body = projection.shown(collection, body)
    seen_by = frozenset({scopes.responder(row.author_id)})
    return Document(row.collection, UUID(row.doc_id), seen_by, body)


def marked(content: dict[str, Any], errors: Sequence[FieldError]) -> dict[str, Any]:
    """What was typed, with the marks that tell a screen that the server has not taken it."""
    return {
        **{name: value for name, value in content.items() if name not in SERVER_MANAGED},
        "sync_status": QUARANTINED,
        "sync_errors": [f"{e.pointer or '/'}: {e.detail}" for e in errors],
    }


def _audit(row: QuarantinedWrite, by: User, action: str, now: datetime) -> None:
    record(
        actor=user_actor(by),
        action=action,
        subject_type="quarantined_write",
        subject_ids=[row.pk],
        now=now,
        detail={"collection": row.collection},
    )
