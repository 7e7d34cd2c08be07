"""History and conflicts of documents that people change together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.accounts.models import LocalDatabase, Tablet, User
from apps.accounts.services import user_actor
from apps.audit.services import Actor, record
from apps.changes import scopes
from apps.changes.services import Document, publish
from apps.core.fields import encrypted_field
from apps.core.ids import uuid7
from apps.core.problems import CONFLICT, FORBIDDEN, INVALID, ProblemError
from apps.sync import documents, recovery, registry
from apps.sync.canonical import covers, fingerprint, same
from apps.sync.judging import Fate
from apps.sync.media import naming
from apps.sync.models import Choice, Conflict, ConflictQuerySet, Version
from apps.sync.policies import put_back
from apps.sync.registry import Collection, Contact, Edit, Pushed, Refused


@dataclass(frozen=True, slots=True)
class Save:
    """A `Version` to be. `result`: the document where it is not what was sent."""

    id: UUID
    collection: str
    doc_id: UUID
    rev: int
    fate: str
    editor: UUID | None
    edit_no: int | None
    fingerprint: bytes
    instance: UUID | None
    tablet: Tablet | None
    author: User | None
    at: datetime
    content: Mapping[str, Any]
    result: Mapping[str, Any] | None = None


# In binary (%b): as text, each byte is spelled out on this side and read on that.
_WRITE = """
insert into sync_version (id, collection, doc_id, rev, fate, editor, edit_no, fingerprint,
  instance, tablet_id, author_id, at, content, result)
select id, %s, doc_id, rev, fate, editor, edit_no, fingerprint, instance, tablet, author, %s,
  content, result
from unnest(%b::uuid[], %b::uuid[], %b::bigint[], %b::text[], %b::uuid[], %b::bigint[],
  %b::bytea[], %b::uuid[], %b::uuid[], %b::uuid[], %b::bytea[], %b::bytea[])
  as v (id, doc_id, rev, fate, editor, edit_no, fingerprint, instance, tablet, author, content,
    result)
