"""The ledger of facts: each is taken once, under one id, with one content."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import connection

from apps.core.ids import uuid7
from apps.sync.models import TakenWrite
from apps.sync.registry import Contact, Pushed
from apps.sync.services import quarantine

# One statement and no savepoint: every tap comes through here.
_ENTER: Final = """
insert into sync_takenwrite as taken
  (id, collection, doc_id, fingerprint, instance, editor, edit_no, taken_at)
values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing
returning exists (select from sync_quarantinedwrite q where q.collection = taken.collection
  and q.doc_id = taken.doc_id::text and q.stands_in)
"""


def take(*, row: Pushed, contact: Contact, now: datetime) -> bool | None:
    """Enters a document into the ledger, in the transaction of what becomes of it. True: it is new.
    None: it is a repeat. False: another content was taken under this id.

    1. Two copies of one request arrive at once.
    2. The unique key lets one insert; the other waits for the first one's COMMIT.
    3. Then it inserts nothing, looks and sees a repeat. Were the first rolled back, it inserts.

    Where a refused text stands under its id, that gives way: not only to its correction, as the
    answer that refused it may have been lost.
    """
    values: list[Any] = [uuid7(), row.collection, row.doc_id, row.fingerprint, contact.instance]
    with connection.cursor() as cursor:
        cursor.execute(_ENTER, [*values, row.editor, row.edit_no, now])
        entered = cursor.fetchone()
    new = entered is not None
    if entered and entered[0]:
        quarantine.give_way(collection=row.collection, doc_id=row.doc_id)
    if new:
        return True
    return None if is_taken(row=row) else False


def is_taken(*, row: Pushed) -> bool:
    """Whether this very document is in the ledger."""
    return TakenWrite.objects.filter(
        collection=row.collection, doc_id=row.doc_id, fingerprint=row.fingerprint
    ).exists()
