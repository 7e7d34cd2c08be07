"""What the demo begins with: bags that are filled once, however often it is started."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from apps.accounts.models import Team
from apps.dispatch.models import Unit
from apps.firstaid.models import Kit, Product, StockMovement
from apps.firstaid.services.ledger import kit_documents, product_documents
from apps.simulator import bag, seed
from apps.simulator import team as cast
from apps.simulator.bag import NALOXONE, NALOXONE_KIT, Bag
from apps.simulator.tablet.store import Document
from tests.factories import NOON, team

pytestmark = pytest.mark.django_db


@pytest.fixture
def on_shift() -> Team:
    of = team()
    seed.people(of, "password", NOON)
    seed.crews(of, NOON)
    return of


def reference() -> Iterator[Document]:
    """What tablets are shown of it."""
    told = [
        *kit_documents(list(Kit.objects.all()), now=NOON),
        *product_documents(list(Product.objects.all()), now=NOON),
    ]
    yield from (dict(one.body or {}) for one in told)
    for unit in Unit.objects.filter(call_sign__in=cast.CREWS):
        yield {"id": str(unit.pk), "kind": "unit", "call_sign": unit.call_sign}


def assert_filled() -> None:
    documents = list(reference())
    for call_sign in cast.CREWS:
        of_unit = Bag(documents, call_sign)
        for kind in (NALOXONE, NALOXONE_KIT):
            [stocked] = [one for one in bag.STOCK if one.kind == kind and one.bag]
            piece = of_unit.piece(kind)
            assert piece is not None
            assert piece.there == stocked.bag
        assert list(of_unit.to_fetch()) == []


def test_every_bag_is_filled_once_and_the_store_warns_of_what_expires(on_shift: Team) -> None:
    seed.stock(on_shift, NOON)
    assert_filled()
    movements = StockMovement.objects.count()
    seed.stock(on_shift, NOON + timedelta(days=1))
    assert StockMovement.objects.count() == movements
    [store] = [one for one in reference() if one.get("label") == bag.STORE]
    assert [one["kind"] for one in store["warnings"]] == ["expiring"]


def test_a_start_that_was_stopped_halfway_is_made_up_for(
    on_shift: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue, times = seed.issue, count(1)

    def stopped(**given: Any) -> None:
        if next(times) == 3:
            raise KeyboardInterrupt
        issue(**given)

    monkeypatch.setattr(seed, "issue", stopped)
    with pytest.raises(KeyboardInterrupt):
        seed.stock(on_shift, NOON)
    monkeypatch.undo()
    seed.stock(on_shift, NOON)
    assert_filled()
