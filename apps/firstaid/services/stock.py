"""Stock is received, issued, counted, brought back, thrown away and recalled: as movements.

A desk is told at once where something cannot be; what a tablet tells has happened, and is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import Act, Actor, record, record_all
from apps.changes import scopes
from apps.changes.services import publish
from apps.core.problems import CONFLICT, INVALID, FieldError, ProblemError
from apps.dispatch.models import Unit
from apps.dispatch.services import publish_reference
from apps.firstaid import codes, documents
from apps.firstaid.doses import Dose, dose_of, standing
from apps.firstaid.models import (
    ActSource,
    Kit,
    Lot,
    MovementKind,
    NaloxoneDose,
    Product,
    StockMovement,
)
from apps.firstaid.services.ledger import kit_documents, lock_ledger, product_documents, shelf_of
from apps.firstaid.stock import Place
from apps.firstaid.taking import Supply, is_ours, may_be_of

# Of a lot, at once.
MOST_PIECES: Final = 100_000


@transaction.atomic
def save_product(*, product: Product, by: User, now: datetime) -> Product:
    """Adds or changes a product, and tells the tablets."""
    lock_ledger()
    action = "create" if product._state.adding else "update"
    product.save()
    publish_reference(product_documents([product], now=now), now=now)
    _audit(by, action, "product", [product.pk], now)
    return product


@transaction.atomic
def save_lot(*, lot: Lot, by: User, now: datetime) -> Lot:
    """Adds or changes a lot, and tells the tablets."""
    lock_ledger()
    action = "create" if lot._state.adding else "update"
    lot.save()
    publish_reference(product_documents([lot.product], now=now), now=now)
    _audit(by, action, "lot", [lot.pk], now)
    return lot


@transaction.atomic
def save_kit(*, kit: Kit, by: User, now: datetime) -> Kit:
    """Adds or changes a kit, and tells the tablets. CONFLICT where one that is not empty would go
    out of use, INVALID where its unit is another team's."""
    if kit.unit and kit.unit.team_id != kit.team_id:
        raise ProblemError(INVALID, errors=[FieldError("/unit", "A unit of another team.")])
    lock_ledger()
    if not kit.in_use and shelf_of([kit.pk]).levels:
        error = FieldError("/in_use", "It is not empty: bring back what is in it, or count it.")
        raise ProblemError(CONFLICT, errors=[error])
    action = "create" if kit._state.adding else "update"
    kit.save()
    publish_reference(kit_documents([kit], now=now), now=now)
    _audit(by, action, "kit", [kit.pk], now)
    return kit


@transaction.atomic
def receive(*, kit: Kit, lot: Lot, quantity: int, by: User, now: datetime) -> StockMovement:
    """So many pieces of a lot came from outside into a kit (a store). CONFLICT for a recalled
    lot."""
    if lot.recalled_at is not None:
        raise ProblemError(CONFLICT, errors=[FieldError("/lot", "This lot is recalled.")])
    return _move(MovementKind.RECEIVE, lot, quantity, by=by, now=now, to_kit=kit)


@transaction.atomic
def issue(
    *, from_kit: Kit, to_kit: Kit, lot: Lot, quantity: int, by: User, now: datetime
) -> StockMovement:
    """So many pieces of a lot go from a store into a unit's kit. CONFLICT for a recalled lot, and
    where there are fewer."""
    if lot.recalled_at is not None:
        raise ProblemError(CONFLICT, errors=[FieldError("/lot", "This lot is recalled.")])
    return _move(
        MovementKind.ISSUE, lot, quantity, by=by, now=now, from_kit=from_kit, to_kit=to_kit
    )


@transaction.atomic
def bring_back(
    *, from_kit: Kit, to_kit: Kit, lot: Lot, quantity: int, by: User, now: datetime
) -> StockMovement:
    """So many pieces of a lot go back into a store. CONFLICT where there are fewer."""
    return _move(
        MovementKind.RETURN, lot, quantity, by=by, now=now, from_kit=from_kit, to_kit=to_kit
    )


@transaction.atomic
def discard(
    *, kit: Kit, lot: Lot, quantity: int, cause: str, by: User, now: datetime
) -> StockMovement:
    """So many pieces of a lot are thrown away; `cause` is a code of STOCK_REASONS. CONFLICT where
    there are fewer."""
    return _move(
        MovementKind.DISCARD, lot, quantity, by=by, now=now, from_kit=kit, cause=_cause(cause)
    )


