"""The evening: everything comes to rest, and then this is true.

1. Every word that was owed is live, in the history, kept in a conflict, in quarantine, or on the
   screen of the tablet that nobody understands, or that is shut out.
2. Every local database holds exactly what the person on its tablet may see: nothing that was
   revoked, nothing missing. `rights` works that out by itself.
3. Document by document it is what a new local database of the same tablet is given, in the shape
   that its app knows, and what its digest says.
4. Nothing waits any more, photos neither: `photos`.
5. Of a tablet that is shut out nothing has come.
6. What has to hold in the rooms where the day was played: `World.wrong`; and out of sight:
   `traces`.
"""

from __future__ import annotations

import random
from typing import Any

from apps.changes import parking
from apps.changes.models import Member, ParkedReaction, StoredDocument
from apps.changes.reading import body_of
from apps.core import clock
from apps.simulator.radio import Radio
from apps.simulator.tablet.store import Document, Store, encoded
from apps.sync import registry
from apps.sync.models import Conflict, QuarantinedWrite, Version
from tests.oracle import traces
from tests.oracle.held import Held, app
from tests.oracle.rights import Shown
from tests.oracle.words import is_uuid
from tests.oracle.world import World

ROUNDS = 12


def come_to_rest(world: World) -> None:
    """The radio is good, and everybody pushes and pulls until nothing changes any more."""
    world.calm()
    world.quiet()
    _try_again()
    for _ in range(ROUNDS):
        heads = [held.store.seen for held in world.let_in]
        for held in world.let_in:
            world.exchange(held)
        if [held.store.seen for held in world.let_in] == heads:
            return
    raise AssertionError("it does not come to rest")


def _try_again() -> None:
    """What gave way to another transaction (two calls of two persons may wait for each other) was
    parked, and a tick tries it again: here at once. What failed otherwise stays, in sight."""
    if not ParkedReaction.objects.exclude(error="OperationalError").exists():
        parking.retry_parked(now=clock.now() + parking.LONGEST_RETRY)


def judge(world: World) -> None:
    """Fails with everything that is wrong, once everything has come to rest."""
    wrong = lost(world)
    documents = world.documents()
    for held in world.held:
        if world.is_shut(held):
            world.is_turned_away(held)
        else:
            wrong += compared(world, held, documents)
    wrong += world.wrong() + traces.wrong(world)
    assert not wrong, "\n".join(wrong)


def lost(world: World) -> list[str]:
    """The words that are nowhere, and those that are where they must not be."""
    here, typed = on_the_server(world), world.typed
    kept = here | out_of_reach(world)
    return [
        *(f"lost: {what}" for word, what in sorted(typed.owed.items()) if word not in kept),
        *(f"taken from a tablet that is shut out: {word}" for word in sorted(here & typed.barred)),
    ]


def on_the_server(world: World) -> set[str]:
    """Every word that stands in a document that somebody may see, in the history, in a conflict or
    in quarantine."""
    ids = [id for id in world.typed.ids if is_uuid(id)]
    kept: list[Any] = []
    live = set(Member.objects.filter(doc_id__in=ids).values_list("collection", "doc_id"))
    kept += [
        body_of(row.collection, row.doc_id, row.body)
        for row in StoredDocument.objects.filter(
            collection__in=world.rooms.pushable, doc_id__in=ids
        )
        if (row.collection, row.doc_id) in live
    ]
    for version in Version.objects.filter(doc_id__in=ids):
        kept += [version.content, version.result]
    for conflict in Conflict.objects.filter(doc_id__in=ids):
        kept += [conflict.kept, conflict.won]
    for write in QuarantinedWrite.objects.filter(tablet__in=world.rights.hands):
        kept += [write.content, write.base]
    words = world.typed.words
    return words.found_in([part.decode() if isinstance(part, bytes) else part for part in kept])


def in_hand(world: World) -> set[str]:
    """Every word that the tablets hand over to another history: what is theirs to send."""
    found: set[str] = set()
    for held in world.let_in:
        mine = str(held.store.instance)
        texts = held.texts(world.rooms.merged)
        texts += [text for text in held.texts(world.rooms.append_only) if mine in text]
        found |= world.typed.words.found_in(texts)
    return found


def out_of_reach(world: World) -> set[str]:
    """What lies on a tablet because no request with it is understood, or because it is shut out:
    in sight, there."""
    found: list[str] = []
    for held in world.held:
        if world.is_shut(held):
            found += held.texts(world.rooms.pushable)
        else:
            found += [str(held.store.get(*key)) for key in held.unsettled("aside")]
    return world.typed.words.found_in(found)


def compared(world: World, held: Held, documents: list[Shown]) -> list[str]:
    """What a local database has too much, too little or otherwise."""
    wrong = world.amiss(held, documents)
    if held.store.unsent(1):
        wrong.append(f"{held.name} has something unsent")
    fresh = fresh_store(world, held)
    aside = {id for _, id in held.unsettled("aside")}
    for collection in world.rooms.collections:
        has = {document["id"]: document for document in held.store.documents(collection)}
        given = {document["id"]: document for document in fresh.documents(collection)}
        wrong += [
            f"{held.name} has another {collection} {id}:\n  {has[id]}\n  {given[id]}"
            for id in sorted((has.keys() & given.keys()) - aside)
            if not _same(has[id], given[id])
        ]
        wrong += [
            f"{held.name} is given what its app does not know: {collection} {id}: {sorted(strange)}"
            for id, one in given.items()
            if (strange := one.keys() & _newer(held, collection, one))
        ]
    if world.rights.hands[held.of.tablet.pk] and not held.store.outbox().refused:
        wrong += [
            f"{held.name}: the digest of {collection} differs"
            for collection in world.rooms.collections
            if world.run(held.client.replication.check(collection)) is False
        ]
    fresh.close()
    return wrong


def fresh_store(world: World, held: Held) -> Store:
    """What a new local database of the same tablet is given."""
    client = app(world.rooms, held.url, ":memory:", Radio(random.Random(1)), schema=held.schema)
    client.store.enrolled(held.of.token)
    world.run(client.catch_up(telling=False))
    world.run(client.wire.close())
    return client.store


def _newer(held: Held, collection: str, document: Document) -> set[str]:
    """The fields of a document that came after the schemas that its app was built for."""
    registered = registry.get(collection)
    assert registered is not None
    known, today = (registered.shape(document, n) or {} for n in (held.schema, held.rooms.today))
    return today.get("properties", {}).keys() - known.get("properties", {}).keys()


# Whose save it was is no content: one that says what holds already is taken, and changes nothing.
_STAMP = ("editor", "edit_no", "author_id")


def _same(one: Document, other: Document) -> bool:
    """A refused edit of a document stands in its place on the tablet where it was typed; the new
    one has the document, and the text in the collection `quarantine`. What was refused stays whole
    where it was typed; to the new one it is shown without what no schema knows."""
    if one.get("sync_status") == "quarantined":
        if other.get("sync_status") is None:
            return True
        one = {name: value for name, value in one.items() if name in other}
    return _content(one) == _content(other)


def _content(document: Document) -> bytes:
    return encoded({name: value for name, value in document.items() if name not in _STAMP})
