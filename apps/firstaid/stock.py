"""What lies where, and what to warn of. Pure: functions of movements that were read before.

A quantity of a lot may be below zero, and so may a product's: somebody took out more than anybody
had put in. It is told, and set right by counting; nothing that was given is turned away for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

from apps.firstaid.models.stock import Lot, Product, ProductKind

# What is warned of, the worst first.
WARNINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "recalled": "Recalled: take it out",
        "expired": "Expired",
        "below_zero": "More was taken out than was there: count it",
        "low": "Running low",
        "expiring": "Expires soon",
    }
)


class Place(NamedTuple):
    """A product in a kit; `lot_id` None: nobody said of which lot."""

    kit_id: UUID
    product_id: UUID
    lot_id: UUID | None


# How many pieces lie in each place. Places with none are left out.
Levels = Mapping[Place, int]


@dataclass(frozen=True, slots=True)
class Limits:
    """Fewer than `low_at` pieces of naloxone in a kit are too few, unless the product says
    otherwise; a lot is warned of from `expiring_days` before its last good day on."""

    low_at: int
    expiring_days: int


@dataclass(frozen=True, slots=True)
class StockWarning:
    """`kind` is one of WARNINGS. `lot_id` is None where it is about the product."""

    kind: str
    kit_id: UUID
    product_id: UUID
    lot_id: UUID | None = None


def levels_of(came: Iterable[tuple[Place, int]], went: Iterable[tuple[Place, int]]) -> Levels:
    """The sum: what came minus what went."""
    found: Counter[Place] = Counter()
    for place, quantity in came:
        found[place] += quantity
    for place, quantity in went:
        found[place] -= quantity
    return {place: quantity for place, quantity in found.items() if quantity}


def warnings(
    levels: Levels,
    had: Iterable[tuple[UUID, UUID]],
    *,
    products: Mapping[UUID, Product],
    lots: Mapping[UUID, Lot],
    today: date,
    limits: Limits,
) -> list[StockWarning]:
    """What to warn of, the worst first.

    `had`: kit and product of every product that a kit ever had: one that is all gone is low too. A
    product that is no longer used is never low.
    """
    found = []
    for place, quantity in levels.items():
        lot = lots.get(place.lot_id) if place.lot_id else None
        if lot and quantity > 0 and (kind := _of_lot(lot, today, limits)):
            found.append(StockWarning(kind, place.kit_id, place.product_id, lot.pk))
    totals: Counter[tuple[UUID, UUID]] = Counter(dict.fromkeys(had, 0))
    for place, quantity in levels.items():
        totals[place.kit_id, place.product_id] += quantity
    for (kit_id, product_id), quantity in totals.items():
        if kind := _of_product(products.get(product_id), quantity, limits):
            found.append(StockWarning(kind, kit_id, product_id))
    worst = list(WARNINGS)
    return sorted(found, key=lambda one: (worst.index(one.kind), str(one.kit_id), str(one.lot_id)))


def _of_lot(lot: Lot, today: date, limits: Limits) -> str:
    if lot.recalled_at is not None:
        return "recalled"
    if lot.expires_on < today:
        return "expired"
    soon = lot.expires_on <= today + timedelta(days=limits.expiring_days)
    return "expiring" if soon else ""


def _of_product(product: Product | None, quantity: int, limits: Limits) -> str:
    if quantity < 0:
        return "below_zero"
    if product is None or not product.in_use:
        return ""
    low_at = product.low_at
    if low_at is None:
        low_at = 0 if product.kind == ProductKind.SUPPLY else limits.low_at
    return "low" if quantity < low_at else ""
