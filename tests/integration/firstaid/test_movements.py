"""What a tablet tells of stock."""

from __future__ import annotations

from typing import Any

import pytest

from apps.firstaid import services
from apps.firstaid.models import Kit, StockMovement
from tests.factories import NOON, team
from tests.integration.assignments.conftest import World, shown
from tests.integration.firstaid.conftest import SPRAY, Stock, Tablets, documented, reference

pytestmark = pytest.mark.django_db


def told(tablets: Tablets, movement: str, **fields: Any) -> StockMovement:
    pk = tablets.log("facts", None, kind="stock_movement", movement=movement, **fields)
    return StockMovement.objects.get(pk=pk)


class TestATablet:
    def test_leaves_a_kit_behind_from_its_units_own(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        row = told(tablets, "left_behind", lot_id=stock.lot.pk, note="for a friend")

        assert (row.from_kit_id, row.product_id, row.quantity) == (
            stock.kit.pk,
            stock.spray.pk,
            1,
        )
        assert stock.there() == {stock.lot.pk: 1}
        assert shown(world.ours.tablets[1], "facts")[row.pk]["movement"] == "left_behind"
        assert row.note == "for a friend"

    def test_gives_and_takes_back_in_one_push_and_the_kit_is_shown_as_it_lies(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        call = world.given()
        by, spray = world.ours.tablets[0], {"assignment_id": call.pk, **SPRAY}
        given = documented(by, NOON, **spray)
        back = documented(by, NOON, **spray, corrects=given["id"], withdrawn=True)

        tablets.push("naloxone_doses", given, back)

        [level] = reference("kit")[str(stock.kit.pk)]["stock"]
        assert stock.there() == {stock.lot.pk: level["quantity"]} == {stock.lot.pk: 2}

    def test_takes_from_the_store(self, stock: Stock, tablets: Tablets) -> None:
        told(
            tablets,
            "issue",
            lot_id=stock.lot.pk,
            quantity=3,
            from_kit_id=stock.store.pk,
            to_kit_id=stock.kit.pk,
        )

        assert (stock.there(), stock.there(stock.store)) == (
            {stock.lot.pk: 5},
            {stock.lot.pk: 5},
        )

    def test_counts_more_than_was_thought(self, stock: Stock, tablets: Tablets) -> None:
        told(tablets, "count", lot_id=stock.lot.pk, to_kit_id=stock.kit.pk, cause="found")

        assert stock.there() == {stock.lot.pk: 3}

    def test_takes_out_more_than_there_is_and_is_believed(
        self, stock: Stock, tablets: Tablets
    ) -> None:
        row = told(tablets, "discard", lot_id=stock.lot.pk, quantity=5, cause="damaged")

        assert (row.flags, stock.there()) == (["below_zero"], {stock.lot.pk: -3})

    def test_may_give_a_reason_that_nobody_knows(self, stock: Stock, tablets: Tablets) -> None:
        row = told(tablets, "discard", lot_id=stock.lot.pk, cause="melted")

        assert (row.flags, row.cause) == (["unknown_code"], "melted")

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"movement": "dose"}, "/movement"),
            ({"movement": "receive"}, "/movement"),
            ({"quantity": 0}, "/quantity"),
            ({"quantity": "two"}, "/quantity"),
            ({"lot_id": None}, "/product_id"),
        ],
    )
    def test_that_nobody_could_count_is_kept_apart(
        self, world: World, stock: Stock, tablets: Tablets, fields: dict[str, Any], pointer: str
    ) -> None:
        document = documented(
            world.ours.tablets[0],
            NOON,
            **{
                "kind": "stock_movement",
                "movement": "left_behind",
                "lot_id": stock.lot.pk,
                **fields,
            },
        )
        [answer] = tablets.push("facts", document)

        assert answer["sync_errors"][0].startswith(pointer)
        assert stock.there() == {stock.lot.pk: 2}

    @pytest.mark.parametrize("named", ["from_kit_id", "to_kit_id"])
    def test_moves_nothing_of_another_team(
        self, world: World, stock: Stock, tablets: Tablets, named: str
    ) -> None:
        theirs = Kit(label="Bag of others", team=team())
        services.save_kit(kit=theirs, by=stock.by, now=NOON)
        services.receive(kit=theirs, lot=stock.lot, quantity=4, by=stock.by, now=NOON)
        kits = {"from_kit_id": stock.kit.pk, "to_kit_id": stock.store.pk, named: theirs.pk}
        fields = {"movement": "return", "lot_id": stock.lot.pk, **kits}
        document = documented(world.ours.tablets[0], NOON, kind="stock_movement", **fields)
        [answer] = tablets.push("facts", document)

        assert answer["sync_errors"][0].startswith(f"/{named}")
        assert stock.there(theirs) == {stock.lot.pk: 4}

    def test_tells_it_once(self, world: World, stock: Stock, tablets: Tablets) -> None:
        document = documented(
            world.ours.tablets[0],
            NOON,
            kind="stock_movement",
            movement="left_behind",
            lot_id=stock.lot.pk,
        )
        assert tablets.push("facts", document) == []
        assert tablets.push("facts", document) == []

        assert stock.there() == {stock.lot.pk: 1}
