"""From which stock a dose came. Pure.

Naming it is nobody's first thought at an overdose: what the tablet does not say follows from the
unit's kit and from what was given, where that leaves one answer only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from apps.firstaid import codes
from apps.firstaid.doses import Dose
from apps.firstaid.models import Kit, Lot, Product, ProductKind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a product (`lot_id` None: nobody said of which lot) from a kit."""

    kit_id: UUID
    product_id: UUID
    lot_id: UUID | None


@dataclass(frozen=True, slots=True)
class Supply:
    """What doses may have come from: kits in use, lots and products by id; `had`: which kit ever
    had which product."""

    kits: Mapping[UUID, Kit]
    lots: Mapping[UUID, Lot]
    products: Mapping[UUID, Product]
    had: frozenset[tuple[UUID, UUID]] = frozenset()


def is_ours(dose: Dose) -> bool:
    """Whether it came from CARE's stock: given by CARE, or by somebody with what CARE handed them.
    A bystander's dose is the bystander's."""
    if not dose.was_given:
        return False
    named = dose.kit_id or dose.lot_id or dose.product_id
    return bool(named) or (dose.given_by in ("", codes.CARE) and not dose.before_arrival)


def piece_of(dose: Dose, supply: Supply) -> Piece | None:
    """The piece that a dose of ours was. None where nothing says which: a supervisor counts."""
    kit = _kit(dose, supply)
    lot = supply.lots.get(dose.lot_id) if dose.lot_id else None
    product = lot.product_id if lot else _product(dose, kit, supply)
    if kit is None or product is None:
        return None
    return Piece(kit.pk, product, lot.pk if lot else None)


def kit_to_leave(unit: UUID | None, supply: Supply) -> Piece | None:
    """The kit to leave behind that a unit's bag has. None where it has none, or several sorts."""
    bag = _only(kit for kit in supply.kits.values() if unit and kit.unit_id == unit)
    product = bag and _only(
        one
        for one in supply.products.values()
        if one.kind == ProductKind.NALOXONE_KIT and one.in_use and (bag.pk, one.pk) in supply.had
    )
    return Piece(bag.pk, product.pk, None) if bag and product else None


def may_be_of(dose: Dose, lot: Lot, supply: Supply, *, in_kits: Collection[UUID]) -> bool:
    """Whether a dose of which nobody knows the piece may have been of this lot: it names no other,
    is like its product, and came out of a kit that had it (`in_kits`), or nobody knows of which."""
    if dose.lot_id in supply.lots:
        return False
    if dose.product_id in supply.products:
        like = dose.product_id == lot.product_id
    else:
        like = _is_like(dose, supply.products[lot.product_id])
    kits = {dose.kit_id} if dose.kit_id in supply.kits else _kits_of(dose.unit_id, supply)
    return like and (not kits or not kits.isdisjoint(in_kits))


def _kits_of(unit: UUID | None, supply: Supply) -> set[UUID | None]:
    return {kit.pk for kit in supply.kits.values() if unit and kit.unit_id == unit}


def _kit(dose: Dose, supply: Supply) -> Kit | None:
    named = supply.kits.get(dose.kit_id) if dose.kit_id else None
    return named or _only(
        kit for kit in supply.kits.values() if kit.unit_id and kit.unit_id == dose.unit_id
    )


def _product(dose: Dose, kit: Kit | None, supply: Supply) -> UUID | None:
    if dose.product_id in supply.products:
        return dose.product_id
    fitting = [one for one in supply.products.values() if one.in_use and _is_like(dose, one)]
    if kit is not None and (there := [p for p in fitting if (kit.pk, p.pk) in supply.had]):
        fitting = there
    found = _only(fitting)
    return found.pk if found else None


def _is_like(dose: Dose, product: Product) -> bool:
    """Whether one piece of the product may be what was given; what was not told fits all."""
    return (
        dose.drug in codes.NALOXONES
        and product.kind == ProductKind.NALOXONE
        and product.drug in ("", dose.drug)
        and dose.amount in (None, product.dose)
        and dose.amount_unit in ("", product.dose_unit)
        and dose.route in ("", product.route)
    )


def _only(found: Iterable[T]) -> T | None:
    """The one that there is; None where there are none or several."""
    several = list(found)
    return several[0] if len(several) == 1 else None
