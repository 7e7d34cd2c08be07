"""What a tablet tells is recorded: doses, first aid, answers. Each once, each as it was told.

Whether somebody's certificate has run out is not asked: everyone may give naloxone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from django.db import transaction

from apps.accounts.auth import TabletSession
from apps.accounts.models import User
from apps.accounts.services import tablet_actor
from apps.assignments.services import crewed
from apps.audit.services import SYSTEM
from apps.changes.services import Event, publish
from apps.core.problems import FieldError
from apps.dispatch.models import Unit
from apps.firstaid import codes
from apps.firstaid.doses import Answer, Dose, answer_of, chains, dose_of, text
from apps.firstaid.models import (
    ActSource,
    FieldAct,
    FirstAidLog,
    Kit,
    Lot,
    MovementKind,
    NaloxoneDose,
    OverdoseAnswer,
    Product,
    StockMovement,
)
from apps.firstaid.prompts import last_answers
from apps.firstaid.reading import Told
from apps.firstaid.services.acts import fresh, keep, lock_cases, stamped
from apps.firstaid.services.ledger import lock_ledger, shelf_of
from apps.firstaid.services.stock import add_movements
from apps.firstaid.stock import Place
from apps.firstaid.taking import Piece, Supply, is_ours, kit_to_leave, piece_of
from apps.people.ids import encounter_id
from apps.sync.registry import Refused

_KIT_LEFT: Final = "kit_left"


@transaction.atomic
def record_dose(*, told: Told, session: TabletSession, now: datetime) -> NaloxoneDose | None:
    """Takes a dose, or the correction of one, and moves the stock. None: it is here already.

    Refused for whoever was not on the crew of its assignment. A dose whose assignment is not here
    yet is kept, shown to its author, and counted in when that comes.
    """
    lock_cases([told.assignment_id])
    lock_ledger()
    if NaloxoneDose.objects.filter(pk=told.id).exists():
        return None
    row = fresh(NaloxoneDose, told, session=session, now=now)
    dose = dose_of(row)
    supply = _supply()
    if is_ours(dose) and piece_of(dose, supply) is None:
        row.flags = sorted({*row.flags, codes.STOCK_UNKNOWN})
    keep(row, session=session, now=now)
    _settle(row, supply, now)
    _tell(row, "dose.recorded", now)
    return row


@transaction.atomic
def record_aid(*, told: Told, session: TabletSession, now: datetime) -> FirstAidLog | None:
    """Takes a first aid log, or the correction of one. None: it is here already. Refused for
    whoever was not on the crew of its assignment."""
    lock_cases([told.assignment_id])
    if FirstAidLog.objects.filter(pk=told.id).exists():
        return None
    row = fresh(FirstAidLog, told, session=session, now=now)
    keep(row, session=session, now=now)
    _tell(row, "aid.recorded", now)
    return row


@transaction.atomic
def record_answer(
    *, told: Told, question: str, session: TabletSession, now: datetime
) -> OverdoseAnswer | None:
    """Takes an answer to one question of the log; that a kit was left behind moves the stock. None:
    it is here already. Refused for whoever was not on the crew of its assignment."""
    lock_cases([told.assignment_id])
    if question == _KIT_LEFT:
        lock_ledger()
    if OverdoseAnswer.objects.filter(pk=told.id).exists():
        return None
    row = fresh(OverdoseAnswer, told, session=session, now=now, question=question)
    if question == _KIT_LEFT and _is_kit_unknown(row):
        row.flags = sorted({*row.flags, codes.STOCK_UNKNOWN})
    keep(row, session=session, now=now)
    if question == _KIT_LEFT:
        _settle_kit_left(row, now)
    _tell(row, "dose.answered", now)
    if question == "handover":
        _tell(row, "dose.handed_over", now)
    return row


@transaction.atomic
def record_movement(
    *, told: Told, kind: MovementKind, quantity: int, session: TabletSession, now: datetime
) -> StockMovement | None:
    """Takes what a tablet says of stock. None: it is here already. What it leaves open follows from
    the unit's kit, and from the lot. Refused where nothing says what was moved, or from where, and
    for a kit of another team. (A dose may come out of anybody's.)"""
    lock_ledger()
    if StockMovement.objects.filter(pk=told.id).exists():
        return None
    author = session.user
    assert author is not None, "the edge lets nobody through who is not signed in"
    unit = crewed(author, now)
    _must_be_theirs(told, author, unit)
    columns = stamped(told, author=author, unit=unit, now=now)
    row = StockMovement(
        **{**columns, **_completed(told, kind, unit)},
        encounter_id=told.encounter_id,
        kind=kind,
        quantity=quantity,
        cause=text(told.data, "cause")[:12],
        note=text(told.data, "note") or None,
    )
    if kind == MovementKind.LEFT_BEHIND:
        _stand_in_place(row, now)
    row.flags = sorted({*told.flags, *_below_zero(row)})
    add_movements([row], actor=tablet_actor(session.tablet, author), now=now)
    return row


def _must_be_theirs(told: Told, author: User, unit: Unit | None) -> None:
    named = {name: told.ids[name] for name in ("from_kit_id", "to_kit_id")}
    ours = {team for team in (author.team_id, unit.team_id if unit else None) if team}
    others = Kit.objects.filter(pk__in=[pk for pk in named.values() if pk]).exclude(team__in=ours)
    strange = set(others.values_list("pk", flat=True))
    if errors := [
        FieldError(f"/{name}", "It is a kit of another team.")
        for name, pk in named.items()
        if pk in strange
    ]:
        raise Refused(errors)


def _completed(told: Told, kind: MovementKind, unit: Unit | None) -> dict[str, UUID]:
    """What the tablet left open: the lot's product, the unit's kit."""
    found = {}
    if told.ids["product_id"] is None:
        lot = Lot.objects.filter(pk=told.ids["lot_id"]).first() if told.ids["lot_id"] else None
        if lot is None:
            raise Refused([FieldError("/product_id", "Of which product?")])
        found["product_id"] = lot.product_id
    comes_in = kind == MovementKind.COUNT and told.ids["to_kit_id"]
    if told.ids["from_kit_id"] is None and not comes_in:
        kits = list(Kit.objects.filter(in_use=True, unit=unit)) if unit else []
        if len(kits) != 1:
            raise Refused([FieldError("/from_kit_id", "From which kit?")])
        found["from_kit_id"] = kits[0].pk
    return found


def _below_zero(row: StockMovement) -> set[str]:
    if row.from_kit_id is None:
        return set()
    place = Place(row.from_kit_id, row.product_id, row.lot_id)
    there = shelf_of([row.from_kit_id]).levels.get(place, 0)
    return {"below_zero"} if there < row.quantity else set()


def _tell(row: FieldAct, event: str, now: datetime) -> None:
    """Tells other rooms, by the encounter."""
    if row.encounter_id:
        publish(events=[Event(event, row.encounter_id)], now=now)


def _supply() -> Supply:
    kits = Kit.objects.filter(in_use=True).in_bulk()
    return Supply(kits, Lot.objects.in_bulk(), Product.objects.in_bulk(), shelf_of(kits.keys()).had)


def _settle(row: NaloxoneDose, supply: Supply, now: datetime) -> None:
    """Brings stock to what the dose's chain of corrections says now: the piece of the dose that
    holds is out, and nothing else of the chain.

    The ids of the movements follow from the dose's, so that none is there twice whatever comes
    again.
    """
    chain = _chain(row)
    holds = chain[-1]
    piece = piece_of(holds, supply) if is_ours(holds) else None
    ids = [dose.id for dose in chain]
    out = list(StockMovement.objects.standing().filter(kind=MovementKind.DOSE, dose_id__in=ids))
    if [_piece(one) for one in out] == [piece]:
        return
    moves = [_reversal(one, now) for one in out]
    if piece is not None:
        moves.append(_taken(holds, piece, now))
    add_movements(moves, actor=SYSTEM, now=now)


def _chain(row: NaloxoneDose) -> list[Dose]:
    """The dose and what corrects it, or what it corrects, on the same assignment."""
    rows = NaloxoneDose.objects.filter(assignment_id=row.assignment_id)
    if row.assignment_id is None:
        rows = rows.filter(author=row.author_id)
    found = chains([dose_of(one) for one in rows])
    mine = next((chain for chain in found if any(dose.id == row.pk for dose in chain)), None)
    return mine or [dose_of(row)]


def _piece(movement: StockMovement) -> Piece | None:
    if movement.from_kit_id is None:
        return None
    return Piece(movement.from_kit_id, movement.product_id, movement.lot_id)


def _taken(dose: Dose, piece: Piece, now: datetime) -> StockMovement:
    row = StockMovement(
        id=uuid5(dose.id, "dose"),
        kind=MovementKind.DOSE,
        product_id=piece.product_id,
        lot_id=piece.lot_id,
        quantity=1,
        from_kit_id=piece.kit_id,
        dose_id=dose.id,
        received_at=now,
        author_id=dose.author_id,
        unit_id=dose.unit_id,
        source=ActSource.SYSTEM,
    )
    row.flags = sorted(_below_zero(row))
    return row


def _settle_kit_left(row: OverdoseAnswer, now: datetime) -> None:
    """Brings stock to what the encounter's answers say now: where the last one says that a kit was
    left behind, one is out of the unit's bag, however many say it.

    1. A tablet may tell the same kit as a movement of its own, which says more: of what product and
       lot, and how many. That one stands, whichever comes first, and the answer's is taken back.
    2. Both are told under the ledger's lock, so that the second sees what the first has made.
    3. The movement's id follows from its answer's, so that none is there twice.
    """
    answers = _answers_beside(row)
    made = _made_by(answers)
    holds = last_answers(map(answer_of, answers))[_KIT_LEFT]
    left = _says_left(holds) and not _moved_beside(answers)
    if made and not left:
        add_movements([_reversal(one, now) for one in made], actor=SYSTEM, now=now)
    if left and not made:
        told = next(one for one in answers if one.pk == holds.id)
        if piece := kit_to_leave(told.unit_id, _supply()):
            add_movements([_left(told, piece, now)], actor=SYSTEM, now=now)


def _stand_in_place(row: StockMovement, now: datetime) -> None:
    """Takes back what an answer has made of the kit that this movement tells of."""
    if row.assignment_id is None:
        return
    answers = OverdoseAnswer.objects.of(row.assignment_id).filter(
        question=_KIT_LEFT, encounter_id=row.encounter_id or encounter_id(row.assignment_id)
    )
    if row.unit_id in {one.unit_id for one in answers}:
        made = [_reversal(one, now) for one in _made_by(answers)]
        add_movements(made, actor=SYSTEM, now=now)


def _is_kit_unknown(row: OverdoseAnswer) -> bool:
    """Whether it says that a kit was left behind, and nothing says which."""
    if not _says_left(answer_of(row)) or _moved_beside([row]):
        return False
    return kit_to_leave(row.unit_id, _supply()) is None


def _says_left(answer: Answer) -> bool:
    return answer.answer == codes.KIT_LEFT


def _answers_beside(row: OverdoseAnswer) -> list[OverdoseAnswer]:
    """The answers of the same encounter. Outside a call nothing says that two are of one."""
    if row.assignment_id is None:
        return [row]
    answers = OverdoseAnswer.objects.of(row.assignment_id)
    return list(answers.filter(question=_KIT_LEFT, encounter_id=row.encounter_id))


def _made_by(answers: Iterable[OverdoseAnswer]) -> list[StockMovement]:
    ids = [uuid5(one.pk, _KIT_LEFT) for one in answers]
    return list(StockMovement.objects.standing().filter(pk__in=ids))


def _moved_beside(answers: Sequence[OverdoseAnswer]) -> bool:
    """Whether one of the units that answered has told the kit as a movement of its own."""
    call, encounter = answers[0].assignment_id, answers[0].encounter_id
    if call is None:
        return False
    told = StockMovement.objects.standing().filter(
        kind=MovementKind.LEFT_BEHIND,
        source=ActSource.TABLET,
        assignment_id=call,
        unit__in={one.unit_id for one in answers if one.unit_id},
    )
    return any((one.encounter_id or encounter_id(call)) == encounter for one in told)


def _left(answer: OverdoseAnswer, piece: Piece, now: datetime) -> StockMovement:
    row = StockMovement(
        id=uuid5(answer.pk, _KIT_LEFT),
        kind=MovementKind.LEFT_BEHIND,
        product_id=piece.product_id,
        lot_id=piece.lot_id,
        quantity=1,
        from_kit_id=piece.kit_id,
        received_at=now,
        author_id=answer.author_id,
        unit_id=answer.unit_id,
        source=ActSource.SYSTEM,
    )
    row.flags = sorted(_below_zero(row))
    return row


def _reversal(movement: StockMovement, now: datetime) -> StockMovement:
    return StockMovement(
        id=uuid5(movement.pk, "reversal"),
        kind=MovementKind.REVERSAL,
        product_id=movement.product_id,
        lot_id=movement.lot_id,
        quantity=movement.quantity,
        to_kit_id=movement.from_kit_id,
        from_kit_id=movement.to_kit_id,
        dose_id=movement.dose_id,
        reverses=movement.pk,
        received_at=now,
        author_id=movement.author_id,
        unit_id=movement.unit_id,
        source=ActSource.SYSTEM,
    )
