"""What no screen shows, and must be so in the evening all the same.

1. No text says a word twice: each was typed once, and an edit takes effect once.
2. What a local database was told to drop, it is known to have dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from apps.changes.models import Item, StoredDocument
from apps.changes.reading import body_of
from apps.sync import registry
from tests.oracle.held import Held
from tests.oracle.world import World


def wrong(world: World) -> list[str]:
    """What is not so, one line each."""
    return [
        *_said_twice(world),
        *(line for held in world.let_in for line in _not_dropped(world, held)),
    ]


def _said_twice(world: World) -> Iterator[str]:
    rows = StoredDocument.objects.filter(
        collection__in=world.rooms.merged, doc_id__in=world.typed.uuids
    )
    for row in rows:
        body = orjson.loads(body_of(row.collection, row.doc_id, row.body) or b"{}")
        for text in _texts(body):
            for word, times in Counter(world.typed.words.all_in(text)).items():
                if times > 1:
                    yield f"{row.collection} {row.doc_id} says {word} {times} times: {text}"


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict() | list():
            for one in value.values() if isinstance(value, dict) else value:
                yield from _texts(one)


def _not_dropped(world: World, held: Held) -> Iterator[str]:
    if held.of.tablet not in {world.lost, world.shut}:
        world.run(held.client.replication.tell())
    has = [one.name for one in registry.all_for("tablet")]  # what desks alone have, it never had
    left = Item.objects.filter(holder=held.store.instance, visible=False, collection__in=has)
    for collection, id in left.values_list("collection", "doc_id"):
        yield f"nobody knows that {held.name} has dropped {collection} {id}"
