"""The verbs of first aid. Nothing else writes these rows."""

from apps.firstaid.services.stock import (
    Recall,
    bring_back,
    count,
    discard,
    issue,
    recall_lot,
    recall_of,
    receive,
    save_kit,
    save_lot,
    save_product,
    tell_kits,
)

__all__ = [
    "Recall",
    "bring_back",
    "count",
    "discard",
    "issue",
    "recall_lot",
    "recall_of",
    "receive",
    "save_kit",
    "save_lot",
    "save_product",
    "tell_kits",
]