@transaction.atomic
def count(
    *,
    kit: Kit,
    product: Product,
    lot: Lot | None = None,
    counted: int,
    cause: str,
    note: str = "",
    by: User,
    now: datetime,
) -> StockMovement | None:
    """So many pieces were counted: the difference becomes a movement. None: there is no difference.
    `lot` None: the pieces of which nobody said of which lot."""
    if not 0 <= counted <= MOST_PIECES:
        raise ProblemError(INVALID, errors=[FieldError("/counted", "From none to 100,000.")])
    cause = _cause(cause)
    lock_ledger()
    place = Place(kit.pk, product.pk, lot.pk if lot else None)
    more = counted - shelf_of([kit.pk]).levels.get(place, 0)
    if not more:
        return None
    row = StockMovement(
        kind=MovementKind.COUNT,
        product_id=product.pk,
        lot_id=place.lot_id,
        quantity=abs(more),
        to_kit_id=kit.pk if more > 0 else None,
        from_kit_id=kit.pk if more < 0 else None,
        cause=cause,
        note=note or None,
    )
    return _record(row, by, now)


@dataclass(frozen=True, kw_only=True)
class Gone:
    """What went out of stock: the dose that it was (None: a kit that was left behind), by which
    unit, and when it was told. Nothing of whom it was given to."""

    dose_id: UUID | None
    unit: Unit | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Recall:
    """Where a lot is and went. `in_kits`: kit and number of pieces. `doses` were given from it,
    `left_behind` were handed out; `maybe` was of a lot that nobody has named, from a kit that had
    this one, or from one that nobody knows."""

    lot: Lot
    in_kits: tuple[tuple[Kit, int], ...]
    doses: tuple[Gone, ...]
    maybe: tuple[Gone, ...]
    left_behind: tuple[Gone, ...]


@transaction.atomic
def recall_lot(*, lot: Lot, number: str, by: User, now: datetime) -> Lot:
    """Marks a lot as recalled under its maker's number; every tablet warns of it. The first recall
    stands: repeating it changes nothing."""
    lock_ledger()
    lot = Lot.objects.select_for_update(no_key=True, of=("self",)).get(pk=lot.pk)
    if lot.recalled_at is not None:
        return lot
    lot.recalled_at, lot.recalled_by, lot.recall_number = now, by, number
    lot.save(update_fields=["recalled_at", "recalled_by", "recall_number"])
    held = Kit.objects.filter(pk__in=_kits_that_had(lot))
    tell = [
        *product_documents([lot.product], now=now),
        *kit_documents(list(held), now=now),
    ]
    publish_reference(tell, now=now)
    _audit(by, "recall", "lot", [lot.pk], now)
    return lot


def recall_of(lot: Lot) -> Recall:
    """Which kits have, and which units gave, something of a lot."""
    had = _kits_that_had(lot)
    levels = shelf_of(had).levels
    kits = Kit.objects.filter(pk__in=had).select_related("unit").order_by("label")
    held = ((kit, levels.get(Place(kit.pk, lot.product_id, lot.pk), 0)) for kit in kits)
    gone = StockMovement.objects.standing().select_related("unit")
    unsaid = gone.filter(lot_id=None, product_id=lot.product_id, from_kit_id__in=had)
    unsaid = unsaid.filter(kind__in=[MovementKind.DOSE, MovementKind.LEFT_BEHIND])
    supply = Supply(Kit.objects.in_bulk(), Lot.objects.in_bulk(), Product.objects.in_bulk())
    unmoved = _unmoved()
    named = [dose for dose in unmoved if dose.lot_id == lot.pk]
    maybe = [dose for dose in unmoved if may_be_of(dose, lot, supply, in_kits=had)]
    return Recall(
        lot=lot,
        in_kits=tuple((kit, quantity) for kit, quantity in held if quantity),
        doses=_gone(gone.filter(lot_id=lot.pk, kind=MovementKind.DOSE), named),
        maybe=_gone(unsaid, maybe),
        left_behind=_gone(gone.filter(lot_id=lot.pk, kind=MovementKind.LEFT_BEHIND), []),
    )


def _gone(moved: Iterable[StockMovement], doses: Sequence[Dose]) -> tuple[Gone, ...]:
    """Movements, and doses that moved nothing, in their time."""
    units = Unit.objects.in_bulk({dose.unit_id for dose in doses if dose.unit_id})
    found = [
        Gone(dose_id=one.dose_id, unit=one.unit, at=one.device_time or one.received_at)
        for one in moved
    ]
    found += [
        Gone(
            dose_id=dose.id,
            unit=units.get(dose.unit_id) if dose.unit_id else None,
            at=dose.received_at,
        )
        for dose in doses
    ]
    return tuple(sorted(found, key=lambda one: one.at))


