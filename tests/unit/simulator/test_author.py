"""A tablet says who typed what: by the time it arrives, somebody else may be signed in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from apps.simulator.tablet.store import Store

AT = datetime(2026, 7, 1, 19, 30, tzinfo=UTC)
ORTEGA, CHEN = "01931f6e-0000-7c3a-9a51-0d7a8f4b2c11", "01931f6e-0000-7c3a-9a51-0d7a8f4b2c12"


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store(":memory:", pushable=("pages",))
    yield store
    store.close()


def sent(store: Store) -> dict[str, str | None]:
    return {edit.id: edit.document.get("author_id") for edit in store.unsent(50)}


def test_an_unsent_edit_stays_its_authors_when_another_signs_in(store: Store) -> None:
    store.signed_in(ORTEGA)
    store.save("pages", {"id": "p1", "text": "x"}, at=AT)
    store.signed_in(CHEN)
    store.save("pages", {"id": "p2", "text": "y"}, at=AT)
    assert sent(store) == {"p1": ORTEGA, "p2": CHEN}


def test_whoever_types_on_is_the_author_of_the_whole_save(store: Store) -> None:
    store.signed_in(ORTEGA)
    page = store.save("pages", {"id": "p1", "text": "x"}, at=AT)
    store.signed_in(CHEN)
    store.save("pages", {**page, "text": "x y"}, at=AT)
    assert sent(store) == {"p1": CHEN}


def test_a_deletion_has_an_author_too(store: Store) -> None:
    store.save("pages", {"id": "p1", "author_id": CHEN}, at=AT)
    assert sent(store) == {"p1": None}, "nobody has signed in here: it speaks for nobody"
    store.settle(store.unsent(50), {}, at=AT)
    store.signed_in(ORTEGA)
    store.delete("pages", "p1", at=AT)
    assert sent(store) == {"p1": ORTEGA}
