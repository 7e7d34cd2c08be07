"""A kit that was left behind leaves the stock once, whether the log's answer tells of it, a
movement of its own, or both, in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from apps.assignments.models import Assignment
from apps.firstaid import services
from apps.firstaid.models import (
    ActSource,
    Kit,
    Lot,
    MovementKind,
    OverdoseAnswer,
    Product,
    ProductKind,
    StockMovement,
)
from apps.firstaid.services.ledger import shelf_of
from apps.people.ids import encounter_id
from tests.factories import NOON, EnrolledTablet
from tests.integration.assignments.conftest import World, after, shown
from tests.integration.firstaid.conftest import LAST_DAY, Stock, Tablets, documented, reference

pytestmark = pytest.mark.django_db


@pytest.fixture
def lot(world: World, stock: Stock) -> Lot:
    """Our unit's bag has three kits to leave behind."""
    product = Product(kind=ProductKind.NALOXONE_KIT, name="Naloxone kit")
    services.save_product(product=product, by=stock.by, now=NOON)
    lot = Lot(product=product, number="K1", expires_on=LAST_DAY)
    services.save_lot(lot=lot, by=stock.by, now=NOON)
    services.receive(kit=stock.kit, lot=lot, quantity=3, by=stock.by, now=NOON)
    world.commit()
    return lot


def there(stock: Stock, lot: Lot) -> int:
    """How many kits to leave behind lie in our unit's bag."""
    levels = shelf_of([stock.kit.pk]).levels
    return sum(n for place, n in levels.items() if place.product_id == lot.product_id)


def answered(tablets: Tablets, on: Assignment | None, said: str = "left", **more: Any) -> UUID:
    told = {"kind": "overdose_answer", "question": "kit_left", "answer": said}
    return tablets.log("facts", on, **told, **more)


def moved(tablets: Tablets, on: Assignment | None, lot: Lot, **more: Any) -> StockMovement:
    told = {"kind": "stock_movement", "movement": "left_behind", "lot_id": lot.pk}
    return StockMovement.objects.get(pk=tablets.log("facts", on, **told, **more))


def second(world: World) -> EnrolledTablet:
    return world.ours.tablets[1]


