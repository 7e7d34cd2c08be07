"""The ledger of facts: each is taken once, under one id, with one content."""

from __future__ import annotations

from datetime import datetime

from apps.sync.models import TakenWrite
from apps.sync.registry import Contact, Pushed


def take(*, row: Pushed, contact: Contact, now: datetime) -> bool | None:
    """Enters a document into the ledger, in the transaction of what becomes of it. True: it is new.
    None: it is a repeat. False: another content was taken under this id.

    1. Two copies of one request arrive at once; both look and find nothing.
    2. The unique key lets one insert; the other waits for the first one's COMMIT.
    3. Then it fails, looks again and sees a repeat. Were the first rolled back, it inserts.
    """
    print_ = row.fingerprint
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


def is_taken(*, row: Pushed) -> bool:
    """Whether this very document is in the ledger."""
    return TakenWrite.objects.filter(
        collection=row.collection, doc_id=row.doc_id, fingerprint=row.fingerprint
    ).exists()
