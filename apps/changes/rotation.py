"""Documents move to the newest key too. Their `rev` stays: nothing is published."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from apps.changes.services import bound_to
from apps.core import crypto
from apps.core.rotation import Rotated, rotates

_PAGE = """
select collection, doc_id, body from feed_document
where (collection, doc_id) > (%s, %s) order by collection, doc_id limit %s
"""
# What somebody has published meanwhile is under the newest key.
_WRITE = "update feed_document set body = %s where collection = %s and doc_id = %s and body = %s"


@rotates("documents")
def rotate_documents(batch: int) -> Rotated:
    """Walks the documents by key. Each is written by itself: who holds several may wait for whoever
    publishes them in another order."""
    newest, done, closed, last = crypto.newest_key_id(), 0, 0, ("", UUID(int=0))
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_PAGE, [*last, batch])
            page = [(collection, id, bytes(body)) for collection, id, body in cursor.fetchall()]
            for collection, id, body in page:
                if crypto.key_id_of(body) == newest:
                    continue
                try:
                    plain = crypto.unseal(body, bound_to=bound_to(collection, id))
                except crypto.Undecryptable:
                    closed += 1
                    continue
                sealed = crypto.seal(plain, bound_to=bound_to(collection, id))
                cursor.execute(_WRITE, [sealed, collection, id, body])
                done += cursor.rowcount
        if not page:
            return Rotated(done, closed)
        last = page[-1][:2]
