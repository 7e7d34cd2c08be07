"""The documents that tablets are sent: acts, kits and products.

Built from rows that were read before; nothing is queried here. Times are ISO 8601 in UTC with Z.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from apps.assignments.codes import NOT_HERE_YET
from apps.changes.services import EVERYONE_SCOPE, Document
from apps.core.clock import iso
from apps.dispatch.referencekinds import REFERENCE
from apps.firstaid import codes
from apps.firstaid.models import (
    FieldAct,
    FirstAidLog,
    Kit,
    Lot,
    NaloxoneDose,
    OverdoseAnswer,
    Product,
    StockMovement,
)
from apps.firstaid.prompts import HINTS, Protocol
from apps.firstaid.stock import Levels, Place, StockWarning
from apps.sync.stamps import as_sent

STOCK_MOVEMENT: Final = "stock_movement"


DOSES: Final = "naloxone_doses"
AID_LOGS: Final = "first_aid_logs"
OVERDOSE_ANSWER: Final = "overdose_answer"
# What is done for somebody on an assignment.
CaseAct = NaloxoneDose | FirstAidLog | OverdoseAnswer


def act(row: CaseAct, *, to: frozenset[str], here: bool) -> Document:
    """A dose, a first aid log or an answer. `here`: whether its assignment is."""
    body = {**(row.data if isinstance(row.data, dict) else {}), **_act(row, here=here), **_own(row)}
    return Document(collection_of(row), row.pk, to, body)


def collection_of(row: CaseAct) -> str:
    """The collection that an act is a document of."""
    match row:
        case NaloxoneDose():
            return DOSES
        case FirstAidLog():
            return AID_LOGS
    return "facts"


def subject_of(row: CaseAct) -> str:
    """What an act is called in the audit log."""
    return {DOSES: "naloxone_dose", AID_LOGS: "first_aid_log"}.get(collection_of(row), "fact")


def _own(row: CaseAct) -> dict[str, Any]:
    """What only one sort of act has."""
    match row:
        case NaloxoneDose():
            return {
                "given_at": as_sent(row.given_at, "given_at", row.unread),
                "product_id": _id(row.product_id),
                "lot_id": _id(row.lot_id),
                "kit_id": _id(row.kit_id),
            }
        case FirstAidLog():
            return {"done_at": as_sent(row.done_at, "done_at", row.unread)}
        case OverdoseAnswer():
            return {
                "kind": OVERDOSE_ANSWER,
                "question": row.question,
                "dose_id": _id(row.dose_id),
            }


def movement(row: StockMovement, *, to: frozenset[str]) -> Document:
    """A movement of stock."""
    body = {
        **_act(row),
        "kind": STOCK_MOVEMENT,
        "movement": row.kind,
        "product_id": str(row.product_id),
        "lot_id": _id(row.lot_id),
        "quantity": row.quantity,
        "from_kit_id": _id(row.from_kit_id),
        "to_kit_id": _id(row.to_kit_id),
        "dose_id": _id(row.dose_id),
        "reverses": _id(row.reverses),
        "cause": row.cause,
        "note": row.note or "",
    }
    return Document("facts", row.pk, to, body)


def kit(row: Kit, levels: Levels, warned: Iterable[StockWarning]) -> Document:
    """A kit with what lies in it (collection `reference`, kind `kit`)."""
    body = {
        "id": str(row.pk),
        "kind": "kit",
        "label": row.label,
        "team_id": str(row.team_id),
        "unit_id": _id(row.unit_id),
        "in_use": row.in_use,
        "stock": [
            {
                "product_id": str(place.product_id),
                "lot_id": _id(place.lot_id),
                "quantity": quantity,
            }
            for place, quantity in sorted(levels.items(), key=_by_lot)
            if place.kit_id == row.pk
        ],
        "warnings": [
            {
                "kind": one.kind,
                "product_id": str(one.product_id),
                "lot_id": _id(one.lot_id),
            }
            for one in warned
            if one.kit_id == row.pk
        ],
    }
    return Document(REFERENCE, row.pk, frozenset({EVERYONE_SCOPE}), body)


def product(row: Product, lots: Iterable[Lot]) -> Document:
    """A product with its lots (collection `reference`, kind `product`)."""
    body = {
        "id": str(row.pk),
        "kind": "product",
        "name": row.name,
        "used_as": row.kind,
        "strength": row.strength,
        "drug": row.drug,
        "dose": None if row.dose is None else float(row.dose),
        "dose_unit": row.dose_unit,
        "route": row.route,
        "in_use": row.in_use,
        "lots": [
            {
                "id": str(lot.pk),
                "number": lot.number,
                "expires_on": lot.expires_on.isoformat(),
                "recalled": lot.recalled_at is not None,
            }
            for lot in lots
        ],
    }
    return Document(REFERENCE, row.pk, frozenset({EVERYONE_SCOPE}), body)


def protocol(id: UUID, one: Protocol) -> Document:
    """When the log asks what (collection `reference`, kind `overdose_protocol`)."""
    body = {
        "id": str(id),
        "kind": "overdose_protocol",
        "version": one.version,
        "citation": one.citation,
        "effective_from": one.effective_from.isoformat(),
        "effective_to": one.effective_to and one.effective_to.isoformat(),
        "recheck_seconds": int(one.recheck.total_seconds()),
        "questions": [
            {
                "code": code,
                "label": label,
                "hint": HINTS[code],
                "answers": [{"code": c, "label": said} for c, said in codes.ANSWERS[code].items()],
            }
            for code, label in codes.QUESTIONS.items()
        ],
    }
    return Document(REFERENCE, id, frozenset({EVERYONE_SCOPE}), body)


def _act(row: FieldAct, *, here: bool = False) -> dict[str, Any]:
    """What every act has: what the client sent of it, and what the server knows about it.

    What of it has no column (`unread`) is stored and not sent: another client's schema might not
    allow it, and one document that does not fit stops that client's whole replication.
    """
    saved: dict[str, Any] = {} if row.device is None else {"editor": str(row.device)}
    if saved and row.edit_no:
        saved["edit_no"] = row.edit_no
    return {
        "id": str(row.pk),
        "assignment_id": _id(row.assignment_id),
        "encounter_id": _id(row.encounter_id),
        "corrects": _id(row.corrects),
        "device_time": as_sent(row.device_time, "device_time", row.unread),
        "counter": row.counter,
        **saved,
        "author_id": _id(row.author_id),
        "author_name": row.author.display_name if row.author else "",
        "unit_id": _id(row.unit_id),
        "unit": row.unit.call_sign if row.unit else None,
        "source": row.source,
        "received_at": iso(row.received_at),
        "clock_offset_ms": row.clock_offset_ms,
        "clock_uncertainty_ms": row.clock_uncertainty_ms,
        "flags": [flag for flag in row.flags if not (here and flag == NOT_HERE_YET)],
        "order": row.order,
    }


def _by_lot(level: tuple[Place, int]) -> tuple[str, str]:
    place, _ = level
    return str(place.product_id), str(place.lot_id or "")


def _id(value: Any) -> str | None:
    return str(value) if value else None
