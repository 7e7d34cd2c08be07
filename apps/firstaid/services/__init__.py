"""The verbs of first aid. Nothing else writes these rows."""

from apps.firstaid.services.acts import follow_assignment, let_late_go, lock_cases
from apps.firstaid.services.ledger import lock_ledger
from apps.firstaid.services.recording import record_aid, record_dose
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
    "follow_assignment",
    "issue",
    "let_late_go",
    "lock_cases",
    "lock_ledger",
    "recall_lot",
    "recall_of",
    "receive",
    "record_aid",
    "record_dose",
    "save_kit",
    "save_lot",
    "save_product",
    "tell_kits",
]