def _unmoved() -> list[Dose]:
    """The doses of ours that stand and moved nothing, as nothing says from which kit they came:
    few, and each is flagged. A correction counts on its own call, as everywhere."""
    flagged = NaloxoneDose.objects.filter(flags__contains=[codes.STOCK_UNKNOWN])
    calls = set(flagged.values_list("assignment_id", flat=True))
    rows = NaloxoneDose.objects.filter(
        Q(assignment_id__in=calls - {None})
        | Q(assignment_id=None, author__in=flagged.filter(assignment_id=None).values("author"))
    )
    of_one: dict[object, list[Dose]] = defaultdict(list)
    for row in rows:
        of_one[row.assignment_id or row.author_id].append(dose_of(row))
    ours = [dose for told in of_one.values() for dose in standing(told) if is_ours(dose)]
    moved = StockMovement.objects.standing().filter(dose_id__in=[dose.id for dose in ours])
    known = set(moved.values_list("dose_id", flat=True))
    return [dose for dose in ours if dose.id not in known]


@transaction.atomic
def tell_kits(*, now: datetime) -> int:
    """Tells the tablets of kits that have something new to warn of: a day has passed, or a setting
    has changed. Returns how many differed from what tablets have."""
    lock_ledger()
    kits = list(Kit.objects.filter(in_use=True).order_by("pk"))
    return publish_reference(kit_documents(kits, now=now), now=now)


def add_movements(rows: Sequence[StockMovement], *, actor: Actor, now: datetime) -> None:
    """Writes movements, publishes them and the kits that they change. The caller holds the ledger's
    lock. They are shown to those whose kits they are: they say nothing of whom a dose was for."""
    if not rows:
        return
    StockMovement.objects.bulk_create(rows)
    touched = {kit for row in rows for kit in (row.from_kit_id, row.to_kit_id) if kit}
    kits = list(Kit.objects.filter(pk__in=touched).order_by("pk"))
    to = _scopes_of_kits(kits)
    publish(documents=[documents.movement(row, to=to) for row in rows], now=now)
    publish_reference(kit_documents(kits, now=now), now=now)
    acts = [Act(actor, "move", "stock_movement", [row.pk], {"kind": row.kind}) for row in rows]
    record_all(acts, now=now)


def _move(
    kind: MovementKind,
    lot: Lot,
    quantity: int,
    *,
    by: User,
    now: datetime,
    from_kit: Kit | None = None,
    to_kit: Kit | None = None,
    cause: str = "",
) -> StockMovement:
    """One movement that a desk makes: a person at a desk is told at once what cannot be."""
    if not 0 < quantity <= MOST_PIECES:
        raise ProblemError(INVALID, errors=[FieldError("/quantity", "From 1 to 100,000.")])
    if from_kit and to_kit and from_kit.pk == to_kit.pk:
        raise ProblemError(INVALID, errors=[FieldError("/to_kit", "Another kit.")])
    lock_ledger()
    if from_kit:
        place = Place(from_kit.pk, lot.product_id, lot.pk)
        there = shelf_of([from_kit.pk]).levels.get(place, 0)
        if there < quantity:
            error = FieldError("/quantity", f"There are {max(there, 0)} of this lot.")
            raise ProblemError(CONFLICT, errors=[error])
    row = StockMovement(
        kind=kind,
        product_id=lot.product_id,
        lot_id=lot.pk,
        quantity=quantity,
        from_kit_id=from_kit.pk if from_kit else None,
        to_kit_id=to_kit.pk if to_kit else None,
        cause=cause,
    )
    return _record(row, by, now)


def _record(row: StockMovement, by: User, now: datetime) -> StockMovement:
    row.author, row.source, row.received_at = by, ActSource.DESK, now
    add_movements([row], actor=user_actor(by), now=now)
    return row


def _cause(cause: str) -> str:
    if cause not in codes.STOCK_REASONS:
        raise ProblemError(INVALID, errors=[FieldError("/cause", "Choose one of the reasons.")])
    return cause


def _scopes_of_kits(kits: Collection[Kit]) -> frozenset[str]:
    """Whose kits they are: the units' crews and the teams' supervisors."""
    units = {scopes.unit(kit.unit_id) for kit in kits if kit.unit_id}
    return frozenset(units | {scopes.team(kit.team_id) for kit in kits})


def _kits_that_had(lot: Lot) -> set[UUID]:
    moved = StockMovement.objects.filter(lot_id=lot.pk)
    ends = moved.values_list("from_kit_id", "to_kit_id")
    return {kit for pair in ends for kit in pair if kit}


def _audit(by: User, action: str, kind: str, ids: list[UUID], now: datetime) -> None:
    record(actor=user_actor(by), action=action, subject_type=kind, subject_ids=ids, now=now)
