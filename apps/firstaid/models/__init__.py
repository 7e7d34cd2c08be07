"""What was given and done in the field, the stock it came from, and who was trained for it."""

from apps.firstaid.models.acts import (
    ActSource,
    FieldAct,
    FirstAidLog,
    NaloxoneDose,
    NextInOrder,
    OverdoseAnswer,
)
from apps.firstaid.models.stock import Kit, Lot, MovementKind, Product, ProductKind, StockMovement
from apps.firstaid.models.training import Certification, CertificationKind, OverdoseProtocol

__all__ = [
    "ActSource",
    "Certification",
    "CertificationKind",
    "FieldAct",
    "FirstAidLog",
    "Kit",
    "Lot",
    "MovementKind",
    "NaloxoneDose",
    "NextInOrder",
    "OverdoseAnswer",
    "OverdoseProtocol",
    "Product",
    "ProductKind",
    "StockMovement",
]
