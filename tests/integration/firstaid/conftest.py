"""What the tests of first aid share: a team with its kits, and something in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from apps.accounts.models import User
from apps.changes import reading
from apps.changes.services import EVERYONE
from apps.firstaid import codes, services
from apps.firstaid.models import Kit, Lot, Product, ProductKind
from apps.firstaid.services.ledger import shelf_of
from tests.factories import NOON
from tests.integration.assignments import conftest as assignments
from tests.integration.assignments.conftest import World

world = assignments.world
committed_world = assignments.committed_world


@dataclass
class Stock:
    """A store, our unit's kit with two nasal sprays of 4 mg in it, their product and lot."""

    by: User
    store: Kit
    kit: Kit
    spray: Product
    lot: Lot

    def there(self, kit: Kit | None = None) -> dict[UUID | None, int]:
        """What lies in a kit (our unit's) of the spray, by lot."""
        kit = kit or self.kit
        levels = shelf_of([kit.pk]).levels
        return {place.lot_id: n for place, n in levels.items() if place.product_id == self.spray.pk}


def stocked(world: World) -> Stock:
    by = world.supervisor
    spray = Product(
        kind=ProductKind.NALOXONE,
        name="Naloxone nasal spray",
        strength="4 mg/0.1 mL",
        drug=codes.NALOXONE,
        dose=Decimal(4),
        dose_unit=codes.MILLIGRAMS,
        route=codes.INTRANASAL,
    )
    services.save_product(product=spray, by=by, now=NOON)
    lot = Lot(product=spray, number="A1", expires_on=date(2027, 3, 31))
    services.save_lot(lot=lot, by=by, now=NOON)
    store, kit = Kit(label="Store", team=world.team), Kit(label="Bag 21", team=world.team)
    kit.unit = world.ours.unit
    for one in (store, kit):
        services.save_kit(kit=one, by=by, now=NOON)
    services.receive(kit=store, lot=lot, quantity=10, by=by, now=NOON)
    services.issue(from_kit=store, to_kit=kit, lot=lot, quantity=2, by=by, now=NOON)
    world.commit()
    return Stock(by, store, kit, spray, lot)


@pytest.fixture
def stock(world: World) -> Stock:
    return stocked(world)


def reference(kind: str) -> dict[str, dict[str, Any]]:
    """The documents of one kind that every tablet holds, by id."""
    with reading.snapshot():
        rows = reading.page(
            holder=EVERYONE, collection="reference", seq=0, doc_id=UUID(int=0), limit=1000
        )
    bodies = [row.body() for row in rows if row.visible]
    return {body["id"]: body for body in bodies if body["kind"] == kind}
