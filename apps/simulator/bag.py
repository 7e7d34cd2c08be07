"""What a unit's bag holds, as its tablets show it, and what the demo stocks at first.

A dose names the product and the lot that were taken out, so that stock goes down; a bag that runs
low is filled up from the team's store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.firstaid import codes
from apps.simulator.tablet.store import Document

STORE: Final = "Store of CARE Downtown"
# Kinds of product, as documents name them in `used_as`.
NALOXONE: Final = "naloxone"
NALOXONE_KIT: Final = "naloxone_kit"


@dataclass(frozen=True, slots=True)
class Stocked:
    """A lot that the demo begins with: good for so many `days`, `store` pieces of it delivered, of
    which each bag gets `bag`. A `dose` (mg, in the nose) is what one piece gives."""

    kind: str
    name: str
    strength: str
    lot: str
    days: int
    store: int
    bag: int
    dose: int | None = None
    low_at: int | None = None

    def product(self) -> dict[str, Any]:
        """The fields of the product that the lot is of."""
        of_a_dose = {"dose": self.dose, "dose_unit": codes.MILLIGRAMS, "route": codes.INTRANASAL}
        return {
            "kind": self.kind,
            "name": self.name,
            "strength": self.strength,
            "drug": codes.NALOXONE,
            "low_at": self.low_at,
            **(of_a_dose if self.dose is not None else {}),
        }


_SPRAY: Final[dict[str, Any]] = {
    "kind": NALOXONE,
    "name": "Naloxone nasal spray",
    "strength": "4 mg",
    "dose": 4,
    "low_at": 4,
}
STOCK: Final = (
    Stocked(lot="NS-4101", days=540, store=2000, bag=8, **_SPRAY),
    # A few that are to be used up: the store warns of them.
    Stocked(lot="NS-3987", days=30, store=10, bag=0, **_SPRAY),
    Stocked(
        NALOXONE_KIT,
        "Naloxone kit to leave behind",
        "2 sprays of 4 mg",
        lot="LB-2207",
        days=420,
        store=2000,
        bag=5,
        low_at=3,
    ),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a product in a kit, of the lot that is good for the shortest time; `there`: how
    many of that lot there are."""

    kit_id: str
    product: Document
    lot_id: str
    there: int


class Bag:
    """One unit's, with the store behind it, by a tablet's `reference` documents."""

    def __init__(self, reference: Iterable[Document], call_sign: str) -> None:
        documents = list(reference)
        self._products = {one["id"]: one for one in documents if one.get("kind") == "product"}
        units = {one["id"] for one in documents if one.get("call_sign") == call_sign}
        kits = [one for one in documents if one.get("kind") == "kit" and one["in_use"]]
        self._kit = next((kit for kit in kits if kit["unit_id"] in units), None)
        self._store = next((kit for kit in kits if kit["unit_id"] is None), None)

    @property
    def is_known(self) -> bool:
        """Whether the tablet has it: a new one may not have pulled it yet."""
        return self._kit is not None

    def piece(self, kind: str) -> Piece | None:
        """One to take out; None where there is none, as far as the tablet knows."""
        return self._piece(self._kit, kind)

    def to_fetch(self) -> Iterable[tuple[Piece, str, int]]:
        """What is low: a piece in the store, the bag that wants it, and how many."""
        for one in STOCK:
            if one.bag and self._is_low(one.kind):
                piece = self._piece(self._store, one.kind)
                if piece is not None and self._kit is not None:
                    yield piece, self._kit["id"], min(one.bag, piece.there)

    def _piece(self, kit: Document | None, kind: str) -> Piece | None:
        if kit is None:
            return None
        there = [
            (lot["expires_on"], Piece(kit["id"], product, lot["id"], row["quantity"]))
            for row in kit["stock"]
            if (product := self._products.get(row["product_id"])) is not None
            and product["used_as"] == kind
            and (lot := _lot(product, row)) is not None
        ]
        return min(there, key=lambda one: one[0])[1] if there else None

    def _is_low(self, kind: str) -> bool:
        warned = self._kit["warnings"] if self._kit else ()
        return any(
            one["kind"] == "low" and self._products[one["product_id"]]["used_as"] == kind
            for one in warned
            if one["product_id"] in self._products
        )


def _lot(product: Document, row: Mapping[str, Any]) -> Document | None:
    """The lot of which something lies there, unless it is recalled."""
    for lot in product["lots"]:
        if lot["id"] == row["lot_id"] and row["quantity"] > 0 and not lot["recalled"]:
            return dict(lot)
    return None
