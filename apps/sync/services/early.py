"""What comes before what it is of: noted while it waits, whatever room it belongs to.

Tablets push their collections independently, so a dose may overtake its call, and an answer its
referral. Each room says what becomes of such a document: most take it and attach it later; some
refuse it until then, and it lies in quarantine. Here stands that it waits, and for what, in the
transaction that took or kept it. `linking` takes it off the list once that is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.sync import registry
from apps.sync.earlydocuments import REFUSED, EarlyDocument
from apps.sync.models import QuarantinedWrite
from apps.sync.parents import Named, lacking, named_in
from apps.sync.registry import Collection, Contact, Pushed


@dataclass(frozen=True, slots=True)
class Came:
    """A document as it holds once a row was taken (None: it was withdrawn), and who sent it."""

    doc_id: UUID
    document: Mapping[str, Any] | None
    contact: Contact


def came(pushed: Pushed, answer: Mapping[str, Any] | None, contact: Contact) -> list[Came]:
    """What holds by a row that was taken with this answer (None: as it was sent). Nothing where
    its sender does not see what holds: it was a repeat."""
    if answer is None:
        return [Came(pushed.doc_id, None if pushed.deleted else pushed.document, contact)]
    return [] if answer.get("_deleted") else [Came(pushed.doc_id, answer, contact)]


def note(*, collection: Collection, documents: Sequence[Came], now: datetime) -> None:
    """Keeps up which of these documents wait. Part of the caller's transaction.

    A parent that commits at the same moment is not seen: its child stands here for as long as a
    tick takes (`linking`).
    """
    told = {one.doc_id: one.document or {} for one in documents}
    named = {id: named_in(one, collection.parents_of(one)) for id, one in told.items()}
    missing = lacking(set[Named]().union(*named.values()))
    if collection.kind == "merged" and collection.parents:  # a fact says once what it is of
        _forget_others({doc_id: of & missing for doc_id, of in named.items()}, collection.name)
    _enter(
        row
        for one in documents
        for row in _rows(
            named[one.doc_id] & missing,
            collection=collection.name,
            what=_what(collection, told[one.doc_id]),
            doc_id=one.doc_id,
            tablet=one.contact.session.tablet,
            author=one.contact.session.user,
            since=now,
        )
    )


def note_refused(*, write: QuarantinedWrite, now: datetime) -> None:
    """Notes for what a refused row waits: what it needs and is not here, where it was refused for
    that. Part of the caller's transaction."""
    collection = registry.get(write.collection)
    if collection is None:
        return
    at = {error["pointer"] for error in write.errors}
    needs = collection.needs_of(write.content).items()
    needed = {field: parent for field, parent in needs if f"/{field}" in at}
    missing = lacking(named_in(write.content, needed))
    _forget_others({write.pk: missing}, REFUSED)
    _enter(
        _rows(
            missing,
            collection=REFUSED,
            what=_what(collection, write.content),
            doc_id=write.pk,
            tablet=write.tablet,
            author=write.author,
            since=now,
        )
    )


def forget_refused(*, write: QuarantinedWrite) -> None:
    """A refused row is settled, and waits for nothing any more."""
    EarlyDocument.objects.filter(collection=REFUSED, doc_id=write.pk).delete()


def _forget_others(waits: Mapping[UUID, Iterable[Named]], collection: str) -> None:
    """Takes off what these documents waited for and wait for no more."""
    rows = EarlyDocument.objects.filter(collection=collection, doc_id__in=list(waits))
    stale = [
        pk
        for pk, doc_id, parent, parent_id in rows.values_list("pk", "doc_id", "parent", "parent_id")
        if (parent, parent_id) not in waits[doc_id]
    ]
    if stale:
        EarlyDocument.objects.filter(pk__in=stale).delete()


def _what(collection: Collection, document: Mapping[str, Any]) -> str:
    """What a document is, in one word: its collection, of a fact its kind."""
    kind = str(document.get("kind"))
    is_fact = collection.name == "facts" and kind in registry.fact_kinds()
    return kind if is_fact else collection.name


def _rows(parents: Iterable[Named], **told: Any) -> Iterator[EarlyDocument]:
    """A document that waits for these."""
    for name, id in sorted(parents):
        yield EarlyDocument(parent=name, parent_id=id, **told)


def _enter(rows: Iterable[EarlyDocument]) -> None:
    """What stands on the list already stays as it came first."""
    EarlyDocument.objects.bulk_create(list(rows), ignore_conflicts=True)
