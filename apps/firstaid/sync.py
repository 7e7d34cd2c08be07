"""What tablets see of first aid, and what they may tell."""

from __future__ import annotations

from collections.abc import Iterable

from apps.changes.services import Document
from apps.core import clock
from apps.dispatch.referencekinds import ReferenceKind, register_reference_kind
from apps.firstaid import schemas
from apps.firstaid.models import Kit, Product
from apps.firstaid.services.ledger import kit_documents, product_documents


def _kits() -> Iterable[Document]:
    return kit_documents(list(Kit.objects.order_by("pk")), now=clock.now())


def _products() -> Iterable[Document]:
    return product_documents(list(Product.objects.order_by("pk")), now=clock.now())


register_reference_kind(ReferenceKind("kit", schemas.KIT, _kits))
register_reference_kind(ReferenceKind("product", schemas.PRODUCT, _products))
