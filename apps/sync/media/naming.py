"""Documents that name media, and what follows for who may see it.

A collection says which media its documents name (`Collection.media`). Whenever such a document is
written, by whatever verb, `note` is called in the same transaction.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from apps.accounts.models import User
from apps.changes.models import Member
from apps.sync.media.models import MediaClaim, MediaFile, MediaHandIn, MediaReference
from apps.sync.registry import Collection, MediaNames

log = logging.getLogger(__name__)

MOST_NAMED = 200  # by one document; it has 64 KB
_SHOWN = Member.objects.filter(collection=OuterRef("collection"), doc_id=OuterRef("doc_id"))
_ADDRESS = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MEDIA_LOCK = 7310  # class of advisory locks; see apps.changes.services


def address(text: str) -> bytes | None:
    """The SHA-256 that an address is: 64 hexadecimal digits in lower case. None: it is none."""
    return bytes.fromhex(text) if _ADDRESS.fullmatch(text) else None


def media_fields(*fields: str) -> Callable[[Mapping[str, Any]], Iterable[str]]:
    """For `Collection.media`: these fields name media. Each holds an address, an object with the
    address as its `sha256`, or a list of such."""

    def names(document: Mapping[str, Any]) -> Iterable[str]:
        for field in fields:
            value = document.get(field)
            for one in value if isinstance(value, list) else [value]:
                name = one.get("sha256") if isinstance(one, dict) else one
                if isinstance(name, str):
                    yield name

    return names


def note(
    *,
    collection: Collection,
    doc_id: UUID,
    document: Mapping[str, Any] | None,
    author: User | None,
    now: datetime,
    kept_as: tuple[str, UUID] | None = None,
    named_before: bool = True,
) -> None:
    """Keeps up who names what: call it where a document was written (None: withdrawn), in its
    transaction, under the document's lock where it has one.

    `kept_as`: not the document itself holds, but what was kept of it, as this document (of the
    collection `quarantine`). A file that is not here is named all the same. `named_before` False:
    the caller knows that no version of the document has named any.
    """
    found = collection.media_of(document or {})
    if found is None:
        return
    holder, id = kept_as or (collection.name, doc_id)
    names = _names(found, document or {}, collection)
    if not (names or named_before):
        return
    rows = MediaReference.objects.filter(collection=holder, doc_id=id)
    rows.filter(named=True).exclude(sha256__in=names).update(named=False)
    if not names or author is None:
        return
    lock(names)
    rows.filter(named=False, sha256__in=names).update(named=True)
    proven = {bytes(sha) for sha in rows.filter(proven=True).values_list("sha256", flat=True)}
    held = _held_by(author, names - proven) | _handed_in(author, names - proven)
    MediaReference.objects.bulk_create(
        [
            MediaReference(
                collection=holder,
                doc_id=id,
                sha256=sha,
                author=author,
                proven=sha in held,
                named=True,
                at=now,
            )
            for sha in sorted(names - proven)
        ],
        update_conflicts=True,
        unique_fields=["collection", "doc_id", "sha256", "author"],
        update_fields=["proven", "named"],
    )
    settled = names & (proven | held)
    MediaClaim.objects.filter(user=author, file__sha256__in=settled).delete()


def prove(*, file: MediaFile, people: QuerySet[User]) -> bool:
    """A tablet of these people has sent the file in full: what they have named before counts from
    now on, and what was named by those who see it through that. Whether a document of theirs names
    it that somebody may see. Under the file's lock."""
    sha256 = bytes(file.sha256)
    rows = MediaReference.objects.filter(sha256=sha256)
    rows.filter(author__in=people, proven=False).update(proven=True)
    while others := [
        author
        for author in User.objects.filter(pk__in=rows.filter(proven=False).values("author"))
        if _held_by(author, [sha256])
    ]:
        rows.filter(author__in=others).update(proven=True)
    return rows.filter(Exists(_SHOWN), author__in=people, named=True).exists()


def shown_by(sha256: bytes) -> set[tuple[str, UUID]]:
    """The documents, by collection and id, that show a file to whoever sees them."""
    rows = MediaReference.objects.filter(Exists(_SHOWN), sha256=sha256, proven=True, named=True)
    return set(rows.values_list("collection", "doc_id"))


def lock(names: Iterable[bytes]) -> None:
    """Orders those who name a file, those who send it and those who remove it, to the end of the
    transaction.

    1. A document names a file that is not here; its author is sending the file at that moment.
    2. One transaction looks for the file, the other for documents that name it.
    3. Neither sees the other's uncommitted row: the file would stay "not here yet" for ever.
    """
    keys = sorted({int.from_bytes(name[-4:], "big", signed=True) for name in names})
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(%s, key) from unnest(%s::int[]) key", [_MEDIA_LOCK, keys]
        )


def _handed_in(user: User, names: Iterable[bytes]) -> set[bytes]:
    """Those that came from a tablet on which this person once was signed in."""
    files = MediaHandIn.objects.filter(file__sha256__in=list(names), tablet__sign_ins__user=user)
    return {bytes(sha) for sha in files.values_list("file__sha256", flat=True)}


def _held_by(user: User, names: Iterable[bytes]) -> set[bytes]:
    files = MediaFile.objects.visible_to(user).filter(sha256__in=list(names))
    return {bytes(sha) for sha in files.values_list("sha256", flat=True)}


def _names(
    found: MediaNames, document: Mapping[str, Any], collection: Collection
) -> frozenset[bytes]:
    """What a document names. What was refused can have any shape, and is kept all the same."""
    try:
        named = [address(text) for text in found(document)]
    except Exception as error:  # noqa: BLE001 - a domain app's function, on a refused document
        log.error(
            "media of a document cannot be told: %s",
            type(error).__name__,
            extra={"collection": collection.name},
        )
        return frozenset()
    return frozenset(sorted({sha for sha in named if sha is not None})[:MOST_NAMED])
