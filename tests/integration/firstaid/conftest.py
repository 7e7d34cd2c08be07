"""What the tests of first aid share: a team with its kits, and something in them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from apps.accounts.models import User
from apps.assignments.models import Assignment
from apps.changes import reading
from apps.changes.models import ParkedReaction
from apps.changes.services import EVERYONE
from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.firstaid import codes, services
from apps.firstaid.models import Kit, Lot, Product, ProductKind
from apps.firstaid.services.ledger import shelf_of
from apps.sync.push import Row
from tests.factories import NOON, EnrolledTablet
from tests.integration.assignments import conftest as assignments
from tests.integration.assignments.conftest import World
from tests.pushing import pushed

world = assignments.world
committed_world = assignments.committed_world
# Pages look at the real clock: the lot is good for as long as anybody runs the tests.
LAST_DAY = date(2099, 12, 31)


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
    lot = Lot(product=spray, number="A1", expires_on=LAST_DAY)
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


_saves = itertools.count(1)


def documented(by: EnrolledTablet, now: datetime, **fields: Any) -> dict[str, Any]:
    """A new document as a tablet makes it."""
    number = next(_saves)
    return {
        "id": str(uuid7()),
        "device_time": iso(now),
        "counter": number,
        "editor": str(by.instance),
        "edit_no": number,
        **{name: str(one) if isinstance(one, UUID) else one for name, one in fields.items()},
    }


@dataclass
class Tablets:
    """What responders log on their tablets, pushed as it comes."""

    world: World

    def push(
        self,
        collection: str,
        *documents: dict[str, Any],
        by: EnrolledTablet | None = None,
        now: datetime = NOON,
        offset_ms: int | None = 0,
    ) -> list[dict[str, Any]]:
        """The push's answer: [] for "all taken as they were sent"."""
        by = by or self.world.ours.tablets[0]
        rows = [Row(document["id"], document, None) for document in documents]
        commits = self.world.commit
        return pushed(by, collection, rows, commits=commits, now=now, offset_ms=offset_ms)

    def log(
        self,
        collection: str,
        on: Assignment | UUID | None,
        *,
        by: EnrolledTablet | None = None,
        now: datetime = NOON,
        **fields: Any,
    ) -> UUID:
        """One act, which is taken as it was sent; its id."""
        by = by or self.world.ours.tablets[0]
        on = on.pk if isinstance(on, Assignment) else on
        document = documented(by, now, **({"assignment_id": on} if on else {}), **fields)
        assert self.push(collection, document, by=by, now=now) == []
        assert not ParkedReaction.objects.exists()
        return UUID(document["id"])

    def dose(self, on: Assignment | UUID | None, **fields: Any) -> UUID:
        """A spray of 4 mg in the nose, given by CARE, if nothing else is said."""
        return self.log("naloxone_doses", on, **{**SPRAY, **fields})

    def aid(self, on: Assignment | UUID | None, **fields: Any) -> UUID:
        return self.log("first_aid_logs", on, **fields)


SPRAY = {
    "drug": codes.NALOXONE,
    "dose": 4,
    "dose_unit": codes.MILLIGRAMS,
    "route": codes.INTRANASAL,
    "given_by": codes.CARE,
}


@pytest.fixture
def tablets(world: World, stock: Stock) -> Tablets:
    return Tablets(world)
