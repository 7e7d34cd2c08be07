"""Who changes stock, and how what lies in a kit is told.

Whoever writes doses or movements, or an answer that a kit was left behind, takes one lock first,
the whole ledger's: they are few (some dozen a day), and what follows from them is a sum over all.

1. Two tablets push at the same moment. Each would publish the kit as the sum that it sees, without
   the other's uncommitted movement, and the later one would stand.
2. The same dose twice at once, or a dose and its correction: each would move stock as if the other
   were not there.
3. With the lock the second reads what the first has committed. It is taken before any other lock of
   this app, so that nobody who holds one waits for it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from apps.changes.services import Document
from apps.core import clock
from apps.firstaid import documents
from apps.firstaid.models import Kit, Lot, Product, StockMovement
from apps.firstaid.stock import Levels, Limits, Place, StockWarning, levels_of, warnings

_LEDGER_LOCK = 7321  # class of advisory locks; see apps.changes.services
# A lot that was good for nothing for so long is not sent to tablets any more.
_LOTS_STAY = timedelta(days=365)


def lock_ledger() -> None:
    """Waits until nobody else writes doses or movements; held to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, 0)", [_LEDGER_LOCK])


@dataclass(frozen=True, slots=True)
class Shelf:
    """What lies in some kits, and which kit ever had which product."""

    levels: Levels
    had: frozenset[tuple[UUID, UUID]]


def shelf_of(kits: Collection[UUID]) -> Shelf:
    """What lies in these kits: the sum of all movements."""
    movements = StockMovement.objects.all()
    came = [(Place(kit, product, lot), n) for kit, product, lot, n in movements.came_into(kits)]
    went = [(Place(kit, product, lot), n) for kit, product, lot, n in movements.went_from(kits)]
    had = frozenset((place.kit_id, place.product_id) for place, _ in (*came, *went))
    return Shelf(levels_of(came, went), had)


def warnings_on(shelf: Shelf, *, now: datetime) -> list[StockWarning]:
    """What to warn of, on the city's day of `now`, the worst first."""
    return warnings(
        shelf.levels,
        shelf.had,
        products=Product.objects.in_bulk({product for _, product in shelf.had}),
        lots=Lot.objects.in_bulk({place.lot_id for place in shelf.levels if place.lot_id}),
        today=now.astimezone(clock.city()).date(),
        limits=Limits(settings.STOCK_LOW_AT, settings.STOCK_EXPIRING_DAYS),
    )


def kit_documents(kits: Collection[Kit], *, now: datetime) -> list[Document]:
    """The kits as tablets know them, with what lies in them."""
    shelf = shelf_of([kit.pk for kit in kits])
    warned = warnings_on(shelf, now=now)
    return [documents.kit(kit, shelf.levels, warned) for kit in kits]


def product_documents(products: Collection[Product], *, now: datetime) -> list[Document]:
    """The products as tablets know them, with their lots."""
    still = Lot.objects.filter(product__in=products, expires_on__gte=(now - _LOTS_STAY).date())
    lots: dict[UUID, list[Lot]] = {}
    for lot in still.order_by("expires_on", "pk"):
        lots.setdefault(lot.product_id, []).append(lot)
    return [documents.product(product, lots.get(product.pk, [])) for product in products]
