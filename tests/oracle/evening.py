"""The evening: everything comes to rest, and then four things are true.

1. Every word that was owed is live, in the history, kept in a conflict, in quarantine, or on the
   screen of the tablet that nobody understands.
2. Every local database holds exactly what the person on its tablet may see: nothing that was
   revoked, nothing missing.
3. Document by document it is what a new local database of the same tablet is given, and what its
   digest says.
4. Nothing waits any more.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.accounts.auth import session_of
from apps.accounts.models import Tablet
from apps.changes.models import Grant, Member, StoredDocument
from apps.changes.reading import body_of
from apps.changes.services import EVERYONE
from apps.simulator.radio import Radio
from apps.simulator.tablet import tablet as reference
from apps.simulator.tablet.store import Store, encoded
from apps.sync.models import Conflict, QuarantinedWrite, Version
from tests.oracle.world import COLLECTIONS, PUSHABLE, Held, World

ROUNDS = 12


def come_to_rest(world: World) -> None:
    """The radio is good, and everybody pushes and pulls until nothing changes any more."""
    world.calm()
    for _ in range(ROUNDS):
        heads = [held.client.store.seen for held in world.held]
        for held in world.held:
            world.push_all(held)
            assert world.pull(held), f"stuck: {world.said}"
        if [held.client.store.seen for held in world.held] == heads:
            return
    raise AssertionError("it does not come to rest")


def judge(world: World) -> None:
    """Fails with everything that is wrong."""
    come_to_rest(world)
    wrong = lost(world)
    for held in world.held:
        wrong += compared(world, held)
    assert not wrong, "\n".join(wrong)


def lost(world: World) -> list[str]:
    """The words that are nowhere."""
    kept = on_the_server(world)
    for held in world.held:
        kept |= set_aside(world, held.client.store)
    return [f"lost: {what}" for word, what in sorted(world.owed.items()) if word not in kept]


def on_the_server(world: World) -> set[str]:
    """Every word that stands in a document that somebody may see, in the history, in a conflict or
    in quarantine."""
    ids = [id for id in world.ids if is_uuid(id)]
    kept: list[Any] = []
    live = set(Member.objects.filter(doc_id__in=ids).values_list("collection", "doc_id"))
    kept += [
        body_of(row.collection, row.doc_id, row.body)
        for row in StoredDocument.objects.filter(collection__in=PUSHABLE, doc_id__in=ids)
        if (row.collection, row.doc_id) in live
    ]
    for version in Version.objects.filter(doc_id__in=ids):
        kept += [version.content, version.result]
    for conflict in Conflict.objects.filter(doc_id__in=ids):
        kept += [conflict.kept, conflict.won]
    tablets = [of.tablet.pk for of in world.tablets]
    for write in QuarantinedWrite.objects.filter(tablet__in=tablets):
        kept += [write.content, write.base]
    return world.words_in([part.decode() if isinstance(part, bytes) else part for part in kept])


def in_hand(world: World) -> set[str]:
    """Every word that the tablets hand over to another history: what is theirs to send."""
    found: set[str] = set()
    for held in world.held:
        store = held.client.store
        rows = store._db.execute(
            "select collection, body from document "
            "where collection in ('pages', 'marks', 'facts') and not deleted"
        )
        for collection, body in rows:
            if collection == "pages" or str(store.instance) in body.decode():
                found |= world.words_in(body.decode())
    return found


def set_aside(world: World, store: Store) -> set[str]:
    """What lies on a tablet because no request with it is understood, in sight."""
    rows = store._db.execute(
        "select d.body from outbox o join document d using (collection, id) where state = 'aside'"
    )
    return world.words_in([body.decode() for (body,) in rows])


def compared(world: World, held: Held) -> list[str]:
    """What a local database has too much, too little or otherwise."""
    wrong = []
    store = held.client.store
    if store.unsent(1):
        wrong.append(f"{held.name} has something unsent")
    user = session_of(Tablet.objects.get(pk=held.of.tablet.pk)).user
    principals = [user.pk, EVERYONE] if user else []
    scopes = set(Grant.objects.filter(principal__in=principals).values_list("scope", flat=True))
    fresh = fresh_store(world, held)
    for collection in COLLECTIONS:
        may = set(
            Member.objects.filter(scope__in=scopes, collection=collection).values_list(
                "doc_id", flat=True
            )
        ) & set(
            StoredDocument.objects.filter(collection=collection).values_list("doc_id", flat=True)
        )
        aside = {
            id
            for (id,) in store._db.execute(
                "select id from outbox where collection = ? and state = 'aside'", [collection]
            )
        }
        has = {document["id"]: document for document in store.documents(collection)}
        given = {document["id"]: document for document in fresh.documents(collection)}
        # What was refused for its id stays: no tombstone can name it. No client makes such ids.
        too_many = sorted(filter(is_uuid, has.keys() - {str(id) for id in may} - aside))
        wrong += [f"{held.name} still has {collection} {id}" for id in too_many]
        missing = sorted({str(id) for id in may} - has.keys())
        wrong += [f"{held.name} lacks {collection} {id}" for id in missing]
        wrong += [
            f"{held.name} has another {collection} {id}:\n  {has[id]}\n  {given[id]}"
            for id in sorted((has.keys() & given.keys()) - aside)
            if not _same(has[id], given[id])
        ]
    if user is not None and not store.outbox().refused:
        wrong += [
            f"{held.name}: the digest of {collection} differs"
            for collection in COLLECTIONS
            if world.run(held.client.replication.check(collection)) is False
        ]
    fresh.close()
    return wrong


def fresh_store(world: World, held: Held) -> Store:
    """What a new local database of the same tablet is given."""
    client = reference.Tablet(
        label="new",
        base_url=world.urls[0],
        path=":memory:",
        link=Radio(world.dice),
        dice=world.dice,
        collections=COLLECTIONS,
        pushable=PUSHABLE,
        schema=held.client.wire.schema,
    )
    client.store.enrolled(held.of.token)
    world.run(client.catch_up(telling=False))
    world.run(client.wire.close())
    return client.store


# Whose save it was is no content: one that says what holds already is taken, and changes nothing.
_STAMP = ("editor", "edit_no", "author_id")


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """A refused edit of a document stands in its place on the tablet where it was typed; the new
    one has the document, and the text in the collection `quarantine`. What was refused stays whole
    where it was typed; to the new one it is shown without what no schema knows."""
    if one.get("sync_status") == "quarantined":
        if other.get("sync_status") is None:
            return True
        one = {name: value for name, value in one.items() if name in other}
    return _content(one) == _content(other)


def _content(document: dict[str, Any]) -> bytes:
    return encoded({name: value for name, value in document.items() if name not in _STAMP})


def is_uuid(id: str) -> bool:
    try:
        return str(UUID(id)) == id
    except ValueError:
        return False


__all__ = ["come_to_rest", "judge", "lost"]
