"""From which stock a dose came: what was named, else the one answer that is left."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from apps.firstaid import codes
from apps.firstaid.doses import Dose, dose_of
from apps.firstaid.models import Kit, Lot, Product, ProductKind
from apps.firstaid.taking import Piece, Supply, is_ours, piece_of
from tests.unit.firstaid.acts import dose

UNIT = UUID(int=21)
BAG, STORE = Kit(label="Bag", unit_id=UNIT), Kit(label="Store")


def product(name: str, amount: int, route: str = codes.INTRANASAL) -> Product:
    return Product(
        kind=ProductKind.NALOXONE,
        name=name,
        drug=codes.NALOXONE,
        dose=Decimal(amount),
        dose_unit=codes.MILLIGRAMS,
        route=route,
    )


SPRAY, STRONG, VIAL = product("Spray", 4), product("Strong", 8), product("Vial", 4, "9927015")
LOT = Lot(product=STRONG, number="S1")
SUPPLY = Supply(
    kits={kit.pk: kit for kit in (BAG, STORE)},
    lots={LOT.pk: LOT},
    products={one.pk: one for one in (SPRAY, STRONG, VIAL)},
    had=frozenset({(BAG.pk, SPRAY.pk), (STORE.pk, STRONG.pk)}),
)


def given(**members: Any) -> Dose:
    """A dose of our unit, given by CARE."""
    return replace(dose_of(dose(given_by=codes.CARE)), **{"unit_id": UNIT, **members})


class TestOurs:
    @pytest.mark.parametrize(
        ("members", "ours"),
        [
            ({}, True),
            ({"given_by": ""}, True),
            ({"given_by": "bystander", "before_arrival": True}, False),
            ({"given_by": "police"}, False),
            ({"given_by": "bystander", "kit_id": BAG.pk}, True),
            ({"before_arrival": True}, False),
            ({"withheld": codes.REFUSED}, False),
            ({"withdrawn": True, "lot_id": LOT.pk}, False),
        ],
    )
    def test_is_what_care_gave_or_handed_out(self, members: dict[str, Any], ours: bool) -> None:
        assert is_ours(given(**members)) is ours


class TestThePiece:
    def test_of_a_bare_tap_is_what_the_units_kit_has(self) -> None:
        assert piece_of(given(), SUPPLY) == Piece(BAG.pk, SPRAY.pk, None)

    def test_follows_from_what_was_given(self) -> None:
        strong = given(amount=Decimal(8), amount_unit=codes.MILLIGRAMS)
        assert piece_of(strong, SUPPLY) == Piece(BAG.pk, STRONG.pk, None)

    def test_is_of_the_lot_that_was_read(self) -> None:
        assert piece_of(given(lot_id=LOT.pk), SUPPLY) == Piece(BAG.pk, STRONG.pk, LOT.pk)

    def test_is_from_the_kit_that_was_named(self) -> None:
        assert piece_of(given(kit_id=STORE.pk), SUPPLY) == Piece(STORE.pk, STRONG.pk, None)

    @pytest.mark.parametrize(
        "members",
        [
            {"unit_id": UUID(int=99)},  # a unit without a kit
            {"amount": Decimal(10)},  # nothing that is stocked
            {"route": "9927015", "amount": Decimal(8)},
        ],
    )
    def test_that_nothing_says_is_not_guessed(self, members: dict[str, Any]) -> None:
        assert piece_of(given(**members), SUPPLY) is None

    def test_of_oxygen_is_no_naloxone(self) -> None:
        unsaid = replace(SUPPLY, products={SPRAY.pk: Product(id=SPRAY.pk, kind="naloxone")})
        assert piece_of(given(), unsaid) == Piece(BAG.pk, SPRAY.pk, None)
        assert piece_of(given(drug="7806"), unsaid) is None

    def test_of_two_kits_or_two_products_is_not_guessed(self) -> None:
        second = Kit(label="Bag 2", unit_id=UNIT)
        two_kits = replace(SUPPLY, kits={**SUPPLY.kits, second.pk: second})
        assert piece_of(given(), two_kits) is None
        both = replace(SUPPLY, had=SUPPLY.had | {(BAG.pk, VIAL.pk)})
        assert piece_of(given(), both) is None

    def test_names_that_nobody_knows_count_as_not_named(self) -> None:
        unknown = given(kit_id=UUID(int=1), lot_id=UUID(int=2), product_id=UUID(int=3))
        assert piece_of(unknown, SUPPLY) == Piece(BAG.pk, SPRAY.pk, None)

    def test_what_is_no_longer_used_is_not_thought_of(self) -> None:
        old = product("Old spray", 4)
        old.in_use = False
        supply = replace(SUPPLY, products={**SUPPLY.products, old.pk: old}, had=frozenset())
        four = given(amount=Decimal(4), route=codes.INTRANASAL)
        assert piece_of(four, supply) == Piece(BAG.pk, SPRAY.pk, None)