class TestAnAnswer:
    def test_takes_a_kit_out_of_the_units_bag(
        self, world: World, stock: Stock, tablets: Tablets, lot: Lot
    ) -> None:
        pk = answered(tablets, world.given())

        assert there(stock, lot) == 2
        row = StockMovement.objects.get(kind=MovementKind.LEFT_BEHIND)
        assert (row.from_kit_id, row.product_id, row.lot_id) == (stock.kit.pk, lot.product_id, None)
        assert (row.source, row.unit) == (ActSource.SYSTEM, world.ours.unit)
        assert (row.assignment_id, row.encounter_id) == (None, None), "nothing of whom it was for"
        assert shown(second(world), "facts")[row.pk]["movement"] == "left_behind"
        assert OverdoseAnswer.objects.get(pk=pk).flags == []
        told = reference("kit")[str(stock.kit.pk)]["stock"]
        of_kits = [one for one in told if one["product_id"] == str(lot.product_id)]
        assert sum(one["quantity"] for one in of_kits) == 2

    def test_takes_one_however_often_it_is_told(
        self, world: World, stock: Stock, tablets: Tablets, lot: Lot
    ) -> None:
        row = world.given()
        fields = {"assignment_id": row.pk, "question": "kit_left", "answer": "left"}
        document = documented(world.ours.tablets[0], NOON, kind="overdose_answer", **fields)
        for _ in range(2):
            assert tablets.push("facts", document) == []
        answered(tablets, row, by=second(world), now=after(60))

        assert there(stock, lot) == 2

    def test_that_there_was_one_already_puts_it_back(
        self, world: World, stock: Stock, tablets: Tablets, lot: Lot
    ) -> None:
        row = world.given()
        answered(tablets, row)
        answered(tablets, row, "has_one", now=after(60))
        assert there(stock, lot) == 3
        answered(tablets, row, now=after(120))
        assert there(stock, lot) == 2

    def test_from_before_the_last_one_takes_none(
        self, world: World, stock: Stock, tablets: Tablets, lot: Lot
    ) -> None:
        row = world.given()
        answered(tablets, row, "refused", now=after(60))
        answered(tablets, row, now=NOON)

        assert there(stock, lot) == 3

    def test_of_two_people_takes_two(
        self, world: World, stock: Stock, tablets: Tablets, lot: Lot
    ) -> None:
        row = world.given()
        answered(tablets, row)
        answered(tablets, row, encounter_id=encounter_id(row.pk, 2))

        assert there(stock, lot) == 1

    @pytest.mark.parametrize("said", ["has_one", "refused", "none", "what?"])
    def test_that_none_was_left_takes_none(
        self, world: World, stock: Stock, tablets: Tablets, lot: Lot, said: str
    ) -> None:
        answered(tablets, world.given(), said)

        assert there(stock, lot) == 3

    def test_outside_any_call_takes_one_too(self, stock: Stock, tablets: Tablets, lot: Lot) -> None:
        answered(tablets, None)
        answered(tablets, None)

        assert there(stock, lot) == 1

    def test_of_a_unit_that_has_no_such_kit_is_flagged(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        pk = answered(tablets, world.given())

        assert OverdoseAnswer.objects.get(pk=pk).flags == ["stock_unknown"]
        assert not StockMovement.objects.filter(kind=MovementKind.LEFT_BEHIND).exists()
        assert stock.there() == {stock.lot.pk: 2}, "a spray is no kit"

    def test_of_a_kit_that_was_told_by_a_movement_is_not_flagged(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        row = world.given()
        moved(tablets, row, stock.lot)
        pk = answered(tablets, row)

        assert OverdoseAnswer.objects.get(pk=pk).flags == []
        assert stock.there() == {stock.lot.pk: 1}


class TestAMovementBeside:
    @pytest.mark.parametrize("first", ["answer", "movement"])
    def test_is_the_same_kit(
        self, world: World, stock: Stock, tablets: Tablets, lot: Lot, first: str
    ) -> None:
        """What the tablet says stands: it names the lot, and here that there were three."""
        row = world.given()
        if first == "answer":
            answered(tablets, row)
        by, now = second(world), after(60)
        told = moved(tablets, row, lot, by=by, now=now, quantity=3)
        if first == "movement":
            answered(tablets, row)

        assert there(stock, lot) == 0
        assert told.flags == []
        left = StockMovement.objects.standing().filter(kind=MovementKind.LEFT_BEHIND)
        assert [one.pk for one in left] == [told.pk]

    def test_is_counted_once_in_whatever_order_all_is_told(
        self, world: World, stock: Stock, tablets: Tablets, lot: Lot
    ) -> None:
        told: list[Callable[[Assignment], object]] = [
            lambda row: answered(tablets, row),
            lambda row: answered(tablets, row, by=second(world), now=after(60)),
            lambda row: answered(tablets, row, "none", now=after(30)),
            lambda row: moved(tablets, row, lot, by=second(world), now=after(90)),
        ]
        for count, order in enumerate(permutations(told), 1):
            row = world.given()
            for tell in order:
                tell(row)
            assert there(stock, lot) == 3 - count

    @pytest.mark.parametrize("of", ["another person", "no call", "another unit"])
    def test_of_something_else_is_another_kit(
        self, world: World, stock: Stock, tablets: Tablets, lot: Lot, of: str
    ) -> None:
        row = world.given()
        answered(tablets, row)
        match of:
            case "another person":
                moved(tablets, row, lot, encounter_id=encounter_id(row.pk, 2))
            case "no call":
                moved(tablets, None, lot)
            case _:
                unit = world.theirs.unit
                bag = Kit(label="Bag of others", team=unit.team, unit=unit)
                services.save_kit(kit=bag, by=stock.by, now=NOON)
                moved(tablets, row, lot, by=world.theirs.tablets[0])

        left = StockMovement.objects.standing().filter(kind=MovementKind.LEFT_BEHIND)
        assert left.count() == 2
