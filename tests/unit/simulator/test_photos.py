"""What was dropped is gone from the tablet: its text, and the photos that only it named."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from apps.simulator.tablet.media import Media
from apps.simulator.tablet.store import Store
from tests.unit.simulator.scripted import AT, Scripted

PHOTO = b"a picture of a wound, " * 500


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "tablet.sqlite", pushable=("pages",), append_only=())
    yield store
    store.close()


def is_here(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200)


@pytest.fixture
def media(tmp_path: Path, store: Store) -> Iterator[Media]:
    media = Media(
        "http://server",
        tmp_path / "tablet.photos",
        lambda: None,
        dice=random.Random(1),
        transport=Scripted(*[is_here] * 4),
        named=store.names,
    )
    store.dropped.append(media.tidy)
    yield media
    asyncio.run(media.close())


def page(store: Store, id: str, text: str) -> None:
    document = {"id": id, "rev": 1, "text": text}
    prev = store.checkpoint("pages")
    assert store.take("pages", [document], prev=prev, checkpoint=f"{id} is here", at=AT)


def withdrawn(store: Store, id: str) -> None:
    tombstone = {"id": id, "_deleted": True}
    prev = store.checkpoint("pages")
    assert store.take("pages", [tombstone], prev=prev, checkpoint=f"{id} has gone", at=AT)


def on_the_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


def test_no_file_holds_a_text_that_was_taken_back(store: Store, tmp_path: Path) -> None:
    page(store, "p1", "sleeps behind the library")
    assert b"behind the library" in on_the_disk(tmp_path)
    withdrawn(store, "p1")
    assert b"behind the library" not in on_the_disk(tmp_path)


def test_a_photo_goes_with_the_last_document_that_names_it(
    store: Store, media: Media, tmp_path: Path
) -> None:
    address = media.keep(PHOTO)
    page(store, "p1", address)
    page(store, "p2", address)
    assert asyncio.run(media.send(address))
    withdrawn(store, "p1")
    assert media.held() == [address]
    withdrawn(store, "p2")
    assert media.held() == []
    assert PHOTO[:40] not in on_the_disk(tmp_path)


def test_one_that_was_not_sent_is_sent_before_it_goes(store: Store, media: Media) -> None:
    address = media.keep(PHOTO)
    page(store, "p1", address)
    withdrawn(store, "p1")
    assert media.unsent() == [address]
    assert asyncio.run(media.send(address))
    assert media.held() == []


def test_one_whose_document_is_still_to_be_typed_stays(store: Store, media: Media) -> None:
    address = media.keep(PHOTO)
    page(store, "p1", "another")
    withdrawn(store, "p1")
    page(store, "p2", address)
    assert asyncio.run(media.send(address))
    assert media.held() == [address]
