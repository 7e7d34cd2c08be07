"""The verbs of synchronisation: take a pushed document into the ledger, or put it into quarantine.

Nothing else writes these rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction

from apps.accounts.services import tablet_actor
from apps.audit.services import record
from apps.changes import scopes
from apps.changes.services import Document, publish
from apps.core.crypto import blind_index
from apps.core.problems import FieldError
from apps.sync.models import QuarantinedWrite, QuarantinedWriteQuerySet, TakenWrite
from apps.sync.registry import Contact, Pushed

# Which save it was is no part of what was written.
_NOT_CONTENT = frozenset({"editor", "edit_no"})


def fingerprint(document: dict[str, Any]) -> bytes:
    """16 bytes, equal for equal content whatever the order of its keys. Keyed: content is PHI."""
    content = {name: value for name, value in document.items() if name not in _NOT_CONTENT}
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
    return blind_index(canonical, purpose="pushed")


def take(*, row: Pushed, contact: Contact, now: datetime) -> bool | None:
    """Enters a document into the ledger, in the transaction of what becomes of it. True: it is new.
    None: it is a repeat. False: another content was taken under this id.

    1. Two copies of one request arrive at once; both look and find nothing.
    2. The unique key lets one insert; the other waits for the first one's COMMIT.
    3. Then it fails, looks again and sees a repeat. Were the first rolled back, it inserts.
    """
    print_ = fingerprint(row.document)
    taken, new = TakenWrite.objects.get_or_create(
        collection=row.collection,
        doc_id=row.doc_id,
        defaults={
            "fingerprint": print_,
            "instance": contact.instance,
            "editor": row.editor,
            "edit_no": row.edit_no,
            "taken_at": now,
        },
    )
    if new:
        return True
    return None if bytes(taken.fingerprint) == print_ else False


@dataclass(frozen=True)
class Rejected:
    """A row that could not be taken, as it came."""

    collection: str
    doc_id: str
    content: dict[str, Any]
    base: dict[str, Any] | None
    editor: UUID | None
    edit_no: int | None
    errors: list[FieldError]


@transaction.atomic
def quarantine(*, row: Rejected, contact: Contact, now: datetime) -> QuarantinedWrite:
    """Keeps a refused row whole. The same row again is the row that is there already.

    Its author and the tablet's supervisors may see it.
    """
    tablet, author = contact.session.tablet, contact.session.user
    kept, new = QuarantinedWrite.objects.get_or_create(
        collection=row.collection,
        doc_id=row.doc_id,
        instance=contact.instance,
        edit_no=row.edit_no,
        fingerprint=fingerprint(row.content),
        defaults={
            "tablet": tablet,
            "author": author,
            "editor": row.editor,
            "base": row.base,
            "content": row.content,
            "errors": [{"pointer": e.pointer, "detail": e.detail} for e in row.errors],
            "at": now,
        },
    )
    if new:
        seen_by = {scopes.team(tablet.team_id)}
        if author is not None:
            seen_by.add(scopes.responder(author.pk))
        membership = Document(QuarantinedWriteQuerySet.COLLECTION, kept.pk, frozenset(seen_by))
        publish(documents=[membership], now=now)
        record(
            actor=tablet_actor(tablet, author),
            action="quarantine",
            subject_type="quarantined_write",
            subject_ids=[kept.pk],
            now=now,
            detail={"collection": row.collection},
        )
    return kept


def corrected(*, row: Pushed, contact: Contact, now: datetime) -> None:
    """The author has sent a version that was taken: what was refused before is settled."""
    QuarantinedWrite.objects.filter(
        collection=row.collection,
        doc_id=str(row.doc_id),
        instance=contact.instance,
        corrected_at=None,
    ).update(corrected_at=now)
