"""What tablets see of first aid, and what they may tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from apps.changes.services import Document
from apps.core import clock
from apps.dispatch.codelists import CodeList, register_code_list
from apps.dispatch.referencekinds import ReferenceKind, register_reference_kind
from apps.firstaid import codes, reading, schemas, services
from apps.firstaid.documents import AID_LOGS, DOSES
from apps.firstaid.models import Kit, Product
from apps.firstaid.services.ledger import kit_documents, product_documents
from apps.sync.registry import Collection, Contact, Pushed, register
from apps.sync.values import uuid_of


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


def _register_list(name: str, source: str, items: list[dict[str, str]]) -> None:
    register_code_list(CodeList(name, source, lambda: items))


def _kits() -> Iterable[Document]:
    return kit_documents(list(Kit.objects.order_by("pk")), now=clock.now())


def _products() -> Iterable[Document]:
    return product_documents(list(Product.objects.order_by("pk")), now=clock.now())


register(
    Doses(
        name=DOSES,
        kind="append_only",
        audience="tablet",
        schema=schemas.DOSE,
        push=push_dose,
        audit_as="naloxone_dose",
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
    )
)
for _name, (_source, _items) in codes.LISTS.items():
    _register_list(_name, _source, _items)
register_reference_kind(ReferenceKind("kit", schemas.KIT, _kits))
register_reference_kind(ReferenceKind("product", schemas.PRODUCT, _products))