"""
_CONTENT, _RESULT = (encrypted_field(Version, name) for name in ("content", "result"))


def write(saves: Sequence[Save]) -> None:
    """Writes saves of one collection, made at one time, into history and ledger, in one statement:
    as model instances they take ten times as long. IntegrityError where one is there already."""
    if not saves:
        return
    [(collection, at)] = {(save.collection, save.at) for save in saves}
    rows = [
        (
            save.id,
            save.doc_id,
            save.rev,
            save.fate,
            save.editor,
            save.edit_no,
            save.fingerprint,
            save.instance,
            save.tablet.pk if save.tablet else None,
            save.author.pk if save.author else None,
            _CONTENT.seal_as(save.content, save.id),
            None if save.result is None else _RESULT.seal_as(save.result, save.id),
        )
        for save in saves
    ]
    with connection.cursor() as cursor:
        columns = [list(column) for column in zip(*rows, strict=True)]
        cursor.execute(_WRITE, [collection, at, *columns])


def saved(
    *,
    pushed: Pushed,
    contact: Contact,
    fate: str,
    rev: int,
    result: Mapping[str, Any] | None,
    now: datetime,
) -> Save:
    """A pushed save as it goes into history and ledger, not written yet."""
    return Save(
        id=uuid7(),
        collection=pushed.collection,
        doc_id=pushed.doc_id,
        rev=rev,
        fate=fate,
        editor=pushed.editor,
        edit_no=pushed.edit_no,
        fingerprint=pushed.fingerprint,
        instance=contact.instance,
        tablet=contact.session.tablet,
        author=contact.session.user,
        at=now,
        content=pushed.content,
        result=result,
    )


def writer_of(pushed: Pushed, contact: Contact) -> User | None:
    """Whose a save is: its author's. A tablet that comes back from another history also hands over
    what others had saved, and does not speak for them: that is of whoever saved the document last
    from the same local database, as far as the history knows."""
    user, editor = contact.session.user, pushed.editor
    if editor is None or editor == contact.instance:
        return user
    own = LocalDatabase.objects.filter(pk=editor, tablet=contact.session.tablet)
    if not recovery.coming_back([contact.instance]) or own.exists():
        return user
    last = _of(pushed.collection, pushed.doc_id).filter(editor=editor).order_by("-edit_no").first()
    return last.author if last else None


def last_unnumbered(*, pushed: Pushed, instance: UUID) -> Version | None:
    """The last save of a document from a local database that does not number its saves."""
    rows = Version.objects.filter(collection=pushed.collection, doc_id=pushed.doc_id)
    rows = rows.filter(instance=instance, edit_no=None)
    return rows.defer("content", "result").order_by("-rev", "-pk").first()


def writers_of(
    *, collection: str, doc_id: UUID, rev: int, values: Mapping[str, Any]
) -> list[tuple[Version | None, dict[str, Any]]]:
    """Who wrote these values of a document as it stood at `rev`: each version that brought some of
    them, with those. None: nobody knows."""
    history = list(_of(collection, doc_id).filter(rev__lte=rev).order_by("-rev", "-pk"))
    found: dict[UUID | None, tuple[Version | None, dict[str, Any]]] = {}
    for name, value in values.items():
        brought: Version | None = None
        for version in history:
            held = version.result or version.content
            if name not in held:
                continue  # it said nothing of this field, which stayed as it was
            if not same(held[name], value):
                break
            brought = version
        whose = brought.author_id if brought else None
        found.setdefault(whose, (brought, {}))[1][name] = value
    return list(found.values())


def _of(collection: str, doc_id: UUID) -> QuerySet[Version]:
    """The versions that a document has had."""
    rows = Version.objects.filter(collection=collection, doc_id=doc_id)
    return rows.exclude(fate=Fate.KEPT).select_related("author", "tablet")


def open_conflict(
    *,
    save: Save,
    author: User | None,
    tablet: Tablet | None,
    won: Mapping[str, Any],
    kept: Mapping[str, Any],
    now: datetime,
) -> Conflict:
    """Keeps what was lost from a document when `save` came, in sight of its `author`, who wrote
    what is kept, and of the supervisors of the `tablet` that it came from."""
    row = Conflict.objects.create(
        collection=save.collection,
        doc_id=save.doc_id,
        version=save.id,
        author=author,
        tablet=tablet or save.tablet,
        at=now,
        fields=sorted(kept),
        won=dict(won),
        kept=dict(kept),
    )
    publish(documents=[_document(row)], now=now)
    if (collection := registry.get(row.collection)) is not None and row.author is not None:
        naming.note(
            collection=collection,
            doc_id=row.doc_id,
            document=kept,
            author=row.author,
            now=now,
            kept_as=(ConflictQuerySet.COLLECTION, row.pk),
        )
    return row


@transaction.atomic
def settle_conflict(
    *, conflict: Conflict, choice: str, by: User, actor: Actor | None = None, now: datetime
) -> Conflict:
    """Ends a conflict: what stands in the document stays, or what was kept is put back.

    Repeating it changes nothing. ProblemError: FORBIDDEN for who may not see the document (any
    more), CONFLICT where it was settled the other way, INVALID with the reasons where what was kept
    may not stand in the document.
    """
    _lock(conflict.collection, conflict.doc_id, conflict.kept)
    row = Conflict.objects.select_for_update(no_key=True, of=("self",)).get(pk=conflict.pk)
    if row.settled_at is not None:
        if row.choice != choice:
            raise ProblemError(CONFLICT, "Somebody has settled it the other way.")
        return row
    actor = actor or user_actor(by)
    if choice == Choice.KEPT:
        _put(row.collection, row.doc_id, row.kept, by=by, actor=actor, now=now)
    row.settled_by, row.settled_at, row.choice = by, now, choice
    row.save(update_fields=["settled_by", "settled_at", "choice"])
    publish(documents=[_document(row)], now=now)
    _audit(actor, f"settle-{choice}", "conflict", row.pk, now)
    return row


@transaction.atomic
def restore(
    *, version: Version, by: User, actor: Actor | None = None, now: datetime
) -> dict[str, Any]:
    """Puts a version of the history back as the document. What stands there now goes into the
    history itself, as every version has. The document as it is published. ProblemError as of
    `settle_conflict`."""
    values = version.result or version.content
    _lock(version.collection, version.doc_id, values)
    actor = actor or user_actor(by)
    body = _put(version.collection, version.doc_id, values, by=by, actor=actor, now=now)
    _audit(actor, "restore", "version", version.pk, now)
    return body


def _lock(name: str, doc_id: UUID, values: Mapping[str, Any]) -> None:
    """What a push of the document with these values would lock."""
    collection = _collection(name)
    body = documents.read(collection, doc_id).body or {}
    collection.lock([Pushed(name, {**body, **values}, None, doc_id, None, None)])
    documents.lock(name, [doc_id])


def _put(
    name: str, doc_id: UUID, values: Mapping[str, Any], *, by: User, actor: Actor, now: datetime
) -> dict[str, Any]:
    """Writes values into a document, as an edit of the server's own. Under its lock."""
    collection = _collection(name)
    if not documents.may_see(by, collection=name, doc_id=doc_id):
        raise ProblemError(FORBIDDEN, "You do not see this document (any more).")
    stand = documents.read(collection, doc_id)
    if stand.present is None or stand.body is None:
        raise ProblemError(CONFLICT, "The document cannot be read.")
    assert collection.merging is not None
    present = dict(stand.present.content)
    values = put_back(values, present, collection.merging.policies)
    if covers(present, values):
        return dict(stand.body)
    edit = Edit(
        collection=name,
        doc_id=doc_id,
        document={**present, **values},
        before=present,
        editor=documents.SERVER_EDITOR,
        edit_no=None,
        author=by,
        actor=actor,
        now=now,
    )
    try:
        body = collection.merging.write(edit)
    except Refused as refused:
        raise ProblemError(INVALID, errors=refused.errors) from None
    naming.note(collection=collection, doc_id=doc_id, document=body, author=by, now=now)
    documents.must_have_led_to(name, {doc_id: stand.rev + 1})
    restored = Save(
        id=uuid7(),
        collection=name,
        doc_id=doc_id,
        rev=stand.rev + 1,
        fate="restored",
        editor=None,
        edit_no=None,
        fingerprint=fingerprint(edit.document),
        instance=None,
        tablet=None,
        author=by,
        at=now,
        content=edit.document,
    )
    write([restored])
    return body


def _collection(name: str) -> Collection:
    collection = registry.get(name)
    if collection is None or collection.merging is None:
        raise ProblemError(CONFLICT, "Documents of this collection are not changed.")
    return collection


def _document(row: Conflict) -> Document:
    seen_by = set()
    if row.author_id is not None:
        seen_by.add(scopes.responder(row.author_id))
    if row.tablet is not None:
        seen_by.add(scopes.team(row.tablet.team_id))
    body = {
        "id": str(row.pk),
        "kind": "conflict",
        "doc_collection": row.collection,
        "doc_id": str(row.doc_id),
        "at": row.at,
        "author": row.author.display_name if row.author else None,
        "status": row.choice or "open",
        "settled_by": row.settled_by.display_name if row.settled_by else None,
        "fields": row.fields,
        "won": row.won,
        "kept": row.kept,
    }
    return Document(ConflictQuerySet.COLLECTION, row.pk, frozenset(seen_by), body)


def _audit(actor: Actor, action: str, subject_type: str, subject: UUID, now: datetime) -> None:
    record(actor=actor, action=action, subject_type=subject_type, subject_ids=[subject], now=now)
