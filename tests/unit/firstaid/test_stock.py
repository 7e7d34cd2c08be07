"""What lies where, and what is warned of."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.ids import uuid7
from apps.firstaid.models import Lot, Product, ProductKind
from apps.firstaid.stock import Limits, Place, levels_of, warnings
from tests.factories import NOON

TODAY = date(2026, 3, 4)
KIT, OTHER = UUID(int=1), UUID(int=2)
LIMITS = Limits(low_at=2, expiring_days=60)


def product(**members: object) -> Product:
    return Product(**{"kind": ProductKind.NALOXONE, "name": "Naloxone spray", **members})


def lot(of: Product, *, days: int = 365, recalled: bool = False) -> Lot:
    expires_on = TODAY + timedelta(days=days)
    return Lot(
        product=of, number="A1", expires_on=expires_on, recalled_at=NOON if recalled else None
    )


def warned(quantity: int, of: Product, one: Lot | None, *, had: bool = True) -> list[str]:
    place = Place(KIT, of.pk, one.pk if one else None)
    found = warnings(
        {place: quantity} if quantity else {},
        {(KIT, of.pk)} if had else set(),
        products={of.pk: of},
        lots={one.pk: one} if one else {},
        today=TODAY,
        limits=LIMITS,
    )
    return [warning.kind for warning in found]


moves = st.lists(
    st.tuples(st.sampled_from([KIT, OTHER]), st.integers(min_value=1, max_value=9)), max_size=20
)


class TestLevels:
    @given(moves, moves)
    def test_are_what_came_minus_what_went(
        self, came: list[tuple[UUID, int]], went: list[tuple[UUID, int]]
    ) -> None:
        at = UUID(int=9)
        levels = levels_of(
            [(Place(kit, at, None), n) for kit, n in came],
            [(Place(kit, at, None), n) for kit, n in went],
        )
        for kit in (KIT, OTHER):
            expected = sum(n for k, n in came if k == kit) - sum(n for k, n in went if k == kit)
            assert levels.get(Place(kit, at, None), 0) == expected
        assert 0 not in levels.values()


class TestLow:
    @pytest.mark.parametrize(("quantity", "kinds"), [(2, []), (1, ["low"]), (0, ["low"])])
    def test_is_fewer_than_the_limit(self, quantity: int, kinds: list[str]) -> None:
        one = product()
        assert warned(quantity, one, lot(one)) == kinds

    def test_the_product_says_how_few(self) -> None:
        one = product(low_at=5)
        assert warned(4, one, lot(one)) == ["low"]
        assert warned(5, one, lot(one)) == []

    def test_a_supply_is_low_only_where_somebody_said_how_few(self) -> None:
        bandage = product(kind=ProductKind.SUPPLY)
        assert warned(0, bandage, None) == []

    def test_what_a_kit_never_had_is_not_missing(self) -> None:
        assert warned(0, product(), None, had=False) == []

    def test_what_is_no_longer_used_is_not_missing(self) -> None:
        assert warned(0, product(in_use=False), None) == []

    def test_below_zero_asks_for_a_count(self) -> None:
        assert warned(-1, product(), None) == ["below_zero"]


class TestLots:
    @pytest.mark.parametrize(
        ("days", "kinds"),
        [(61, []), (60, ["expiring"]), (0, ["expiring"]), (-1, ["expired"])],
    )
    def test_are_good_to_the_end_of_their_last_day(self, days: int, kinds: list[str]) -> None:
        one = product()
        assert warned(9, one, lot(one, days=days)) == kinds

    def test_a_recalled_one_is_to_be_taken_out(self) -> None:
        one = product()
        assert warned(9, one, lot(one, recalled=True)) == ["recalled"]

    def test_one_that_is_not_there_is_nobodys_worry(self) -> None:
        one = product(low_at=0)
        assert warned(0, one, lot(one, days=-9)) == []

    def test_the_worst_comes_first(self) -> None:
        one = product()
        old, back = lot(one, days=-1), lot(one, recalled=True)
        found = warnings(
            {Place(KIT, one.pk, old.pk): 1, Place(KIT, one.pk, back.pk): 1},
            {(KIT, one.pk)},
            products={one.pk: one},
            lots={old.pk: old, back.pk: back},
            today=TODAY,
            limits=Limits(low_at=3, expiring_days=1),
        )
        assert [warning.kind for warning in found] == ["recalled", "expired", "low"]


def test_a_lot_that_nobody_knows_is_counted_and_not_judged() -> None:
    one = product(low_at=0)
    levels = {Place(KIT, one.pk, uuid7()): 1}
    kinds = warnings(levels, set(), products={}, lots={}, today=TODAY, limits=LIMITS)
    assert kinds == []
