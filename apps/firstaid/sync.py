"""What tablets see of first aid, and what they may tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from apps.assignments import sync as assignments
from apps.changes.services import Document
from apps.core import clock
from apps.core.problems import FieldError
from apps.dispatch.codelists import CodeList, register_code_list
from apps.dispatch.referencekinds import ReferenceKind, register_reference_kind
from apps.firstaid import codes, parts, reading, schemas, services
from apps.firstaid.documents import AID_LOGS, DOSES, OVERDOSE_ANSWER, STOCK_MOVEMENT
from apps.firstaid.handover import care
from apps.firstaid.models import FirstAidLog, Kit, MovementKind, NaloxoneDose, Product
from apps.firstaid.services.ledger import kit_documents, product_documents
from apps.firstaid.signs import dose_signs
from apps.people.held import register_held
from apps.people.parts import register_part, register_said
from apps.people.signs import register_signs
from apps.people.sync import OF_CALL
from apps.sync.parents import register_parent
from apps.sync.registry import (
    Collection,
    Contact,
    Pushed,
    Refused,
    register,
    register_fact_kind,
)
from apps.sync.values import is_positive, uuid_of

_LONGEST_QUESTION: Final = 24


class Acts(Collection):
    """What is done on assignments: see `services.acts` for the locks."""

    def lock(self, rows: Sequence[Pushed]) -> None:
        services.lock_cases(uuid_of(row.document.get("assignment_id")) for row in rows)


class Doses(Acts):
    """Doses move stock too."""

    def lock(self, rows: Sequence[Pushed]) -> None:
        super().lock(rows)
        services.lock_ledger()


def push_dose(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes one dose, or the correction of one."""
    told = reading.told_of(
        row,
        contact,
        schemas.DOSE,
        ids=("product_id", "lot_id", "kit_id"),
        times=("given_at",),
        known=reading.DOSE,
    )
    services.record_dose(told=told, session=contact.session, now=now)
    return None


def push_aid(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes one first aid log, or the correction of one."""
    told = reading.told_of(
        row,
        contact,
        schemas.AID,
        times=("done_at",),
        known=reading.AID,
        wrong=reading.odd_aid,
    )
    services.record_aid(told=told, session=contact.session, now=now)
    return None


def push_answer(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes one answer to what the log asks."""
    question = row.document.get("question")
    if not isinstance(question, str) or not 0 < len(question) <= _LONGEST_QUESTION:
        raise Refused([FieldError("/question", "Which question?")])
    told = reading.told_of(
        row,
        contact,
        schemas.ANSWER,
        ids=("dose_id",),
        known={**reading.ANSWER, "answer": codes.ANSWERS.get(question, ())},
        apart=("question",),
    )
    services.record_answer(told=told, question=question, session=contact.session, now=now)
    return None


def push_movement(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes one movement of stock. Refused is what nobody could count."""
    kind, quantity = str(row.document.get("movement")), row.document.get("quantity", 1)
    if kind not in codes.MOVEMENTS:
        raise Refused([FieldError("/movement", "Not a movement that a tablet tells.")])
    if not is_positive(quantity) or quantity > services.MOST_PIECES:
        raise Refused([FieldError("/quantity", "A whole number from 1.")])
    told = reading.told_of(
        row,
        contact,
        schemas.MOVEMENT,
        ids=("product_id", "lot_id", "from_kit_id", "to_kit_id"),
        known=reading.MOVEMENT,
        apart=("movement", "quantity"),
    )
    services.record_movement(
        told=told, kind=MovementKind(kind), quantity=quantity, session=contact.session, now=now
    )
    return None


def lock_for_movements(rows: Sequence[Pushed]) -> None:
    """See `services.ledger`."""
    services.lock_ledger()


def _register_list(name: str, source: str, items: list[dict[str, str]]) -> None:
    register_code_list(CodeList(name, source, lambda: items))


def _kits() -> Iterable[Document]:
    return kit_documents(list(Kit.objects.order_by("pk")), now=clock.now())


def _products() -> Iterable[Document]:
    return product_documents(list(Product.objects.order_by("pk")), now=clock.now())


register_parent("dose", NaloxoneDose)
register_parent("first_aid_log", FirstAidLog)
register(
    Doses(
        name=DOSES,
        kind="append_only",
        audience="tablet",
        schema=schemas.DOSE,
        push=push_dose,
        audit_as="naloxone_dose",
        parents=OF_CALL | {"corrects": "dose"},
    )
)
register(
    Acts(
        name=AID_LOGS,
        kind="append_only",
        audience="tablet",
        schema=schemas.AID,
        push=push_aid,
        audit_as="first_aid_log",
        parents=OF_CALL | {"corrects": "first_aid_log"},
    )
)
register_part("doses", parts.doses_part)
register_part("aid", parts.aid_part)
register_held(DOSES, parts.dose_ids)
register_held(AID_LOGS, parts.aid_ids)
register_held("facts", parts.answer_ids)
register_said("firstaid", care)
register_signs("doses", dose_signs)
for _name, (_source, _items) in codes.LISTS.items():
    _register_list(_name, _source, _items)
# The lock of the assignments' own facts: what locks the same does so at once.
register_fact_kind(
    OVERDOSE_ANSWER,
    schema=schemas.ANSWER,
    push=push_answer,
    lock=assignments.lock,
    parents=OF_CALL | {"dose_id": "dose"},
)
register_fact_kind(
    STOCK_MOVEMENT,
    schema=schemas.MOVEMENT,
    push=push_movement,
    lock=lock_for_movements,
    parents=OF_CALL,
)
register_reference_kind(ReferenceKind("kit", schemas.KIT, _kits))
register_reference_kind(ReferenceKind("product", schemas.PRODUCT, _products))
register_reference_kind(
    ReferenceKind("overdose_protocol", schemas.PROTOCOL, services.protocol_documents)
)
